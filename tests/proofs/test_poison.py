"""Bytes that a plan calls dead are dead: filled with a pattern after every step, the outputs of
the generated code stay what the reference says."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from codegen.c.emit import Source, emit
from edgekit.errors import EdgekitError
from edgekit.ir import Value
from edgekit.ir.op import Op
from edgekit.ir.ops import Concat, Reshape, Slice
from edgekit.options import ConvertOptions
from edgekit.pipeline.lowering import Lowered, is_quantized, lower
from edgekit.pipeline.source import read_source
from edgekit.pipeline.vectors import make_vectors
from edgekit.schedule import Program
from targets.load import load_core
from tests.proofs.data import FLOAT_TASKS, INT8_MODELS, int8_model
from tests.proofs.emission import compiler, run

Array = NDArray[np.int64]
VECTORS = 2
"""The second starts with what the first left poisoned."""
MAX_MACS = 3_000_000
MAX_BYTES = 600_000
"""Of the models that are taken from all of the material, so that the reference stays quick."""
STEPS = 3
"""With fewer nothing is ever dead but inputs."""
LEAST = 30
"""Models that must have been checked."""
TRACE = """#include <string.h>

void net_trace(int step, const void *arena);

void net_trace(int step, const void *arena)
{
    unsigned char *const a = (unsigned char *)arena;
    switch (step) {
@cases@
    default:
        break;
    }
}
"""


@dataclass(frozen=True)
class Life:
    """A piece of the arena, and between which steps its content matters."""

    start: int
    end: int
    first: int
    last: int


def elements(program: Program) -> dict[str, Array]:
    """For every value the numbers of the elements that it consists of: those that a step or the
    caller writes count up, values without a step show those of others."""
    graph, stepped = program.graph, {id(s.node) for s in program.steps}
    found: dict[str, Array] = {}
    end = 0

    def write(value: Value) -> None:
        nonlocal end
        found[value.name] = np.arange(end, end + value.type.size).reshape(value.type.shape)
        end += value.type.size

    for value in [*graph.inputs, *(s.state for s in graph.states)]:
        write(value)
    for node in graph.nodes:
        if id(node) in stepped:
            for value in node.outputs:
                write(value)
        else:
            parts = [found[v.name] for v in node.inputs if v is not None]
            found[node.output.name] = shown(node.op, parts).reshape(node.output.type.shape)
    return found


def shown(op: Op, parts: list[Array]) -> Array:
    """What an operator makes of its operands' elements without changing them."""
    if isinstance(op, Concat):
        return np.concatenate(parts, axis=op.axis)
    if isinstance(op, Slice):
        ranges = zip(op.starts, op.sizes, op.steps, strict=True)
        return parts[0][tuple(slice(a, a + n * step, step) for a, n, step in ranges)]
    assert isinstance(op, Reshape)
    return parts[0]


def lives(program: Program) -> list[Life]:
    """From the graph and the order of the steps alone; live ranges of the plan are not asked.

    A value that is read in parts has a life for each run of elements that are read last together.
    """
    graph, numbers = program.graph, elements(program)
    last = np.full(1 + max((int(n.max(initial=-1)) for n in numbers.values()), default=-1), -1)
    for step in program.steps:
        for value in step.node.inputs:
            if value is not None and not value.is_constant:
                last[numbers[value.name]] = step.index
    for value in [*graph.outputs, *(s.update for s in graph.states)]:
        last[numbers[value.name]] = len(program.steps)
    written = [(v, -1) for v in graph.inputs]
    written += [(v, s.index) for s in program.steps for v in s.node.outputs]
    found = []
    for value, first in written:
        place, item = program.location[value.name], value.type.dtype.itemsize
        own = np.maximum(last[numbers[value.name]].ravel(), first)
        cuts = [0, *(np.flatnonzero(np.diff(own)) + 1).tolist(), len(own)]
        if place.region == "arena":
            found += [
                Life(place.offset + a * item, place.offset + b * item, first, int(own[a]))
                for a, b in itertools.pairwise(cuts)
                if a < b
            ]
    return found


def dead_ranges(program: Program, step: int, ignored: int = -1) -> list[tuple[int, int]]:
    """Gaps between what is needed after a step; ``ignored`` leaves one tensor out."""
    alive = [
        life
        for i, life in enumerate(lives(program))
        if life.first <= step < life.last and i != ignored
    ]
    gaps, end = [], 0
    for life in sorted(alive, key=lambda life: life.start):
        if life.start > end:
            gaps.append((end, life.start))
        end = max(end, life.end)
    if end < program.arena_bytes:
        gaps.append((end, program.arena_bytes))
    return gaps


def poison(program: Program, ignored: int = -1) -> str:
    """The trace function that fills them."""
    cases = []
    for step in program.steps:
        fills = [
            f"        memset(a + {start}, 0xA5, {end - start});"
            for start, end in dead_ranges(program, step.index, ignored)
        ]
        cases += [f"    case {step.index}:", *fills, "        break;"]
    return TRACE.replace("@cases@", "\n".join(cases))


def run_poisoned(lowered: Lowered, folder: Path, ignored: int = -1) -> str:
    """What the host test of the generated code prints; it fails where an output differs."""
    vectors = make_vectors(lowered.graph, VECTORS)
    emit(lowered.program, "net", "host", Source("net", "0"), vectors).write(folder)
    (folder / "poison.c").write_text(poison(lowered.program, ignored), encoding="utf-8")
    flags = ["-std=c99", "-O1", "-ffp-contract=off", "-DNET_TRACE"]
    sources = ["net.c", "poison.c", "test/host_test.c"]
    run([*compiler("gcc"), *flags, *sources, "-o", "poisoned"], folder)
    return run([folder / "poisoned"], folder)


def lowered_model(path: Path, ram: int | None = None) -> Lowered:
    """int8 models as they are, the others in float32."""
    source = read_source(path)
    precision = None if is_quantized(source.graph) else "float32"
    options = ConvertOptions("host", precision=precision, ram=ram)  # type: ignore[arg-type]
    return lower(source, load_core("host"), options, None)


def all_finite(lowered: Lowered) -> bool:
    """Whether the stored vectors can be written as C literals (no NaN)."""
    vectors = make_vectors(lowered.graph, VECTORS)
    return all(np.isfinite(a).all() for a in (*vectors.inputs, *vectors.outputs))


@pytest.mark.parametrize("name", INT8_MODELS)
def test_mlperf_tiny(name: str, tmp_path: Path) -> None:
    assert f"{VECTORS} vectors, 0 outputs differ" in run_poisoned(
        lowered_model(int8_model(name)), tmp_path
    )


@pytest.mark.parametrize(
    ("name", "ram"), [("vww_96_int8", 28 * 1024), ("pretrainedResnet_quant", 22 * 1024)]
)
def test_strips(name: str, ram: int, tmp_path: Path) -> None:
    """Rows die one after the other, and others take their place."""
    lowered = lowered_model(int8_model(name), ram)
    assert lowered.program.certificate.stages
    assert f"{VECTORS} vectors, 0 outputs differ" in run_poisoned(lowered, tmp_path)


def test_the_poison_is_strong(tmp_path: Path) -> None:
    """A tensor that is still needed, called dead, changes the outputs."""
    lowered = lowered_model(FLOAT_TASKS["digits"]().model)
    program = lowered.program
    needed = [i for i, life in enumerate(lives(program)) if 0 <= life.first < life.last - 1]
    needed = needed or [i for i, life in enumerate(lives(program)) if life.first == 0]
    with pytest.raises(AssertionError, match="outputs differ"):
        run_poisoned(lowered, tmp_path, ignored=needed[0])


def test_small_models_of_the_material(material: Path, tmp_path: Path) -> None:
    files = [*material.rglob("*.tflite"), *material.rglob("*.onnx")]
    checked, wrong = 0, []
    for index, path in enumerate(sorted(f for f in files if f.stat().st_size < MAX_BYTES)):
        try:
            lowered = lowered_model(path)
        except EdgekitError:
            continue  # refused with a reason; tests/material holds which
        few = len(lowered.program.steps) < STEPS
        if few or lowered.graph.macs() > MAX_MACS or not all_finite(lowered):
            continue
        folder = tmp_path / str(index)
        folder.mkdir()
        try:
            run_poisoned(lowered, folder)
        except AssertionError as error:
            wrong.append(f"{path.relative_to(material)}: {error}")
        checked += 1
    assert not wrong
    assert checked >= LEAST

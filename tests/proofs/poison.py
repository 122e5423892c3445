"""Poison for dead bytes: after each step of a program everything in the arena that is not needed
any more is filled with a pattern."""

from __future__ import annotations

import ctypes
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codegen.c.emit import Source, Vectors, emit
from edgekit.artefact import Manifest
from edgekit.ir import Value
from edgekit.ir.op import Op
from edgekit.ir.ops import Concat, Reshape, Slice
from edgekit.pipeline.lowering import Lowered
from edgekit.schedule import Program
from edgekit.schedule.ports import make_ports
from profiles.runners import HOST
from targets.load import load_core
from targets.toolchains.base import Image
from tests.material.cases import random_samples
from tests.proofs.emission import compiler, run

Array = NDArray[np.int64]
FLAGS = ("-std=c99", "-O1", "-ffp-contract=off", "-DNET_TRACE")
PATTERNS = (0x7F, 0x84)
"""Largest int8 and a huge float32; nearly the smallest int8 and next to nothing. Neither is what
`profiles.runners.host` fills an arena with."""
SAMPLES = 2
"""The second starts with what the first left poisoned."""
TRACE = """#include <string.h>

void ek_poison(int value);
void net_trace(int step, const void *arena);

static int pattern = 0x7F;

void ek_poison(int value)
{
    pattern = value;
}

void net_trace(int step, const void *arena)
{
    unsigned char *const a = (unsigned char *)arena;
    if (pattern == 0) {
        return;
    }
    switch (step) {
@cases@
    default:
        (void)a;
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


def dead_ranges(program: Program, alive: list[Life]) -> list[tuple[int, int]]:
    """Gaps of the arena between what is needed."""
    gaps, end = [], 0
    for life in sorted(alive, key=lambda life: life.start):
        if life.start > end:
            gaps.append((end, life.start))
        end = max(end, life.end)
    if end < program.arena_bytes:
        gaps.append((end, program.arena_bytes))
    return gaps


def poison(program: Program, ignored: int = -1) -> str:
    """C source of the trace function that fills them; ``ignored`` calls one life dead."""
    every = [life for i, life in enumerate(lives(program)) if i != ignored]
    cases = []
    for step in program.steps:
        alive = [life for life in every if life.first <= step.index < life.last]
        fills = [
            f"        memset(a + {start}, pattern, {end - start});"
            for start, end in dead_ranges(program, alive)
        ]
        cases += [f"    case {step.index}:", *fills, "        break;"]
    return TRACE.replace("@cases@", "\n".join(cases))


def write_poisoned(lowered: Lowered, folder: Path, vectors: Vectors, ignored: int = -1) -> Manifest:
    """Write the generated C for ``net`` with the source that poisons it."""
    source = Source("net", "0")
    artefact = emit(lowered.program, "net", "host", source, vectors, lowered.kernels)
    artefact.write(folder)
    (folder / "poison.c").write_text(poison(lowered.program, ignored), encoding="utf-8")
    return artefact.manifest


def changed_outputs(lowered: Lowered, folder: Path) -> list[str]:
    """Outputs that are not the same, bit for bit, when dead bytes are filled with a pattern.

    Random inputs; states carry over from sample to sample.
    """
    inputs, outputs = make_ports(lowered.program)
    none = [np.zeros((0, *p.shape[1:]), p.dtype.numpy) for p in (*inputs, *outputs)]
    vectors = Vectors(tuple(none[: len(inputs)]), tuple(none[len(inputs) :]))
    manifest = write_poisoned(lowered, folder, vectors)
    path = folder / "net.so"
    run([*compiler("gcc"), *FLAGS, "-shared", "-fPIC", "net.c", "poison.c", "-o", path], folder)
    image = Image(path, "gcc", "", load_core("host"), False)
    samples = [
        random_samples(p.shape, p.dtype.numpy, SAMPLES, seed)
        for seed, p in enumerate(manifest.inputs)
    ]
    library = ctypes.CDLL(str(path))
    found = []
    for pattern in (0, *PATTERNS):
        library.ek_poison(pattern)  # the runner loads the same library again
        found.append(HOST.run(image, manifest, samples, carry_state=True).outputs)
    return [
        f"output '{port.name}' with {pattern:#x}"
        for pattern, poisoned in zip(PATTERNS, found[1:], strict=True)
        for port, want, got in zip(manifest.outputs, found[0], poisoned, strict=True)
        if want.tobytes() != got.tobytes()
    ]

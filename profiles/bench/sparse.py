"""Pruned models, computed by kernels that skip zeros and by those that do not.

``python -m profiles.bench.sparse`` prints the section of docs/benchmarks.md alone.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c.choice import KernelSet, kernels_for
from codegen.c.emit import Source, Vectors, emit
from edgekit.artefact import Artefact
from edgekit.errors import Problem, ToolError
from edgekit.ir import Graph
from edgekit.options import ConvertOptions
from edgekit.pipeline.lowering import lower
from edgekit.pipeline.source import read_source
from edgekit.pipeline.vectors import reference_outputs
from edgekit.schedule import PlanOptions, plan
from profiles.bench.markdown import number, table
from profiles.bench.measure import Log
from profiles.bench.models import BenchModel, material, models
from profiles.bench.pruning import Pattern, prune_graph, zero_share
from profiles.memory import measure_memory
from profiles.runners import HOST, select
from targets.load import load_core
from targets.toolchains import get_toolchain

Array = NDArray[Any]
CORE = "cortex-m4"
COMPILER = "gcc"
SPARSE = frozenset({"conv sparse", "dense sparse"})
"""Variants that skip zeros."""
PATTERNS = (
    Pattern(2, 4, 0.5),
    Pattern(2, 4, 0.75),
    Pattern(2, 4, 0.9),
    Pattern(1, 1, 0.5, of=4),
    Pattern(1, 1, 0.75, of=4),
    Pattern(1, 1, 0.9),
)
MODELS = ("ic", "kws", "ad")
SECONDS = 2.0
"""For a plan of the arena."""
LABELLED = {"ic": ("ic01_200.npz", -128), "kws": ("kws01_A500.npz", 0)}
"""Samples with labels, and what is added to them."""


@dataclass(frozen=True)
class SparseRun:
    """A pruned model with both kinds of kernels.

    Attributes:
        model, pattern: what was pruned, and how.
        zeros: share of the pruned layers' weights.
        top1: share of labelled samples that it still gets right.
        dense, sparse: instructions of an inference.
        dense_bytes, sparse_bytes: flash.
        equal: whether both give what the reference gives.
    """

    model: BenchModel
    pattern: Pattern
    zeros: float
    top1: float | None
    dense: int
    sparse: int
    dense_bytes: int
    sparse_bytes: int
    equal: bool


@dataclass(frozen=True)
class Counted:
    """One firmware: instructions of an inference, bytes of flash, outputs."""

    instructions: int
    flash_bytes: int
    outputs: Sequence[Array]


def measure(model: BenchModel, patterns: Sequence[Pattern] = PATTERNS) -> Iterator[SparseRun]:
    """Prune a model in every way and run it.

    Raises:
        ToolError: a compiler or an emulator is missing or failed.
    """
    core = load_core(CORE)
    whole = lower(
        read_source(model.path), core, ConvertOptions(CORE, plan_time=SECONDS), None
    ).whole
    kernels = kernels_for(core)
    without = KernelSet(kernels.isa, SPARSE)
    rng = np.random.default_rng(0)
    inputs = [rng.integers(-128, 128, (2, *v.type.shape[1:]), np.int8) for v in whole.inputs]
    for pattern in patterns:
        graph = prune_graph(whole, pattern)
        dense, sparse = _count(graph, without, inputs), _count(graph, kernels, inputs)
        wanted = reference_outputs(graph, inputs)
        equal = all(
            np.array_equal(found.reshape(want.shape), want)
            for run in (dense, sparse)
            for found, want in zip(run.outputs, wanted, strict=True)
        )
        yield SparseRun(
            model, pattern, zero_share(graph), _top1(model.key, graph, kernels),
            dense.instructions, sparse.instructions, dense.flash_bytes, sparse.flash_bytes, equal,
        )  # fmt: skip


def _emit(graph: Graph, kernels: KernelSet, core: str) -> Artefact:
    options = PlanOptions(seconds=SECONDS)
    program = plan(graph, kernels.scratch_bytes, kernels.overlaps, options)
    none = Vectors(
        tuple(np.zeros((0, *v.type.shape), v.type.dtype.numpy) for v in graph.inputs),
        tuple(np.zeros((0, *v.type.shape), v.type.dtype.numpy) for v in graph.outputs),
    )
    return emit(program, "m", core, Source("pruned", ""), none, kernels)


def _count(graph: Graph, kernels: KernelSet, inputs: Sequence[Array]) -> Counted:
    core, tool = load_core(CORE), get_toolchain(COMPILER)
    runner = select(core)
    if isinstance(runner, Problem):
        raise ToolError(f"no emulator can run {CORE}", [runner])
    artefact = _emit(graph, kernels, CORE)
    with tempfile.TemporaryDirectory(prefix="edgekit-bench-") as name:
        folder = Path(name)
        artefact.write(folder)
        image = tool.build_firmware(folder, artefact.manifest, core, folder / "m.elf")
        run = runner.run(image, artefact.manifest, list(inputs), profile=True)
        flash = measure_memory(image, artefact.manifest).flash_bytes
    assert run.instructions is not None
    return Counted(run.instructions[0], flash, run.outputs)


def _top1(key: str, graph: Graph, kernels: KernelSet) -> float | None:
    """Of labelled samples, by the portable equals on this machine; None where there are none."""
    name, shift = LABELLED.get(key, ("", 0))
    path = material() / "datasets" / name
    if not path.is_file():
        return None
    with np.load(path) as data:
        x = (data["x"].astype(np.int64) + shift).astype(np.int8)
        labels = data["y"]
    artefact = _emit(graph, kernels, "host")
    with tempfile.TemporaryDirectory(prefix="edgekit-bench-") as name:
        folder = Path(name)
        artefact.write(folder)
        image = get_toolchain(COMPILER).build_host_library(
            folder, artefact.manifest, folder / "m.so"
        )
        found = HOST.run(image, artefact.manifest, [x]).outputs[0]
    return float((found.reshape(len(x), -1).argmax(axis=1) == labels).mean())


def sparse_section(chosen: Sequence[BenchModel], log: Log) -> list[str]:
    """The page's section; nothing where the models are missing."""
    present = [m for m in chosen if m.key in MODELS and m.path.is_file()]
    runs: list[SparseRun] = []
    for model in present:
        log(f"pruning {model.key}")
        runs += measure(model)
    return [write_section(runs)] if runs else []


def write_section(runs: Sequence[SparseRun]) -> str:
    """Both kinds of kernels side by side."""
    head = [
        "model, pattern", "zeros", "top-1", "dense", "sparse", "times as fast",
        "flash, dense", "flash, sparse", "equal",
    ]  # fmt: skip
    cells = [
        [
            f"{r.model.key.upper()}, {r.pattern.title}", f"{r.zeros:.0%}",
            "-" if r.top1 is None else f"{r.top1:.3f}",
            number(r.dense), number(r.sparse), f"{r.dense / r.sparse:.2f}",
            number(r.dense_bytes), number(r.sparse_bytes), "yes" if r.equal else "NO",
        ]
        for r in runs
    ]  # fmt: skip
    return "\n".join([
        "## Sparse weights",
        "",
        f"Models of MLPerf Tiny whose smallest weights were set to zero, on {CORE}: instructions "
        "of an inference and bytes of flash, with kernels that do not skip zeros and with those "
        "that do. All convolutions over several channels and all dense layers are pruned. Nothing "
        "is trained again: what accuracy is left shows what pruning alone costs. Blocks: filters "
        "x inputs; n:m keeps n of m inputs side by side. Equal: both give the reference's outputs.",
        "",
        *table(head, cells),
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    print(*sparse_section(models(), lambda text: print(text, file=sys.stderr, flush=True)))

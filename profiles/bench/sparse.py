"""Models with zeros, computed by kernels that skip them and by those that do not.

``python -m profiles.bench.sparse`` prints the section of docs/benchmarks.md alone.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c.choice import VARIANTS, KernelSet, kernels_for
from edgekit.ir import Graph
from edgekit.options import ConvertOptions
from edgekit.passes.infra import run_passes
from edgekit.pipeline.lowering import lower, nhwc_int8
from edgekit.pipeline.source import read_source
from edgekit.pipeline.vectors import reference_outputs
from profiles.bench.firmware import COMPILER, SECONDS, count, emit_graph
from profiles.bench.markdown import number, table
from profiles.bench.measure import Log
from profiles.bench.models import BenchModel, material, models
from profiles.bench.pruning import Pattern, prune_graph, zero_share
from profiles.runners import HOST
from quantize.dead_channels import DeadChannels
from targets.load import load_core
from targets.toolchains import get_toolchain

Array = NDArray[Any]
Patterns = dict[str, tuple[Pattern | None, ...]]
IN_PAIRS: Patterns = {
    "vww": (None,),
    "ic": tuple(Pattern(2, 4, share) for share in (0.25, 0.5, 0.75, 0.9)),
    "kws": (
        *(Pattern(2, 4, share) for share in (0.25, 0.5, 0.75, 0.9)),
        Pattern(2, 1, 0.75, of=4),
        Pattern(1, 1, 0.5, of=4),
    ),
    "ad": (
        Pattern(2, 4, 0.5), Pattern(2, 4, 0.75), Pattern(2, 4, 0.9), Pattern(4, 4, 0.9),
        Pattern(1, 1, 0.9),
    ),
}  # fmt: skip
"""What is pruned, and how, where products come in pairs; None: a model as it was published."""
ONE_BY_ONE: Patterns = {
    "vww": (None,),
    "ic": (Pattern(1, 1, 0.5), Pattern(1, 1, 0.75), Pattern(1, 1, 0.9)),
    "kws": (
        Pattern(1, 1, 0.5), Pattern(1, 1, 0.75), Pattern(1, 1, 0.9), Pattern(1, 1, 0.5, of=4),
    ),
    "ad": (Pattern(1, 1, 0.5), Pattern(1, 1, 0.75), Pattern(1, 1, 0.9)),
}  # fmt: skip
"""The same where single zeros can be skipped."""
CORES = {
    "cortex-m4": IN_PAIRS, "cortex-m3": ONE_BY_ONE, "cortex-m0plus": ONE_BY_ONE,
    "rv32imc": ONE_BY_ONE,
}  # fmt: skip
LABELLED = {
    "vww": ("vww_coco_train2017_128.npz", "x96", -128),
    "ic": ("ic01_200.npz", "x", -128),
    "kws": ("kws01_A500.npz", "x", 0),
}
"""Samples with labels: file, array, what is added to them."""


@dataclass(frozen=True)
class SparseRun:
    """A model with both kinds of kernels.

    Attributes:
        core: whose kernels.
        model, pattern: what was pruned, and how.
        zeros: share of the pruned layers' weights.
        top1: share of labelled samples that it still gets right.
        dense, sparse: instructions of an inference.
        dense_bytes, sparse_bytes: flash.
        equal: whether both give what the reference gives.
    """

    core: str
    model: BenchModel
    pattern: Pattern | None
    zeros: float
    top1: float | None
    dense: int
    sparse: int
    dense_bytes: int
    sparse_bytes: int
    equal: bool


def skipping(kernels: KernelSet) -> frozenset[str]:
    """Names of an instruction set's variants that skip zeros."""
    names = {v.name for variants in VARIANTS[kernels.isa].values() for v in variants}
    return frozenset(name for name in names if name.endswith("sparse"))


def measure(
    core: str, model: BenchModel, patterns: Sequence[Pattern | None]
) -> Iterator[SparseRun]:
    """Prune a model in every way and run it.

    Raises:
        ToolError: a compiler or an emulator is missing or failed.
    """
    kernels = kernels_for(load_core(core))
    without = replace(kernels, without=skipping(kernels))
    whole = _with_every_channel(core, model)
    rng = np.random.default_rng(0)
    inputs = [rng.integers(-128, 128, (2, *v.type.shape[1:]), np.int8) for v in whole.inputs]
    for pattern in patterns:
        graph = whole if pattern is None else prune_graph(whole, pattern)
        smaller = run_passes(graph, [DeadChannels()])
        dense = count(graph, without, core, inputs)
        sparse = count(smaller, kernels, core, inputs)
        wanted = reference_outputs(graph, inputs)
        equal = dense.equals(wanted) and sparse.equals(wanted)
        yield SparseRun(
            core, model, pattern, zero_share(graph), _top1(model.key, smaller, kernels),
            dense.instructions, sparse.instructions, dense.flash_bytes, sparse.flash_bytes, equal,
        )  # fmt: skip


def _with_every_channel(core: str, model: BenchModel) -> Graph:
    """A model lowered without removing channels."""
    options = ConvertOptions(core, plan_time=SECONDS)
    found = lower(read_source(model.path), load_core(core), options, None)
    passes = [p for p in nhwc_int8(found.rounding) if not isinstance(p, DeadChannels)]
    return run_passes(found.canonical, passes)


def _top1(key: str, graph: Graph, kernels: KernelSet) -> float | None:
    """Of labelled samples, by the portable equals on this machine; None where there are none."""
    name, samples, shift = LABELLED.get(key, ("", "", 0))
    path = material() / "datasets" / name
    if not path.is_file():
        return None
    with np.load(path) as data:
        x = (data[samples].astype(np.int64) + shift).astype(np.int8)
        labels = data["y"]
    artefact = emit_graph(graph, kernels, "host")
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
    present = {m.key: m for m in chosen if m.path.is_file()}
    runs: list[SparseRun] = []
    for core, models_of in CORES.items():
        for key, patterns in models_of.items():
            if key in present:
                log(f"pruning {key} for {core}")
                runs += measure(core, present[key], patterns)
    return [write_section(runs)] if runs else []


def write_section(runs: Sequence[SparseRun]) -> str:
    """Both kinds of kernels side by side."""
    head = [
        "core: model, pattern", "zeros", "top-1", "dense", "sparse", "times as fast",
        "flash, dense", "flash, sparse", "equal",
    ]  # fmt: skip
    cells = [
        [
            f"{r.core}: {r.model.key.upper()}, {r.pattern.title if r.pattern else 'as published'}",
            f"{r.zeros:.0%}",
            "-" if r.top1 is None else f"{r.top1:.3f}",
            number(r.dense), number(r.sparse), f"{r.dense / r.sparse:.2f}",
            number(r.dense_bytes), number(r.sparse_bytes), "yes" if r.equal else "NO",
        ]
        for r in runs
    ]  # fmt: skip
    return "\n".join([
        "## Sparse weights",
        "",
        "Instructions of an inference and bytes of flash, with kernels that do not skip zeros and "
        "with what a conversion does: channels that say nothing removed, and kernels that skip "
        "zeros where that is cheaper. VWW is as published: most weights of its last "
        "layers are zero. Of the others all convolutions over several channels and all dense "
        "layers were pruned by magnitude. Nothing was trained again, so top-1 is what pruning alone"
        " leaves. Blocks are filters x inputs; n:m keeps n of m inputs side by side. Equal: both "
        "give the outputs of the reference.",
        "",
        *table(head, cells),
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    print(*sparse_section(models(), lambda text: print(text, file=sys.stderr, flush=True)))

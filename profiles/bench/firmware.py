"""Graphs that no file holds, as firmware on an emulated core."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c.choice import KernelSet
from codegen.c.emit import Source, Vectors, emit
from edgekit.artefact import Artefact
from edgekit.errors import Problem, ToolError
from edgekit.ir import Graph
from edgekit.schedule import PlanOptions, plan
from profiles.memory import measure_memory
from profiles.runners import select
from targets.load import load_core
from targets.toolchains import get_toolchain

Array = NDArray[Any]
COMPILER = "gcc"
SECONDS = 2.0
"""For a plan of the arena."""


@dataclass(frozen=True)
class Counted:
    """One firmware.

    Attributes:
        instructions: of an inference.
        layers: of each step, by the name of its node.
        flash_bytes: code and constants.
        outputs: of all samples.
    """

    instructions: int
    layers: Mapping[str, int]
    flash_bytes: int
    outputs: Sequence[Array]

    def equals(self, wanted: Sequence[Array]) -> bool:
        """Whether the outputs are these, whatever their shapes."""
        pairs = zip(self.outputs, wanted, strict=True)
        return all(np.array_equal(found.reshape(want.shape), want) for found, want in pairs)


def emit_graph(graph: Graph, kernels: KernelSet, core: str) -> Artefact:
    """The code of a graph, without stored vectors."""
    options = PlanOptions(seconds=SECONDS)
    program = plan(graph, kernels.scratch_bytes, kernels.overlaps, options)
    none = Vectors(
        tuple(np.zeros((0, *v.type.shape), v.type.dtype.numpy) for v in graph.inputs),
        tuple(np.zeros((0, *v.type.shape), v.type.dtype.numpy) for v in graph.outputs),
    )
    return emit(program, "m", core, Source("bench", ""), none, kernels)


def count(graph: Graph, kernels: KernelSet, core: str, inputs: Sequence[Array]) -> Counted:
    """Run a graph with every sample of ``inputs``.

    Raises:
        ToolError: a compiler or an emulator is missing or failed.
    """
    target, tool = load_core(core), get_toolchain(COMPILER)
    runner = select(target)
    if isinstance(runner, Problem):
        raise ToolError(f"no emulator can run {core}", [runner])
    artefact = emit_graph(graph, kernels, core)
    with tempfile.TemporaryDirectory(prefix="edgekit-bench-") as name:
        folder = Path(name)
        artefact.write(folder)
        image = tool.build_firmware(folder, artefact.manifest, target, folder / "m.elf")
        run = runner.run(image, artefact.manifest, list(inputs), profile=True)
        flash = measure_memory(image, artefact.manifest).flash_bytes
    assert run.instructions is not None
    names = {step.symbol: step.name for step in artefact.manifest.steps}
    layers = {names[layer.symbol]: layer.instructions for layer in run.layers}
    return Counted(run.instructions[0], layers, flash, run.outputs)

"""``--optimize balanced``: kernels in assembly that are worth their code, by building without them.

A kind of kernel is left out where its layers take less code without it, the product of code and
instructions falls, and the model stays nearer to the fastest kernels than to portable C. What
replaces it may be another kernel in assembly or portable C, may be there already or not, and may be
inlined or not: so code is what compilers make of it. Instructions are estimates
(`KernelSet.instructions`, `profiles.cost`), as no emulator may be there.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from codegen.c.choice import PORTABLE, KernelSet
from codegen.c.emit import Source, Vectors, emit
from codegen.c.step import Variant
from edgekit.ir import Graph, Node
from edgekit.options import ToolchainChoice
from edgekit.pipeline.builds import PARALLEL, toolchains_for
from edgekit.schedule import plan
from profiles.cost import portable_cost
from profiles.memory import measure_memory
from targets.model import Core
from targets.process import run_parallel
from targets.toolchains import Toolchain

NAME = "balanced"
"""Symbol prefix of what is built to be measured."""


@dataclass(frozen=True)
class Balance:
    """What a set of kernels costs.

    Attributes:
        kernels: the set.
        code_bytes, flash_bytes: by compiler.
        instructions: about, of the nodes whose cost is known.
    """

    kernels: KernelSet
    code_bytes: tuple[int, ...]
    flash_bytes: tuple[int, ...]
    instructions: int

    def is_better(self, other: Balance) -> bool:
        """True where every compiler makes less code of this one, less flash in all, and the product
        falls."""
        pairs = [*zip(self.code_bytes, other.code_bytes, strict=True)]
        pairs += zip(self.flash_bytes, other.flash_bytes, strict=True)
        return all(mine < theirs for mine, theirs in pairs) and self.product < other.product

    @property
    def product(self) -> int:
        """Of code, of all compilers, and instructions."""
        return sum(self.code_bytes) * self.instructions


def balance(
    graph: Graph,
    fastest: KernelSet,
    core: Core,
    choice: ToolchainChoice,
    progress: Callable[[str], None],
) -> KernelSet:
    """The fastest kernels of a core without those that are not worth their code.

    Kinds are tried from the one with the least work on; each is left out for good or kept.

    Args:
        graph: lowered.
        fastest: kernels to choose from.
        core, choice: what builds them for what.
        progress: receives one line per build.

    Raises:
        ToolError: a compiler is missing or fails.
    """
    work: Counter[str] = Counter()
    nodes = []
    for node in graph.nodes:
        found = fastest.find(node)
        if isinstance(found, Variant):
            work[found.name] += found.instructions(node)
            nodes.append(node)
    if not work:
        return fastest
    tools = toolchains_for(core, choice)
    count = partial(_instructions, core, None if choice == "auto" else choice)

    def measure(kernels: KernelSet) -> Balance:
        total = sum(count(kernels, node) or 0 for node in graph.nodes)
        code, flash = zip(*_build(graph, kernels, core, tools), strict=True)
        return Balance(kernels, code, flash, total)

    portable = sum(count(PORTABLE, node) or count(fastest, node) or 0 for node in nodes)
    limit = (sum(work.values()) * portable) ** 0.5
    progress("building with every kernel")
    best = measure(fastest)
    for index, (name, _) in enumerate(sorted(work.items(), key=lambda pair: pair[::-1]), 1):
        rest = replace(best.kernels, without=best.kernels.without | {name})
        counts = [count(rest, node) for node in nodes]
        if None not in counts and sum(filter(None, counts)) <= limit:
            progress(f"building without '{name}' ({index} of {len(work)} kernels)")
            without = measure(rest)
            best = without if without.is_better(best) else best
    return best.kernels


def _build(
    graph: Graph, kernels: KernelSet, core: Core, tools: tuple[Toolchain, ...]
) -> list[tuple[int, int]]:
    """Bytes of code and of flash by compiler, with tensors placed by first fit: where they lie is
    hardly code, and the plan of the conversion takes longer."""
    program = plan(graph, kernels.scratch_bytes, kernels.overlaps)
    none = Vectors((np.empty(0),) * len(graph.inputs), (np.empty(0),) * len(graph.outputs))
    artefact = emit(program, NAME, core.name, Source("", ""), none, kernels)
    manifest = artefact.manifest
    with tempfile.TemporaryDirectory(prefix="edgekit-") as place:
        folder = Path(place)
        artefact.write(folder)
        jobs = [
            partial(tool.build_firmware, folder, manifest, core, folder / f"{tool.name}.elf")
            for tool in tools
        ]
        found = [measure_memory(image, manifest) for image in run_parallel(jobs, PARALLEL)]
    return [(use.code_bytes, use.flash_bytes) for use in found]


def _instructions(core: Core, toolchain: str | None, kernels: KernelSet, node: Node) -> int | None:
    """About what a node takes; None where nothing is known of its kernel in portable C."""
    own = kernels.instructions(node)
    if own is None and getattr(node.op, "w_zero", False):  # the fit is for weights without one
        return None
    return portable_cost(node, core, toolchain).instructions if own is None else own

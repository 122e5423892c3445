"""Which kernel computes a node: the cheapest that the target can run, portable C where that is
cheaper or there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from codegen.assembly import armv6_m, armv7_m, armv7e_m, mve, rv32
from codegen.assembly.isa import isa_of
from codegen.assembly.refusal import OtherKind
from codegen.c.operators import EMITTERS
from codegen.c.operators.estimates import portable_instructions
from codegen.c.step import Emitter, Variant
from edgekit.errors import ModelError, Problem
from edgekit.ir import Graph, Node
from edgekit.ir.op import Op
from edgekit.options import Kernels, Optimize
from edgekit.schedule import Overlap
from targets.model import Core

VARIANTS: dict[str, Mapping[type[Op], tuple[Variant, ...]]] = {
    "armv6_m": armv6_m.VARIANTS,
    "armv7_m": armv7_m.VARIANTS,
    "armv7e_m": armv7e_m.VARIANTS,
    "mve": mve.VARIANTS,
    "rv32": rv32.VARIANTS,
}
"""Instruction set -> operator -> what it may become."""


MARGIN = 1.05
"""How well costs are known. Portable C is taken, and flash is paid, for more than that."""


@dataclass(frozen=True)
class KernelSet:
    """The kernels of a target.

    Attributes:
        isa: instruction set with an emitter of its own; empty for portable C alone.
        without: names of its variants that are not used.
        optimize: as in `edgekit.options.ConvertOptions`: ``fastest`` admits kernels that pay for
            instructions with flash.
        weighs: True where portable C computes the layers that it takes less for, whatever kernels
            in assembly are able to.
        features: of the core, for variants that need more than the instruction set.
        asked: the option by which portable C alone was asked for on a core with kernels in
            assembly; empty where it was not.
    """

    isa: str = ""
    without: frozenset[str] = frozenset()
    optimize: Optimize = "speed"
    weighs: bool = False
    features: frozenset[str] = frozenset()
    asked: str = ""
    _found: dict[Node, Emitter | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def find(self, node: Node) -> Emitter | None:
        """How a node becomes C, None where it cannot."""
        if node not in self._found:
            self._found[node] = self._choose(node)
        return self._found[node]

    def emitter(self, node: Node) -> Emitter:
        """How a node becomes C.

        Raises:
            ModelError: the operator has no C kernel.
        """
        found = self.find(node)
        if found is None:
            problem = Problem("has no C kernel", f"{node.op.label} '{node.name}'")
            raise ModelError("the model needs an operator that C emission lacks", [problem])
        return found

    def scratch_bytes(self, node: Node) -> int:
        """Scratch that the kernel of a node declares, in bytes.

        Raises:
            ModelError: the operator has no C kernel.
        """
        return self.emitter(node).scratch(node)

    def overlaps(self, node: Node) -> Sequence[Overlap | None]:
        """How far the output of a node's kernel may lie over each of its inputs."""
        found = self.find(node)
        return () if found is None else found.overlap(node)

    def instructions(self, node: Node) -> int | None:
        """What one run of a node's kernel executes; None for portable C, which does not count."""
        found = self.find(node)
        return found.instructions(node) if isinstance(found, Variant) else None

    def refusal(self, node: Node) -> str:
        """Why portable C computes a node on a core with kernels in assembly; empty where it does
        not.

        Of several reasons those of kernels for nodes of another kind are left out.
        """
        if self.asked:
            return f"asked for with {self.asked}"
        if not self.isa or isinstance(self.find(node), Variant):
            return ""
        variants = self._variants(node)
        if not variants:
            return f"no kernel in assembly for {node.op.label}"
        found = {v.name: v.refuse(node) or self._waived(v) for v in variants}
        near = {name: why for name, why in found.items() if not isinstance(why, OtherKind)} or found
        names: dict[str, list[str]] = {}
        for name, why in near.items():
            names.setdefault(why, []).append(name)
        return "; ".join(f"{', '.join(names[why])}: {why}" for why in names)

    def _choose(self, node: Node) -> Emitter | None:
        able = [
            v for v in self._variants(node) if v.name not in self.without and not v.refuse(node)
        ]
        best = min(able, key=lambda v: _price(v, node), default=None)
        if best is None or (self.weighs and self._is_dearer(best, node)):
            return EMITTERS.get(type(node.op))
        return best

    def _is_dearer(self, variant: Variant, node: Node) -> bool:
        """True where portable C takes less than a variant and the filters that it leaves out."""
        portable = portable_instructions(node, self.isa)
        return portable is not None and variant.cost(node).total > MARGIN * portable

    def _waived(self, variant: Variant) -> str:
        """Why a variant that is able to is not used."""
        left_out = variant.name in self.without
        return "too little work for its code" if left_out else "dearer than portable C"

    def _variants(self, node: Node) -> list[Variant]:
        """What the node's operator may become, refused or not."""
        found = VARIANTS.get(self.isa, {}).get(type(node.op), ())
        pays = self.optimize == "fastest"
        return [
            v
            for v in found
            if (pays or not v.pays_flash) and (not v.needs or v.needs in self.features)
        ]


def _price(variant: Variant, node: Node) -> float:
    """What variants are compared by: instructions, more of them where flash is paid too."""
    return variant.instructions(node) * (MARGIN if variant.pays_flash else 1)


PORTABLE = KernelSet()
"""Portable C alone."""


def kernels_for(
    core: Core, kernels: Kernels = "fastest", optimize: Optimize = "speed"
) -> KernelSet:
    """The kernels that code for a core may use.

    Args:
        core: the core.
        kernels, optimize: as in `edgekit.options.ConvertOptions`; of ``balanced`` those that
            `edgekit.pipeline.balancing` begins with.
    """
    isa = isa_of(core)
    if isa is None:
        return KernelSet(optimize=optimize)
    if optimize == "size" or kernels == "portable":
        asked = "--optimize size" if optimize == "size" else "--kernels portable"
        return KernelSet(optimize=optimize, asked=asked)
    return KernelSet(isa.name, optimize=optimize, weighs=True, features=frozenset(core.features))


def unsupported(graph: Graph) -> list[Problem]:
    """Every node without a C kernel (aliases need none)."""
    return [
        problem
        for n in graph.nodes
        if not is_alias(n.op) and (problem := _unsupported(n)) is not None
    ]


def _unsupported(node: Node) -> Problem | None:
    where = f"{node.op.label} '{node.name}'"
    emitter = EMITTERS.get(type(node.op))
    if emitter is None:
        return Problem("has no C kernel", where)
    found = node.input(0).type.dtype if node.inputs else None
    if emitter.types and found is not None and found not in emitter.types:
        allowed = ", ".join(t.value for t in emitter.types)
        return Problem(f"has no C kernel for {found.value}", where, allowed)
    return None


def is_alias(op: Op) -> bool:
    """True for operators that move no bytes."""
    return op.name == "Reshape"

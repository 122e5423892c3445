"""Every kernel in assembly of every instruction set: a table of shapes, rules and extremes.

What computes them on a core is compared with the reference, on the host by its portable equal and
on the emulated core. The table must reach all kernels that there are.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest

from codegen.c.choice import VARIANTS, KernelSet, kernels_for
from codegen.c.step import Variant
from edgekit.ir import Graph, Node
from edgekit.schedule import Room
from targets.load import load_core
from tests.codegen.kernel_cases import cases
from tests.codegen.on_core import check, merged

CORES = {
    "armv6_m": "cortex-m0plus", "armv7_m": "cortex-m3", "armv7e_m": "cortex-m4",
    "mve": "cortex-m55", "rv32": "rv32imc",
}  # fmt: skip


@functools.cache
def whole() -> Graph:
    return merged(cases())


def nodes() -> list[Node]:
    return [n for n in whole().nodes if n.op.name != "Reshape"]


def kernels(isa: str) -> KernelSet:
    """Of all that are able, also where portable C would be cheaper."""
    return replace(kernels_for(load_core(CORES[isa]), optimize="fastest"), weighs=False)


def test_every_instruction_set_has_its_core() -> None:
    assert {isa: kernels(isa).isa for isa in CORES} == {isa: isa for isa in VARIANTS}


@pytest.mark.parametrize("isa", VARIANTS)
def test_every_kernel_is_chosen(isa: str) -> None:
    wanted = {(op, v.name) for op, variants in VARIANTS[isa].items() for v in variants}
    found = ((type(n.op), kernels(isa).emitter(n)) for n in nodes())
    assert {(op, v.name) for op, v in found if isinstance(v, Variant)} == wanted


@pytest.mark.parametrize("isa", VARIANTS)
def test_costs_are_the_sums_of_their_parts(isa: str) -> None:
    """Of every kernel that could compute a layer, not only of the one that does."""
    for node in nodes():
        for variant in VARIANTS[isa].get(type(node.op), ()):
            if variant.refuse(node):
                continue
            cost = variant.cost(node)
            assert min(cost.parts().values()) > 0, (variant.name, node)
            assert abs(sum(cost.parts().values()) - cost.total) <= 3


@pytest.mark.parametrize("place", ["host", "core"])
@pytest.mark.parametrize("isa", VARIANTS)
def test_outputs(isa: str, place: str) -> None:
    check(whole(), kernels(isa), CORES[isa] if place == "core" else "host", "gcc")


def test_outputs_of_copied_constants() -> None:
    check(whole(), kernels("armv7e_m"), "host", "gcc", count=1, room=Room("ram", None))


@pytest.mark.parametrize("isa", ["armv6_m", "armv7_m", "armv7e_m"])
def test_no_access_is_misaligned(isa: str) -> None:
    """As cores do, QEMU faults where LDM or LDRD meets such an address, and on Armv6-M any load."""
    check(whole(), kernels(isa), CORES[isa], "gcc", count=1, emulator="qemu")

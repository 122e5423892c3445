"""Sums of int16: all rules, signs and clamps, scales far apart and scales that end in ties; on the
host and on cores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from codegen.assembly.armv7e_m.add_words import ADD_WORDS
from codegen.c.choice import PORTABLE, KernelSet
from edgekit.ir import DType, Graph, TensorType
from edgekit.ir.ops import QAdd, Rescale, Rounding
from quantize.requantize import make_requant, quantize_multiplier
from quantize.wide_sum import WideSum, wide_sum
from tests.codegen.batch import BOTH
from tests.codegen.graphs import single
from tests.codegen.on_core import at_limit, check, check_grid, merged

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m")
RATIOS = (1.0, 0.75, 0.5, 0.8125, 0.5000001, 0.3, 0.0625, 0.01, 2.0**-15)
"""The smaller scale to the larger one."""


def addition(
    size: int,
    ratio: float = 0.3,
    out: float = 0.7,
    rule: Rounding = Rounding.DOUBLE,
    swap: bool = False,
    minus: bool = False,
    low: int = -(2**15),
) -> Graph:
    """A sum as TFLite prepares it; ``out`` is the larger scale to that of the output."""
    scales = (ratio, 1.0) if swap else (1.0, ratio)
    first, second = (Rescale(0, *quantize_multiplier(s / 2)) for s in scales)
    if minus:
        second = Rescale(0, -second.multiplier, second.shift)
    spec = make_requant([2 * out / 2**15], rule, 0, low, 2**15 - 1, [2**30])
    kind = TensorType((1, size), DType.INT16)
    return single(QAdd(first, second, spec, 15), [kind, kind], DType.INT16)


def sums(size: int = 0) -> Iterator[Graph]:
    """Everything with every ratio, of one to nine elements or of so many."""
    for index, ratio in enumerate(RATIOS * 8):
        yield addition(
            size or 1 + index % 9,
            ratio,
            (0.5, 0.7, 0.25, 1.3, 2.0**-9)[index % 5],
            (Rounding.DOUBLE, Rounding.DOUBLE, Rounding.SINGLE)[index % 3],
            swap=index // 2 % 2 == 0,
            minus=index // 9 % 2 == 1,
            low=0 if index % 7 == 3 else -(2**15),
        )


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_sums(core: str, toolchain: str) -> None:
    check_grid(sums(), KERNELS, {ADD_WORDS.name}, core, toolchain)


@pytest.mark.parametrize("core", ["host", CORE, "cortex-m0plus", "rv32imc"])
def test_many_pairs(core: str) -> None:
    check(merged(list(sums(300))), KERNELS if core == CORE else PORTABLE, core)


def test_every_operand_beside_ends() -> None:
    """The portable equal, with all of 2**16 numbers."""
    check(merged(list(sums(2**16))[::5]), KERNELS, "host")


@pytest.mark.parametrize("core", ["host", CORE])
def test_in_place(core: str) -> None:
    check(merged(list(sums())), KERNELS, core, planner=at_limit(backward=False))


def test_what_has_no_form() -> None:
    kind = TensorType((1, 4, 8), DType.INT16)
    (node,) = addition(8).nodes
    assert isinstance(wide_sum(node), WideSum)
    op = node.op
    assert isinstance(op, QAdd)
    repeated = single(op, [kind, TensorType((1, 1, 8), DType.INT16)], DType.INT16)
    assert "repeated" in str(wide_sum(repeated.nodes[0]))
    other = QAdd(op.second, op.second, op.requant, 15)
    assert "larger" in str(wide_sum(single(other, [kind, kind], DType.INT16).nodes[0]))
    twice = QAdd(Rescale(0, 2**30, 0), Rescale(0, 2**31 - 1, 0), op.requant, 15)
    assert "31 bits" in str(wide_sum(single(twice, [kind, kind], DType.INT16).nodes[0]))
    clamped = addition(8, low=-7).nodes[0]
    assert isinstance(wide_sum(clamped), WideSum)
    assert "clamp" in ADD_WORDS.refuse(clamped)

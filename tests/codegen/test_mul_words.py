"""Products of int16: scales, clamps, ends of the range; on the host and on cores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from codegen.assembly.armv7e_m.mul_words import MUL_WORDS
from codegen.c.choice import PORTABLE, KernelSet
from edgekit.ir import DType, Graph, TensorType
from edgekit.ir.ops import QMul, Rounding
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH
from tests.codegen.graphs import single
from tests.codegen.on_core import at_limit, check, check_grid, merged

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m")
SCALES = (
    2.0**-15,
    0.7 * 2.0**-15,
    2.0**-16,
    0.49,
    2.0**-3,
    0.3 * 2.0**-20,
    2.0**-29,
    1.5 * 2.0**-14,
)


def product(
    size: int, scale: float = 2.0**-15, low: int = -(2**15), high: int = 2**15 - 1
) -> Graph:
    """Of two tensors with so many elements."""
    spec = make_requant([scale], Rounding.DOUBLE, 0, low, high, [2**30])
    kind = TensorType((1, size), DType.INT16)
    return single(QMul(spec, 0, 0), [kind, kind], DType.INT16)


def products(size: int = 0) -> Iterator[Graph]:
    """Every scale, of one to nine elements or of so many."""
    for index, scale in enumerate(SCALES * 3):
        yield product(size or 1 + index % 9, scale, 0 if index % 5 == 3 else -(2**15))


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_products(core: str, toolchain: str) -> None:
    check_grid(products(), KERNELS, {MUL_WORDS.name}, core, toolchain)


@pytest.mark.parametrize("core", ["host", CORE, "cortex-m0plus", "rv32imc"])
def test_many_pairs(core: str) -> None:
    check(merged(list(products(500))), KERNELS if core == CORE else PORTABLE, core)


@pytest.mark.parametrize("core", ["host", CORE])
def test_in_place(core: str) -> None:
    check(merged(list(products())), KERNELS, core, planner=at_limit(backward=False))


def test_what_the_kernel_refuses() -> None:
    op = product(8).nodes[0].op
    kinds = [TensorType((1, n, 8), DType.INT16) for n in (4, 1)]
    assert "repeated" in MUL_WORDS.refuse(single(op, kinds, DType.INT16).nodes[0])
    assert "scale" in MUL_WORDS.refuse(product(8, 0.6).nodes[0])
    assert "clamp" in MUL_WORDS.refuse(product(8, high=900).nodes[0])
    assert "clamp" in MUL_WORDS.refuse(product(8, low=-7).nodes[0])

"""Means of int8 windows in portable C: four channels at once, channels left over, borders, windows
of more than 255 positions, extremes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from codegen.c.choice import PORTABLE
from edgekit.ir import Graph
from edgekit.ir.ops import QAvgPool2D, QMeanPool2D, Rounding, Window
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH, Compiled, compile_all
from tests.codegen.graphs import int8, single
from tests.codegen.on_core import at_limit, check, merged
from tests.codegen.test_integer_kernels import windows

CHANNELS = (1, 3, 4, 5, 9)
COUNTS = ((1, 2), (3, 3), (5, 7), (15, 17), (16, 16), (17, 17))
"""Windows of 2, 9, 35, 255, 256 and 289 positions."""


def pools() -> Iterator[Graph]:
    fitting = (w for w in windows(np.random.default_rng(41)) if w[2].meets_input(w[0], w[1]))
    for index, (size, kernel, window) in zip(range(40), fitting, strict=False):
        x = int8(1, *size, CHANNELS[index % 5])
        clamp = ((-128, 127), (-20, 20))[index // 5 % 2]
        yield single(QAvgPool2D(kernel, window, *clamp, bool(index % 3)), [x])
        scales = [1 / n for n in range(1, kernel[0] * kernel[1] + 1)]
        yield single(QMeanPool2D(kernel, make_requant(scales, Rounding.DOUBLE, 3), -5, window), [x])


def whole() -> list[Graph]:
    """Windows that are the input, of all counts."""
    return [
        single(QAvgPool2D(size, Window(), half_up=half_up), [int8(1, *size, 5)])
        for size in COUNTS
        for half_up in (False, True)
    ]


@pytest.mark.parametrize("toolchain", BOTH)
def test_on_the_host(toolchain: str) -> None:
    for case in compile_all(list(pools()), toolchain):
        case.check_samples()


def extremes(case: Compiled) -> NDArray[np.int8]:
    """All channels at one end or the other, and sums that are one beside a tie."""
    rng = np.random.default_rng(3)
    shape = case.manifest.inputs[0].shape
    ends = np.stack([np.full(shape[1:], n, np.int8) for n in (-128, 127, -1, 0, 1)])
    near = rng.integers(-2, 3, (60, *shape[1:])).astype(np.int8)
    return np.concatenate([ends, near])


@pytest.mark.parametrize("toolchain", BOTH)
def test_counts_and_extremes(toolchain: str) -> None:
    for case in compile_all(whole(), toolchain):
        case.check([extremes(case)])


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m0plus", "rv32imc"])
def test_on_cores(core: str) -> None:
    check(merged([*pools(), *whole()]), PORTABLE, core)


@pytest.mark.parametrize("backward", [False, True])
def test_over_the_input(backward: bool) -> None:
    check(merged(list(pools())), PORTABLE, "cortex-m3", planner=at_limit(backward))


def test_division_by_a_product() -> None:
    """What ek_avg_pool_s8.c divides by, on every sum."""
    for count in range(1, 256):
        sums = np.arange(255 * count + count // 2 + 1, dtype=np.uint64)
        products = sums * np.uint64(-(-(2**24) // count))
        assert products.max() < 2**32
        assert np.array_equal(products >> np.uint64(24), sums // np.uint64(count))

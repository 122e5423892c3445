"""Maxima of int8 windows: sixteen channels at once, channels left over, borders, clamps."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.c.choice import PORTABLE
from edgekit.ir import Graph
from edgekit.ir.ops import QMaxPool2D, Window
from tests.codegen.batch import BOTH, compile_all
from tests.codegen.graphs import int8, single
from tests.codegen.on_core import at_limit, check, merged
from tests.codegen.test_integer_kernels import windows

CHANNELS = (1, 3, 15, 16, 17, 33)
CLAMPS = ((-128, 127), (-128, 90), (-30, 127), (-20, 20), (127, 127), (-128, -128))


def pools() -> list[Graph]:
    fitting = (w for w in windows(np.random.default_rng(40)) if w[2].meets_input(w[0], w[1]))
    found = []
    for index, (size, kernel, window) in zip(range(36), fitting, strict=False):
        op = QMaxPool2D(kernel, window, *CLAMPS[index // 6])
        found.append(single(op, [int8(1, *size, CHANNELS[index % 6])]))
    halves = QMaxPool2D((2, 2), Window((2, 2)), -128, 127)
    return [*found, *(single(halves, [int8(1, 4, 6, c)]) for c in (4, 16, 20, 48))]


@pytest.mark.parametrize("toolchain", BOTH)
def test_on_the_host(toolchain: str) -> None:
    for case in compile_all(pools(), toolchain):
        case.check_samples()


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m0plus", "rv32imc"])
@pytest.mark.parametrize("toolchain", BOTH)
def test_on_cores(core: str, toolchain: str) -> None:
    """With SSUB8 and SEL, and one channel at a time."""
    check(merged(pools()), PORTABLE, core, toolchain)


@pytest.mark.parametrize("backward", [False, True])
def test_over_the_input(backward: bool) -> None:
    check(merged(pools()), PORTABLE, "cortex-m4", planner=at_limit(backward))

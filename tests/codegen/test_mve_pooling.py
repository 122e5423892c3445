"""Pooling of Armv8.1-M: assembly on the emulated core, its equals on the host."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from codegen.assembly.mve.pooling import division
from codegen.c.choice import KernelSet
from edgekit.ir import Graph
from edgekit.ir.ops import QAvgPool2D, QClip, QMaxPool2D, QMean, QMeanPool2D, Rounding, Window
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH
from tests.codegen.graphs import int8, single
from tests.codegen.on_core import at_limit, check, chosen, compare_counts, merged

CORE = "cortex-m55"
CLAMPS = ((-128, 127), (-90, 127), (-128, 100))


def pools() -> Iterator[Graph]:
    rng = np.random.default_rng(8)
    for index, channels in enumerate((1, 8, 24, 37)):
        low, high = CLAMPS[index % len(CLAMPS)]
        x = int8(1, 9, 6, channels)
        for kernel, strides in (
            ((9, 6), (1, 1)),
            ((2, 2), (2, 2)),
            ((3, 1), (1, 2)),
            ((5, 4), (4, 2)),
        ):
            window = Window(strides)
            yield single(QMaxPool2D(kernel, window, low, high), [x])
            yield single(QAvgPool2D(kernel, window, low, high, bool(index % 2)), [x])
            count = kernel[0] * kernel[1]
            for rule in (Rounding.EVEN, Rounding.DOUBLE):
                scales = [float(s) / n for n, s in enumerate(rng.uniform(0.2, 0.9, count), 1)]
                spec = make_requant([scales[-1]], rule, -7, low, high)
                yield single(QMeanPool2D(kernel, spec, 5, window), [x])
        spec = make_requant([0.011], Rounding.DOUBLE, 3, low, high)
        yield single(QMean(spec, -9, (1, 2)), [x])
        yield single(QMean(spec, -9, (2,), False), [x])


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_pools(core: str, toolchain: str) -> None:
    graph, kernels = merged(list(pools())), KernelSet("mve")
    names = chosen(graph, kernels)
    assert names.count("pooled") >= 0.85 * len(names)
    run = check(graph, kernels, core, toolchain)
    if core == CORE:
        compare_counts(graph, kernels, run, 0.35)


@pytest.mark.parametrize("core", ["host", CORE])
def test_several_samples(core: str) -> None:
    """Means over any axes, the first among them or not; each has a neighbour in memory that other
    nodes read."""
    spec = make_requant([0.01], Rounding.DOUBLE, 3)
    means = [((3, 5, 2, 31), (1, 2), True), ((2, 5, 24), (1,), False), ((2, 3, 9), (0,), True)]
    means += [((7, 32), (0,), False), ((2, 3, 17), (0, 1), False)]
    found = []
    for shape, axes, keep in means:
        found += [single(QMean(spec, -9, axes, keep), [int8(*shape)]), single(QClip(), [int8(99)])]
    found.append(single(QMaxPool2D((2, 2)), [int8(2, 5, 4, 21)]))
    graph, kernels = merged(found), KernelSet("mve")
    assert chosen(graph, kernels).count("pooled") == 6
    run = check(graph, kernels, core)
    if core == CORE:
        compare_counts(graph, kernels, run, 0.35)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_pools_over_their_input(core: str, backward: bool) -> None:
    check(merged(list(pools())), KernelSet("mve"), core, planner=at_limit(backward))


@pytest.mark.parametrize("half_up", [False, True])
def test_every_number_of_pixels_can_be_divided_by(half_up: bool) -> None:
    assert all(division(count, half_up) for count in range(1, 257))

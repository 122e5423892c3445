"""Means over all pixels of Armv7E-M: assembly on the emulated core, its equal on the host."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from codegen.assembly.armv7e_m.mean import refuse
from codegen.c.choice import KernelSet
from codegen.c.step import Variant
from edgekit.ir import Graph
from edgekit.ir.ops import QAvgPool2D, QMean, Rounding, Window
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH
from tests.codegen.graphs import int8, single
from tests.codegen.on_core import check, chosen, merged

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m")


def pool(height: int, width: int, channels: int, half_up: bool = False) -> Graph:
    """Global average pooling."""
    op = QAvgPool2D((height, width), Window((height, width)), half_up=half_up)
    return single(op, [int8(1, height, width, channels)])


def mean(rng: np.random.Generator, rule: Rounding, height: int, width: int) -> Graph:
    """A mean over both spatial axes, with scales and zero points of its own."""
    pixels = height * width
    scale = float(rng.uniform(0.3, 1.9)) / pixels
    zeros = rng.integers(-128, 128, 2).tolist()
    spec = make_requant([scale], rule, zeros[0], bounds=[255 * pixels])
    return single(QMean(spec, zeros[1], (1, 2), False), [int8(1, height, width, 9)])


def means() -> Iterator[Graph]:
    rng = np.random.default_rng(1)
    for channels in (8, 9, 16, 23):
        yield pool(3, 5, channels)
    for height, width in ((1, 1), (1, 2), (2, 2), (8, 8), (25, 5), (15, 17)):
        yield pool(height, width, 8, half_up=bool(height % 2))
    for rule in (Rounding.DOUBLE, Rounding.SINGLE, Rounding.HIGH):
        for height, width in ((1, 2), (3, 3), (7, 7)):
            yield mean(rng, rule, height, width)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_means(core: str, toolchain: str) -> None:
    graph = merged(list(means()))
    names = chosen(graph, KERNELS)
    assert names[:10] == ["mean"] * 10
    assert names.count("mean") >= 0.8 * len(names)
    run = check(graph, KERNELS, core, toolchain)
    if core == CORE:
        for node, layer in zip(graph.nodes, run.layers, strict=True):
            variant = KERNELS.emitter(node)
            if isinstance(variant, Variant):
                assert layer.instructions == pytest.approx(variant.instructions(node), 0.01, 20)


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (pool(3, 3, 7), "few channels"),
        (pool(16, 16, 8), "255 pixels"),
        (single(QAvgPool2D((2, 2), Window((2, 2))), [int8(1, 4, 4, 8)]), "all of"),
        (single(QAvgPool2D((2, 2), Window(), -5, 90), [int8(1, 2, 2, 8)]), "clamp"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_others_stay_portable(graph: Graph, reason: str) -> None:
    assert reason in refuse(graph.nodes[0])

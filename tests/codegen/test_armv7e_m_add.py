"""Sums of Armv7E-M: assembly on the emulated core, its equal on the host, all pairs of operands."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from codegen.assembly.armv7e_m.add import refuse, sum_of
from codegen.c.choice import KernelSet
from codegen.c.step import Variant
from edgekit.ir import Graph
from edgekit.ir.ops import QAdd, Rescale, Rounding
from quantize.reference import evaluate
from quantize.requantize import make_requant, quantize_multiplier
from tests.codegen.batch import BOTH
from tests.codegen.graphs import int8, single
from tests.codegen.on_core import at_limit, check, chosen, merged

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m")
EXTREME = 4.0
"""Largest ratio of an operand's scale to the output's here."""


def addition(
    rng: np.random.Generator,
    size: int,
    rule: Rounding = Rounding.DOUBLE,
    low: int = -128,
    sign: int = 1,
) -> Graph:
    """A sum as TFLite prepares it: scales to twice the larger, 20 bits to the left."""
    scales = EXTREME * 2 ** rng.uniform(-6, 0, 2)
    twice = 2 * scales.max()
    parts = [quantize_multiplier(s / twice) for s in scales]
    zeros = rng.integers(-128, 128, 3).tolist()
    spec = make_requant([twice / 2**20], rule, zeros[2], low)
    first, second = (Rescale(z, m, s) for z, (m, s) in zip(zeros, parts, strict=False))
    if sign < 0:
        second = Rescale(second.zero_point, -second.multiplier, second.shift)
    return single(QAdd(first, second, spec), [int8(1, size), int8(1, size)])


def sums() -> Iterator[Graph]:
    rng = np.random.default_rng(1)
    for index, size in enumerate((*range(1, 18), 64, 100)):
        rule = (Rounding.DOUBLE, Rounding.SINGLE)[index % 2]
        yield addition(rng, size, rule, sign=-1 if index % 5 == 0 else 1)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_sums(core: str, toolchain: str) -> None:
    graph = merged(list(sums()))
    assert chosen(graph, KERNELS).count("add") >= 0.9 * len(graph.nodes)
    run = check(graph, KERNELS, core, toolchain)
    if core == CORE:
        for node, layer in zip(graph.nodes, run.layers, strict=True):
            variant = KERNELS.emitter(node)
            if isinstance(variant, Variant):
                assert layer.instructions == pytest.approx(variant.instructions(node), 0.01, 20)


@pytest.mark.parametrize("core", ["host", CORE])
def test_in_place(core: str) -> None:
    check(merged(list(sums())), KERNELS, core, planner=at_limit(backward=False))


def test_constants_are_right_for_every_pair() -> None:
    rng = np.random.default_rng(2)
    x = np.repeat(np.arange(-128, 128, dtype=np.int8), 256)
    z = np.tile(np.arange(-128, 128, dtype=np.int8), 256)
    found = 0
    for index in range(12):
        graph = addition(rng, 65536, (Rounding.DOUBLE, Rounding.SINGLE)[index % 2])
        constants = sum_of(graph.nodes[0])
        if constants is None:
            continue
        found += 1
        products = (constants.first * x.astype(np.int64), constants.second * z.astype(np.int64))
        total = (products[0] >> 8) + (products[1] >> 8) + constants.offset
        assert np.abs(total).max() < 2**31
        feeds = {"x0": x.reshape(1, -1), "x1": z.reshape(1, -1)}
        (wanted,) = evaluate(graph, feeds).values()
        np.testing.assert_array_equal(np.clip(total >> 16, -128, 127), wanted.ravel())
    assert found >= 10


def test_others_stay_portable() -> None:
    rng = np.random.default_rng(3)
    assert "clamp" in refuse(addition(rng, 8, low=0).nodes[0])
    op = addition(rng, 8).nodes[0].op
    repeated = single(op, [int8(1, 4, 8), int8(1, 1, 8)])
    assert "repeated" in refuse(repeated.nodes[0])
    fixed = single(op, [int8(1, 8), rng.integers(-9, 9, (1, 8), np.int8)])
    assert "constant" in refuse(fixed.nodes[0])

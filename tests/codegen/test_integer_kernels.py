"""Every integer kernel over grids of small shapes: generated C equals the reference."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from edgekit.ir import Graph
from edgekit.ir.ops import (
    QAvgPool2D,
    QClip,
    QMaxPool2D,
    QMean,
    QRescale,
    Rounding,
    Window,
)
from edgekit.ir.ops.integer import Requant
from quantize.requantize import make_requant
from tests.codegen import graphs
from tests.codegen.batch import BOTH, compile_all
from tests.codegen.graphs import RULES, int8

SIZES = ((1, 1), (1, 7), (5, 1), (3, 4), (6, 5))
KERNELS = ((1, 1), (1, 3), (3, 1), (2, 2), (3, 3))
PADDINGS = ((0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 1, 2), (2, 0, 0, 1))
STRIDES = ((1, 1), (2, 2), (1, 3), (3, 1))
DILATIONS = ((1, 1), (2, 1), (1, 2))


def windows(rng: np.random.Generator) -> Iterator[tuple[tuple[int, int], tuple[int, int], Window]]:
    """Endless random (size, kernel, window), the window never larger than the padded input."""
    while True:
        pick = [int(n) for n in rng.integers(0, 1000, 5)]
        size, kernel = SIZES[pick[0] % len(SIZES)], KERNELS[pick[1] % len(KERNELS)]
        stride, dilation = STRIDES[pick[2] % len(STRIDES)], DILATIONS[pick[3] % len(DILATIONS)]
        padding = PADDINGS[pick[4] % len(PADDINGS)]
        window = Window(stride, padding, dilation)
        top, left, bottom, right = padding
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        if size[0] + top + bottom >= reach[0] and size[1] + left + right >= reach[1]:
            yield size, kernel, window


def convolutions(count: int) -> list[Graph]:
    """Dense, grouped and depthwise convolutions in turn, every rule equally often."""
    rng = np.random.default_rng(1)
    found = []
    for index, (size, kernel, window) in zip(range(count), windows(rng), strict=False):
        rule = RULES[index % len(RULES)]
        kind = index // len(RULES) % 3
        if kind == 0:
            channels, filters, groups = int(rng.integers(1, 10)), int(rng.integers(1, 8)), 1
        elif kind == 1:
            groups = int(rng.integers(2, 4))
            channels, filters = groups * int(rng.integers(2, 4)), groups * int(rng.integers(1, 4))
        else:
            channels = groups = int(rng.integers(1, 6))
            filters = channels * int(rng.integers(1, 4))
        found.append(graphs.conv(rng, size, channels, filters, kernel, window, groups, rule))
    return found


@pytest.mark.parametrize("tool", BOTH)
def test_convolutions(tool: str) -> None:
    cases = convolutions(240)
    ops = [g.nodes[0].op for g in cases]
    rules = {op.requant.rule for op in ops}  # type: ignore[attr-defined]
    assert rules == set(RULES)
    for case in compile_all(cases, tool):
        case.check_samples()


@pytest.mark.parametrize("tool", BOTH)
def test_dense_layers(tool: str) -> None:
    rng = np.random.default_rng(2)
    sizes = [(r, d, o) for r in (1, 3) for d in (1, 2, 5, 16, 33) for o in (1, 2, 3, 4, 5, 9)]
    cases = [graphs.dense(rng, *size, rule) for size in sizes for rule in RULES]
    for case in compile_all(cases, tool):
        case.check_samples()


def test_additions_with_every_way_of_broadcasting() -> None:
    rng = np.random.default_rng(3)
    pairs = [
        ((1, 4, 3, 2), (1, 4, 3, 2)),
        ((1, 4, 3, 2), (1, 1, 1, 2)),
        ((1, 4, 3, 2), (1, 4, 1, 2)),
        ((1, 4, 1, 2), (1, 1, 3, 2)),
        ((1, 4, 3, 2), (1, 1, 1, 1)),
        ((1, 2, 3), (1, 2, 3)),
        ((1, 1), (1, 7)),
        ((1, 2, 1, 3, 1, 2), (1, 1, 2, 1, 2, 1)),
    ]
    cases = []
    for a, b in pairs:
        for rule in (Rounding.DOUBLE, Rounding.SINGLE, Rounding.EVEN):
            for first, second in ((a, b), (b, a)):
                if len(a) <= 4:
                    cases.append(graphs.add(rng, int8(*first), int8(*second), rule))
                constant = rng.integers(-128, 128, second, dtype=np.int8)
                if len(a) <= 4 and second[0] == 1:
                    cases.append(graphs.add(rng, int8(*first), constant, rule))
    for case in compile_all(cases):
        case.check_samples()


def pools(count: int) -> list[Graph]:
    rng = np.random.default_rng(4)
    found: list[Graph] = []
    for size, kernel, window in windows(rng):
        if not window.meets_input(size, kernel):
            continue  # refused, see tests/ir
        low, high = (-128, 127) if rng.random() < 0.5 else (-40, 90)
        kind = (QMaxPool2D, QAvgPool2D)[len(found) % 2]
        shape = int8(1, *size, int(rng.integers(1, 5)))
        found.append(graphs.single(kind(kernel, window, low, high), [shape]))
        if len(found) == count:
            break
    return found


def test_pools() -> None:
    for case in compile_all(pools(120)):
        case.check_samples()


@pytest.mark.parametrize("rule", RULES)
def test_means(rule: Rounding) -> None:
    rng = np.random.default_rng(5)
    cases = []
    for shape, axes in (
        ((1, 5, 3, 4), (1, 2)),
        ((1, 5, 3, 4), (2,)),
        ((1, 5, 3, 4), (3,)),
        ((1, 5, 3, 4), (1, 2, 3)),
        ((1, 7, 1, 3), (1, 2)),
        ((1, 9), (1,)),
        ((1, 1, 1, 2), (1, 2)),
    ):
        for keepdims in (True, False):
            count = int(np.prod([shape[a] for a in axes]))
            scale = float(rng.uniform(0.3, 0.99)) / count
            spec = make_requant([scale], rule, int(rng.integers(-50, 50)), bounds=[255 * count])
            op = QMean(spec, int(rng.integers(-128, 128)), axes, keepdims)
            cases.append(graphs.single(op, [int8(*shape)]))
    for case in compile_all(cases):
        case.check_samples()


def test_clips_and_rescales() -> None:
    rng = np.random.default_rng(6)
    every = np.arange(-128, 128).astype(np.int8).reshape(1, 256)
    cases = [
        graphs.single(QClip(low, high), [int8(1, 256)])
        for low, high in ((-128, 127), (0, 127), (-5, 5), (7, 7), (-128, -128))
    ]
    for rule in RULES:
        for scale in graphs.scales(rng, 12, rule):
            spec = make_requant([scale], rule, int(rng.integers(-128, 128)), bounds=[255])
            cases.append(
                graphs.single(QRescale(spec, int(rng.integers(-128, 128))), [int8(1, 256)])
            )
    for case in compile_all(cases):
        case.check([every])


def test_depthwise_with_many_channels_and_one_pixel() -> None:
    rng = np.random.default_rng(7)
    cases = [
        graphs.conv(rng, (1, 1), 33, 33, (3, 3), Window(padding=(1, 1, 1, 1)), 33, rule)
        for rule in RULES
    ]
    for case in compile_all(cases):
        case.check_samples()


def test_a_rule_stays_what_it_is() -> None:
    """Where the rules differ, the compiled kernels differ in the same places."""
    every = np.arange(-128, 128).astype(np.int8).reshape(1, 256)
    found = {}
    for rule in (Rounding.DOUBLE, Rounding.SINGLE, Rounding.FLOAT, Rounding.HIGH):
        spec = Requant((2**30,), (0,), rule)  # one half: a tie for each odd number
        if rule is Rounding.HIGH:
            spec = Requant((2**31 - 1,), (0,), rule)
        if rule is Rounding.FLOAT:
            spec = make_requant([0.5], rule)
        (case,) = compile_all([graphs.single(QRescale(spec, 0), [int8(1, 256)])])
        case.check([every])
        found[rule] = case.run([every])[0].tobytes()
    assert found[Rounding.SINGLE] != found[Rounding.FLOAT]

"""Small layers that together reach every kernel in assembly: shapes, rules, extremes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from edgekit.ir import Graph
from edgekit.ir.ops import (
    Op,
    QAdd,
    QAvgPool2D,
    QConv2D,
    QDense,
    QMaxPool2D,
    QMean,
    QMeanPool2D,
    Requant,
    Reshape,
    Rounding,
    Window,
)
from profiles.bench.pruning import Pattern
from quantize.requantize import accumulator_bounds, make_requant
from tests.codegen import graphs
from tests.codegen.graphs import RULES, Array, Shape, int8, single
from tests.codegen.test_add_words import sums as wide_sums
from tests.codegen.test_armv7e_m_sparse import pruned
from tests.codegen.test_columns import conv as wide_conv
from tests.codegen.test_columns import dense as wide_dense
from tests.codegen.test_columns import depthwise as wide_depthwise
from tests.codegen.test_lookup import lookups
from tests.codegen.test_lstm import lstm
from tests.codegen.test_matmul import matmul
from tests.codegen.test_mul_words import products
from tests.codegen.test_mve_float import conv as tied_conv
from tests.codegen.test_mve_float import dense as tied_dense

Pair = tuple[int, int]
PLAIN, SAME = Window(), Window(padding=(1, 1, 1, 1))
HALVED = Window((2, 2), (0, 0, 1, 1))

CONVOLUTIONS: tuple[tuple[Pair, int, int, Pair, Window], ...] = (
    ((1, 1), 1, 2, (1, 1), PLAIN),  # one pixel, one tap
    ((1, 1), 40, 17, (1, 1), PLAIN),  # one pixel, odd filters
    ((5, 1), 6, 9, (5, 1), PLAIN),  # one window
    ((2, 2), 3, 1, (1, 1), PLAIN),  # one filter
    ((1, 7), 8, 8, (1, 1), PLAIN),  # a rest of pixels
    ((3, 3), 5, 3, (1, 1), PLAIN),  # taps that are no multiple of 4
    ((4, 4), 64, 7, (1, 1), PLAIN),
    ((2, 3), 130, 70, (1, 1), PLAIN),  # calls, blocks of filters
    ((3, 3), 256, 6, (1, 1), PLAIN),  # sums that wait
    ((9, 8), 16, 4, (1, 1), Window((2, 2))),
    ((5, 8), 4, 4, (3, 3), SAME),
    ((6, 9), 3, 5, (3, 3), HALVED),  # a first layer
    ((5, 5), 16, 3, (3, 3), SAME),
    ((4, 5), 33, 6, (3, 3), PLAIN),
    ((9, 9), 32, 18, (3, 3), SAME),  # halves of the products are worth their additions
    ((2, 2), 4, 4, (3, 3), Window(padding=(3, 2, 1, 2))),  # every window reaches over an edge
    ((13, 10), 1, 8, (10, 4), Window((2, 2), (4, 1, 5, 1))),
    ((7, 7), 2, 4, (5, 5), Window(padding=(2, 2, 2, 2))),
    ((9, 9), 4, 4, (3, 3), Window((1, 2), (2, 1, 2, 1), (2, 1))),
    ((7, 7), 3, 4, (3, 3), Window((1, 1), (2, 3, 2, 3), (2, 3))),
    ((1, 30), 12, 4, (1, 9), Window((1, 2), (0, 4, 0, 4))),
    ((30, 1), 1, 4, (3, 1), Window((3, 1))),
)
"""Size, channels, filters, kernel, window."""
DEPTHWISE: tuple[tuple[Pair, int, Pair, Window], ...] = (
    ((1, 1), 8, (3, 3), SAME),
    ((6, 4), 1, (3, 3), SAME),  # one channel: an ordinary convolution with one filter
    ((5, 4), 3, (3, 3), SAME),
    ((7, 6), 8, (3, 3), SAME),
    ((6, 16), 16, (3, 3), SAME),
    ((6, 5), 6, (3, 3), PLAIN),
    ((8, 9), 12, (3, 3), Window((2, 2), (1, 1, 1, 1))),
    ((8, 8), 8, (3, 3), HALVED),
    ((5, 7), 24, (3, 3), Window((2, 1), (1, 1, 1, 1))),
    ((6, 7), 16, (5, 5), Window(padding=(2, 2, 2, 2))),
    ((6, 5), 8, (3, 1), Window(padding=(1, 0, 1, 0))),
    ((1, 20), 8, (1, 5), Window(padding=(0, 2, 0, 2))),
    ((20, 1), 4, (7, 1), Window((2, 1), (3, 0, 3, 0))),
    ((6, 6), 8, (3, 3), Window((1, 1), (2, 2, 2, 2), (2, 2))),
    ((5, 5), 8, (2, 2), Window((2, 2))),
    ((7, 10), 9, (7, 7), Window((2, 2), (3, 3, 3, 3))),  # a multiple of four and one more
)
"""Size, channels, kernel, window."""
MULTIPLIED: tuple[tuple[Pair, int, int, Pair, Window], ...] = (
    ((5, 6), 4, 2, (3, 3), SAME),
    ((1, 9), 3, 4, (1, 5), Window((1, 2), (0, 2, 0, 2))),
    ((5, 4), 2, 8, (3, 3), SAME),
    ((7, 6), 6, 2, (3, 2), HALVED),
    ((4, 5), 3, 4, (3, 3), SAME),
    ((1, 9), 5, 3, (1, 5), Window(padding=(0, 4, 0, 0), dilations=(1, 2))),
)
"""Size, channels, filters of each, kernel, window."""
DENSE = (
    (1, 1, 1), (1, 5, 3), (1, 16, 4), (1, 33, 9), (1, 904, 4), (2, 64, 10), (1, 130, 12),
    (3, 20, 5), (5, 8, 2), (7, 50, 6),
)  # fmt: skip
"""Rows, inputs, filters."""
SUMS = (1, 7, 8, 33, 64)
POOLS: tuple[tuple[Pair, int, Pair, Window], ...] = (
    ((5, 4), 8, (5, 4), PLAIN),
    ((1, 1), 9, (1, 1), PLAIN),
    ((6, 6), 17, (2, 2), Window((2, 2))),
    ((5, 7), 24, (3, 2), Window((1, 2))),
    ((9, 9), 3, (9, 9), PLAIN),
)
"""Size, channels, kernel, window."""


@dataclass(frozen=True)
class Extreme:
    """Constants at an end of their range.

    Attributes:
        weights: the smallest and largest that occur, drawn from the two alone if ``ends``.
        x_zero, zero: zero points of input and output; None: anything.
        scale: of the requantization, relative to the one that uses the output's range.
        dead: some filters have no weights and huge biases.
        clamp: range of outputs around the zero point.
    """

    weights: Pair = (-127, 127)
    ends: bool = False
    x_zero: int | None = None
    zero: int | None = None
    scale: float = 1.0
    dead: bool = False
    clamp: Pair = (-255, 255)


EXTREMES = (
    Extreme(dead=True, zero=-128, clamp=(0, 255)),  # as after a ReLU
    Extreme((127, 127), x_zero=-128, zero=-128),  # the largest sums
    Extreme((-127, -127), x_zero=127, zero=127),  # the smallest
    Extreme((-128, 127), ends=True, scale=8.0),
    Extreme((-128, -128), x_zero=-128, zero=0),
    Extreme(scale=2.0**-8, dead=True),  # hardly more than one output
    Extreme(scale=2.0**6, zero=5),  # hardly an output that is not saturated
    Extreme(x_zero=127, clamp=(-3, 2)),
    Extreme((0, 0), x_zero=-128),
)


def constants(
    rng: np.random.Generator, shape: Shape, rule: Rounding, kind: Extreme
) -> tuple[Array, Array, int, Requant]:
    """Weights, biases, the input's zero point, and what the sums become."""
    low, high = kind.weights
    weights = rng.integers(low, high, shape, np.int64, endpoint=True)
    if kind.ends:
        weights = rng.choice([low, high], shape)
    x_zero = int(rng.integers(-128, 128)) if kind.x_zero is None else kind.x_zero
    zero = int(rng.integers(-128, 128)) if kind.zero is None else kind.zero
    reach = 128 * np.abs(weights.reshape(shape[0], -1)).sum(1) + 1
    bias = np.rint(reach * rng.uniform(-0.5, 0.5, shape[0])).astype(np.int32)
    if kind.dead:
        weights[::3] = 0
        bias[::3] = rng.choice([-(2**30), 2**30], len(bias[::3]))
    lowest, highest = accumulator_bounds(weights.astype(np.int8), bias, x_zero)
    bounds = [int(b) for b in np.maximum(-lowest, highest)]
    scales = kind.scale * 300.0 / reach * 2 ** rng.uniform(-1, 1, shape[0])
    # a little below the limit: EVEN rounds scales to float32
    scales = np.minimum(scales, (2**30 - 2**8) / np.maximum(np.array(bounds), 1))
    scales = np.clip(scales, 2.0**-25, 0.49 if rule is Rounding.HIGH else 1.9)
    bottom, top = (int(np.clip(zero + c, -128, 127)) for c in kind.clamp)
    spec = make_requant(scales.tolist(), rule, zero, bottom, top, bounds)
    return weights.astype(np.int8), bias, x_zero, spec


def conv(
    rng: np.random.Generator, size: Pair, shape: Shape, window: Window, groups: int,
    rule: Rounding, kind: Extreme,
) -> Graph:  # fmt: skip
    """A convolution; ``shape`` is that of its weights."""
    weights, bias, x_zero, spec = constants(rng, shape, rule, kind)
    x = int8(1, *size, shape[3] * groups)
    return single(QConv2D(spec, x_zero, window, groups), [x, weights, bias])


def dense(
    rng: np.random.Generator, rows: int, depth: int, filters: int, rule: Rounding, kind: Extreme
) -> Graph:
    """A dense layer whose rows come from inside a sample."""
    weights, bias, x_zero, spec = constants(rng, (filters, depth), rule, kind)
    graph = Graph("dense")
    x = graph.add_input("x", int8(1, rows * depth))
    flat = graph.add_node(Reshape((rows, depth)), [x], int8(rows, depth)).output
    inputs = [flat, graph.constant(weights), graph.constant(bias)]
    graph.outputs = [graph.add_node(QDense(spec, x_zero), inputs, int8(rows, filters)).output]
    return graph


def makers() -> Iterator[Callable[..., Graph]]:
    """A convolution or dense layer of every shape."""
    for size, channels, filters, kernel, window in CONVOLUTIONS:
        shape = (filters, *kernel, channels)
        yield partial(conv, size=size, shape=shape, window=window, groups=1)
    for size, channels, kernel, window in DEPTHWISE:
        shape = (channels, *kernel, 1)
        yield partial(conv, size=size, shape=shape, window=window, groups=channels)
    for size, channels, each, kernel, window in MULTIPLIED:
        shape = (channels * each, *kernel, 1)
        yield partial(conv, size=size, shape=shape, window=window, groups=channels)
    for rows, depth, filters in DENSE:
        yield partial(dense, rows=rows, depth=depth, filters=filters)


def layers(rng: np.random.Generator) -> Iterator[Graph]:
    """Every shape with a rule and an extreme of their own in turn, so that all meet."""
    for index, make in enumerate(makers()):
        for k in range(2):
            rule = RULES[(index + 2 * k) % len(RULES)]
            yield make(rng, rule=rule, kind=EXTREMES[(index + 4 * k) % len(EXTREMES)])


def pools(rng: np.random.Generator) -> Iterator[Graph]:
    """Means and maxima of every shape."""
    for index, (size, channels, kernel, window) in enumerate(POOLS):
        low, high = ((-128, 127), (-90, 100))[index % 2]
        x, count = int8(1, *size, channels), kernel[0] * kernel[1]
        found: list[Op] = [QMaxPool2D(kernel, window, low, high)]
        found += [QAvgPool2D(kernel, window, low, high, half_up) for half_up in (False, True)]
        for rule in (Rounding.DOUBLE, Rounding.EVEN):
            spec = make_requant([0.9 / count], rule, -7, low, high)
            found.append(QMeanPool2D(kernel, spec, 5, window))
            scale = float(rng.uniform(0.2, 0.9)) / (size[0] * size[1])
            found.append(QMean(make_requant([scale], rule, 3), -9, (1, 2)))
        yield from (single(op, [x]) for op in found)


def sums(rng: np.random.Generator) -> Iterator[Graph]:
    """Sums with scales far apart, with and without a clamp, of tensors and with a constant."""
    for index, size in enumerate(SUMS):
        kind = int8(1, size)
        for rule in (Rounding.DOUBLE, Rounding.SINGLE, Rounding.EVEN):
            yield graphs.add(rng, kind, kind, rule)
        first = graphs.rescale(rng), graphs.rescale(rng, -1)
        for clamp in ((-128, 127), (-20, 90)):
            spec = make_requant([2.0**-18], RULES[index % len(RULES)], 127, *clamp)
            yield single(QAdd(*first, spec, 20), [kind, kind])
        yield graphs.add(rng, kind, rng.integers(-128, 128, (1, size), np.int8), Rounding.DOUBLE)


def others(rng: np.random.Generator) -> Iterator[Graph]:
    """What has a kernel of its own somewhere; its own tests have the grids."""
    for rule in RULES:
        yield dense(rng, 7, 50, 6, rule, EXTREMES[-1])
    yield pruned(dense(rng, 8, 64, 8, Rounding.HIGH, EXTREMES[1]), Pattern(2, 4, 0.7))
    one = conv(rng, (1, 1), (8, 1, 1, 64), PLAIN, 1, Rounding.HIGH, EXTREMES[1])
    yield pruned(one, Pattern(2, 4, 0.7))
    yield wide_conv(rng, (1, 1, 9), 5, (1, 1), PLAIN)
    yield wide_dense(rng, 2, 9, 5)
    yield wide_conv(rng, (4, 5, 3), 5, (3, 3), SAME)
    for sides in (SAME, HALVED):
        yield wide_depthwise(rng, (4, 5, 6), (3, 3), sides)
        yield wide_depthwise(rng, (9, 9, 6), (5, 5), sides)
        yield wide_depthwise(rng, (4, 2, 6), (4, 2), sides)
    yield from list(wide_sums())[::11]
    yield from list(products())[::5]
    yield lstm(rng, (1, 2, 9, 5))
    yield matmul(rng, (5, 9, 6))
    for kind in (EXTREMES[3], EXTREMES[-1]):
        layer = conv(rng, (5, 4), (6, 3, 3, 20), SAME, 1, Rounding.HIGH, kind)
        yield pruned(layer, Pattern(1, 1, 0.75))
    for clamp in ((-128, 127), (-20, 90)):
        yield tied_conv(rng, (5, 7), (9, 1, 1, 16), PLAIN, 1, clamp, 127)
        yield tied_conv(rng, (6, 5), (9, 3, 3, 8), SAME, 1, clamp, -128)
        yield tied_conv(rng, (9, 7), (16, 3, 3, 1), SAME, 16, clamp, 3)
        yield tied_conv(rng, (6, 7), (13, 5, 5, 1), SAME, 13, clamp, 3)
        yield tied_dense(rng, 1, 33, 19, clamp, -7)
    yield from lookups()
    yield dense(rng, 7, 50, 6, Rounding.EVEN, EXTREMES[-2])  # rows that an FPU scales


def cases() -> list[Graph]:
    """All of them."""
    rng = np.random.default_rng(17)
    return [g for family in (layers, pools, sums, others) for g in family(rng)]

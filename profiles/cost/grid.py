"""The shapes whose instructions are counted: one node for each, many nodes in one graph.

Many nodes share a graph so that compilers see kernels that are called with several sizes, as in
real models: a kernel with a single call would be specialised to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgekit.ir import DType, Graph, TensorType, Value
from edgekit.ir.op import Op, Shape
from edgekit.ir.ops import (
    Add,
    AvgPool2D,
    Clip,
    Concat,
    Conv2D,
    Dense,
    Dequantize,
    MaxPool2D,
    Mean,
    Pad,
    QAdd,
    QAvgPool2D,
    QClip,
    QConv2D,
    QDense,
    QMaxPool2D,
    QMean,
    QRescale,
    QSoftmax,
    Quantize,
    Requant,
    Rescale,
    Reshape,
    Rounding,
    Softmax,
    Transpose,
    Window,
)
from edgekit.ir.types import Quant
from quantize.requantize import make_requant

SEED = 0x5EED
INT8, FLOAT32 = DType.INT8, DType.FLOAT32
UNIFORM_STD = 74.0
"""Standard deviation of uniform int8 numbers."""


@dataclass(frozen=True)
class Point:
    """One operator at one shape.

    Attributes:
        op: the operator.
        inputs: shapes of activations.
        parameters: shapes of weights and bias; empty where the operator has none.
        dtype: element type of the activations read.
    """

    op: Op
    inputs: tuple[Shape, ...]
    parameters: tuple[Shape, ...] = ()
    dtype: DType = INT8

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Shapes of all inputs, as `profiles.cost.cost` takes them."""
        return self.inputs + self.parameters


def build(name: str, points: Sequence[Point]) -> Graph:
    """A graph with one independent node per point."""
    rng = np.random.default_rng(SEED)
    graph = Graph(name)
    for i, point in enumerate(points):
        types = [TensorType(s, point.dtype, "", _quant(point.dtype)) for s in point.inputs]
        values = [_input(graph, f"x{i}_{n}", t) for n, t in enumerate(types)]
        values += [
            graph.constant(_parameter(rng, s, point.dtype, n), f"p{i}_{n}")
            for n, s in enumerate(point.parameters)
        ]
        result = _result(point)
        out = TensorType(point.op.infer(point.shapes)[0], result, "", _quant(result))
        node = graph.add_node(point.op, values, out, name=f"n{i}")
        flat = replace(out, shape=(1, out.size))
        graph.outputs.append(graph.add_node(Reshape(flat.shape), node.outputs, flat).output)
    graph.bind_ports()
    return graph


def _input(graph: Graph, name: str, type: TensorType) -> Value:
    """An input that is one sample whatever its first axis is; Reshapes take no instructions."""
    flat = graph.add_input(name, replace(type, shape=(1, type.size)))
    return graph.add_node(Reshape(type.shape), [flat], type).output


def _quant(dtype: DType) -> Quant | None:
    return Quant.per_tensor(0.05, 0) if dtype is INT8 else None


def _result(point: Point) -> DType:
    if isinstance(point.op, Quantize):
        return INT8
    return FLOAT32 if isinstance(point.op, Dequantize) else point.dtype


def _parameter(
    rng: np.random.Generator, shape: Shape, dtype: DType, index: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    if dtype is FLOAT32:
        return rng.standard_normal(shape).astype(np.float32)
    if index:
        return rng.integers(-2000, 2000, shape, dtype=np.int32)
    return rng.integers(-127, 128, shape, dtype=np.int8)


def _requant(rule: Rounding, channels: int, length: int, relu: bool) -> Requant:
    """Scales that spread random sums over int8; with ``relu`` half of the results are clamped."""
    scale = 40.0 / (math.sqrt(length) * UNIFORM_STD * UNIFORM_STD)
    scales = [scale * (1 + 0.05 * (c % 7)) for c in range(channels)]
    return make_requant(scales, rule, -128 if relu else 0)


def _single(rule: Rounding, scale: float) -> Requant:
    return make_requant([scale], rule, bounds=[1 << 20])


# (height, width, channels, filters, kernel height, kernel width, stride, padded, groups)
CONVOLUTIONS = (
    (6, 6, 16, 16, 3, 3, 1, True, 1),
    (8, 8, 3, 16, 3, 3, 1, True, 1),
    (12, 12, 3, 8, 3, 3, 2, True, 1),
    (5, 5, 32, 24, 3, 3, 1, True, 1),
    (4, 4, 64, 16, 3, 3, 1, True, 1),
    (10, 10, 16, 32, 3, 3, 2, False, 1),
    (13, 6, 1, 16, 10, 4, 2, True, 1),
    (9, 9, 4, 6, 5, 5, 1, False, 1),
    (7, 7, 8, 16, 1, 1, 1, False, 1),
    (12, 12, 16, 8, 1, 1, 1, False, 1),
    (6, 6, 64, 32, 1, 1, 1, False, 1),
    (3, 3, 128, 64, 1, 1, 1, False, 1),
    (9, 9, 24, 17, 1, 1, 2, False, 1),
    (1, 40, 8, 12, 1, 5, 1, False, 1),
    (5, 5, 16, 16, 3, 3, 1, True, 4),
    (8, 8, 6, 10, 2, 2, 2, False, 1),
    (7, 9, 12, 8, 3, 3, 1, True, 1),
    (6, 6, 16, 8, 1, 1, 2, False, 1),
)
DEPTHWISE = (
    (8, 8, 16, 16, 3, 3, 1, True),
    (12, 12, 8, 8, 3, 3, 1, True),
    (12, 12, 8, 8, 3, 3, 2, True),
    (6, 6, 64, 64, 3, 3, 1, True),
    (3, 3, 128, 128, 3, 3, 1, True),
    (11, 5, 32, 32, 3, 3, 1, True),
    (10, 10, 16, 16, 3, 3, 1, False),
    (9, 9, 12, 12, 5, 5, 1, True),
    (10, 10, 5, 5, 3, 3, 2, False),
    (6, 6, 4, 16, 3, 3, 1, True),
    (1, 30, 24, 24, 1, 7, 1, False),
    (7, 7, 8, 16, 5, 5, 1, False),
    (20, 1, 32, 32, 5, 1, 1, False),
    (15, 1, 48, 48, 15, 1, 1, False),
    (18, 1, 20, 20, 7, 1, 1, False),
    (9, 9, 10, 10, 3, 3, 2, True),
    (8, 8, 8, 8, 7, 7, 1, True),
    (5, 5, 6, 12, 3, 3, 1, False),
    (8, 6, 12, 12, 2, 2, 2, False),
)
DENSE = (
    (1, 64, 10), (1, 128, 128), (1, 640, 32), (1, 8, 128), (4, 32, 15), (1, 300, 7), (1, 1024, 4),
    (9, 48, 24), (1, 40, 3), (1, 100, 33), (1, 16, 16),
)  # fmt: skip
POOLS = (
    (8, 8, 16, 2, 2, 2, False), (8, 8, 16, 8, 8, 8, False), (12, 12, 4, 3, 3, 1, True),
    (9, 9, 8, 3, 3, 2, False), (6, 3, 64, 6, 3, 1, False), (7, 7, 5, 2, 2, 1, True),
    (10, 10, 33, 3, 3, 2, True), (6, 8, 48, 2, 2, 2, False), (11, 7, 22, 2, 2, 2, True),
    (9, 8, 6, 4, 3, 1, True), (7, 9, 18, 2, 3, 2, False), (14, 14, 24, 3, 3, 1, True),
)  # fmt: skip
BROADCASTS = (
    ((1, 8, 8, 16), (1, 8, 8, 16)), ((1, 40), (1, 40)), ((1, 12, 12, 8), (1, 12, 12, 8)),
    ((1, 6, 6, 32), (1, 1, 1, 32)), ((1, 5, 5, 6), (1, 5, 5, 1)), ((1, 3, 7, 4), (1, 3, 1, 4)),
    ((1, 4, 9, 10), (1, 1, 1, 10)), ((1, 2, 40), (1, 1, 40)), ((1, 100), (1, 100)),
)  # fmt: skip
MEANS = (
    ((1, 8, 8, 16), (1, 2)), ((1, 25, 64), (1,)), ((1, 4, 4, 64), (1, 2)), ((6, 40), (1,)),
    ((1, 9, 30), (1,)),
)  # fmt: skip
SIZES = (16, 100, 1000, 2500)
ROWS = ((1, 10), (1, 2), (1, 100), (8, 12), (20, 3), (1, 12), (4, 30))
MANY_ROWS = ((16, 64), (100, 12), (1, 1500), (40, 40))
CONCATS = (
    (((1, 8, 8, 8), (1, 8, 8, 8)), 3), (((1, 5, 16), (1, 3, 16)), 1), (((1, 40), (1, 24)), 1),
    (((1, 6, 6, 4), (1, 6, 6, 12), (1, 6, 6, 16)), 3), (((1, 10, 7), (1, 10, 5)), 2),
)  # fmt: skip
PADS = (
    ((1, 8, 8, 16), (0, 1, 1, 0), (0, 1, 1, 0)), ((1, 10, 10, 3), (0, 0, 0, 0), (0, 1, 1, 0)),
    ((1, 6, 6, 8), (0, 2, 2, 0), (0, 2, 2, 0)), ((1, 20), (0, 3), (0, 5)),
    ((1, 4, 4, 4), (0, 0, 0, 2), (0, 0, 0, 2)),
)  # fmt: skip
TRANSPOSES = (
    ((1, 8, 8, 16), (0, 3, 1, 2)), ((1, 16, 8, 8), (0, 2, 3, 1)), ((20, 30), (1, 0)),
    ((1, 3, 12, 12), (0, 2, 3, 1)), ((1, 7, 5, 9), (0, 2, 1, 3)),
)  # fmt: skip
ADD_RESCALE = (Rescale(-3, 1518500250, -1), Rescale(5, 1073741824, 0))


def integer_points() -> list[Point]:
    """Every shape of the int8 kernels, with every rounding rule that they have."""
    points: list[Point] = []
    for rule in (Rounding.DOUBLE, Rounding.SINGLE, Rounding.HIGH):
        points += [_conv(rule, *row) for row in CONVOLUTIONS]
        points += [_conv(rule, *row, groups=row[2]) for row in DEPTHWISE]
        points += [_dense(rule, *row) for row in DENSE]
    points += [_dense(Rounding.FLOAT, *row) for row in DENSE]
    for rule in (Rounding.DOUBLE, Rounding.SINGLE):
        scale = 2.0**-21
        points += [Point(QAdd(*ADD_RESCALE, _single(rule, scale)), pair) for pair in BROADCASTS]
    for rule in (Rounding.DOUBLE, Rounding.SINGLE, Rounding.HIGH):
        points += [
            Point(QMean(_single(rule, 1.5 / math.prod(s[a] for a in axes)), 3, axes), (s,))
            for s, axes in MEANS
        ]
        points += [Point(QRescale(_single(rule, 0.4), 3), ((1, n),)) for n in SIZES]
    points += [Point(QClip(-100, 100), ((1, n),)) for n in SIZES]
    for kind in (QMaxPool2D, QAvgPool2D):
        points += [Point(kind((kh, kw), _window(h, w, kh, kw, s, p)), ((1, h, w, c),))
                   for h, w, c, kh, kw, s, p in POOLS]  # fmt: skip
    softmax = QSoftmax(1717986918, 20, -1984)
    points += [Point(softmax, (row,)) for row in (*ROWS, *MANY_ROWS)]
    return points + _moving(INT8) + [Point(Dequantize(), ((1, n),)) for n in SIZES]


def float_points() -> list[Point]:
    """Every shape of the float32 kernels."""
    points = [_conv_f32(*row) for row in CONVOLUTIONS]
    own_filters = (row for row in dict.fromkeys(DEPTHWISE) if row[2] == row[3])
    points += [_conv_f32(*row, groups=row[2]) for row in own_filters]
    points += [Point(Dense(), ((r, k),), ((o, k), (o,)), FLOAT32) for r, k, o in DENSE]
    for kind in (MaxPool2D, AvgPool2D):
        points += [Point(kind((kh, kw), _window(h, w, kh, kw, s, p)), ((1, h, w, c),), (), FLOAT32)
                   for h, w, c, kh, kw, s, p in POOLS]  # fmt: skip
    points += [Point(Mean(axes), (s,), (), FLOAT32) for s, axes in MEANS]
    points += [Point(Add(), pair, (), FLOAT32) for pair in BROADCASTS]
    points += [Point(Clip(), ((1, n),), (), FLOAT32) for n in SIZES]
    points += [Point(Softmax(len(row) - 1), (row,), (), FLOAT32) for row in ROWS]
    points += _moving(FLOAT32)
    return points + [Point(Quantize(), ((1, n),), (), FLOAT32) for n in SIZES]


def _moving(dtype: DType) -> list[Point]:
    points = [Point(Concat(axis), shapes, (), dtype) for shapes, axis in CONCATS]
    points += [Point(Pad(before, after), (s,), (), dtype) for s, before, after in PADS]
    return points + [Point(Transpose(perm), (s,), (), dtype) for s, perm in TRANSPOSES]


def _window(h: int, w: int, kh: int, kw: int, stride: int, padded: bool) -> Window:
    """Padding as TFLite's SAME, or none."""
    if not padded:
        return Window((stride, stride))
    total = [max((-(-n // stride) - 1) * stride + k - n, 0) for n, k in ((h, kh), (w, kw))]
    top, left = total[0] // 2, total[1] // 2
    return Window((stride, stride), (top, left, total[0] - top, total[1] - left))


def _conv(
    rule: Rounding, h: int, w: int, c: int, filters: int, kh: int, kw: int, stride: int,
    padded: bool, groups: int = 1,
) -> Point:  # fmt: skip
    length = kh * kw * (c // groups)
    requant = _requant(rule, filters, length, relu=True)
    op = QConv2D(requant, -3, _window(h, w, kh, kw, stride, padded), groups)
    return Point(op, ((1, h, w, c),), ((filters, kh, kw, c // groups), (filters,)))


def _conv_f32(
    h: int, w: int, c: int, filters: int, kh: int, kw: int, stride: int, padded: bool,
    groups: int = 1,
) -> Point:  # fmt: skip
    op = Conv2D(_window(h, w, kh, kw, stride, padded), groups)
    return Point(op, ((1, h, w, c),), ((filters, kh, kw, c // groups), (filters,)), FLOAT32)


def _dense(rule: Rounding, rows: int, depth: int, outputs: int) -> Point:
    requant = _requant(rule, outputs, depth, relu=False)
    return Point(QDense(requant, 4), ((rows, depth),), ((outputs, depth), (outputs,)))

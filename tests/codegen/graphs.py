"""Graphs of one operator, and the random numbers that make them interesting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import DType, Graph, TensorType
from edgekit.ir.ops import (
    Op,
    QAdd,
    QConv2D,
    QDense,
    Requant,
    Rescale,
    Reshape,
    Rounding,
    Window,
)
from quantize.requantize import accumulator_bounds, make_requant, quantize_multiplier

Array = NDArray[Any]
Shape = tuple[int, ...]
RULES = tuple(rule for rule in Rounding if rule is not Rounding.REDUCED)


def int8(*shape: int) -> TensorType:
    """An int8 tensor."""
    return TensorType(shape, DType.INT8)


def float32(*shape: int) -> TensorType:
    """A float32 tensor."""
    return TensorType(shape, DType.FLOAT32)


def single(op: Op, inputs: Sequence[TensorType | Array], dtype: DType | None = DType.INT8) -> Graph:
    """A graph of one operator; arrays are constants, types are inputs. Without ``dtype`` the
    outputs have the types that the operator makes of its inputs."""
    graph = Graph(op.name.lower())
    values = [
        graph.add_input(f"x{i}", each) if isinstance(each, TensorType) else graph.constant(each)
        for i, each in enumerate(inputs)
    ]
    shapes = op.infer([v.type.shape for v in values])
    found = op.dtypes([v.type.dtype for v in values])
    dtypes = found if dtype is None else (dtype,) * len(shapes)
    types = [TensorType(s, d) for s, d in zip(shapes, dtypes, strict=True)]
    graph.outputs = list(graph.add_node(op, values, types).outputs)
    return graph


def scales(
    rng: np.random.Generator, count: int, rule: Rounding, bounds: Sequence[int] | None = None
) -> list[float]:
    """Requantization scales from tiny to the largest allowed, and some that make exact ties."""
    top = -1.01 if rule is Rounding.HIGH else 2.0
    found = 2 ** rng.uniform(-14, top, count)
    ties = rng.random(count) < 0.25
    found[ties] = 2.0 ** rng.integers(-10, -1, int(ties.sum()))
    if bounds is not None:
        # A little below: EVEN rounds scales to float32.
        found = np.minimum(found, (2**30 - 2**8) / np.maximum(np.array(bounds), 1))
    return [float(s) for s in found]


def requant(
    rng: np.random.Generator, count: int, rule: Rounding, bounds: Sequence[int] | None = None
) -> Requant:
    """A requantization with any zero point, sometimes with a narrow clamp."""
    low, high = sorted(rng.integers(-128, 128, 2).tolist()) if rng.random() < 0.3 else (-128, 127)
    zero_point = int(rng.integers(-128, 128))
    chosen = scales(rng, count, rule, bounds)
    return make_requant(chosen, rule, zero_point, low, high, bounds)


def weights_and_bias(
    rng: np.random.Generator, shape: Shape, x_zero: int
) -> tuple[Array, Array, list[int]]:
    """Weights, biases (some huge, so that their channel always saturates), and bounds."""
    weights = rng.integers(-128, 128, shape, dtype=np.int8)
    weights[rng.random(shape[0]) < 0.1] = 0
    bias = rng.integers(-20000, 20000, shape[0]).astype(np.int32)
    huge = rng.random(shape[0]) < 0.1
    bias[huge] = rng.choice([-(2**30), 2**30], int(huge.sum()))
    lowest, highest = accumulator_bounds(weights, bias, x_zero)
    return weights, bias, [int(b) for b in np.maximum(-lowest, highest)]


def conv(
    rng: np.random.Generator,
    size: tuple[int, int],
    channels: int,
    filters: int,
    kernel: tuple[int, int],
    window: Window,
    groups: int,
    rule: Rounding,
) -> Graph:
    """A convolution with random constants."""
    x_zero = int(rng.choice([-128, 127, 0, int(rng.integers(-128, 128))]))
    shape = (filters, *kernel, channels // groups)
    weights, bias, bounds = weights_and_bias(rng, shape, x_zero)
    one_scale = rng.random() < 0.3
    spec = requant(rng, 1 if one_scale else filters, rule, [max(bounds)] if one_scale else bounds)
    op = QConv2D(spec, x_zero, window, groups)
    return single(op, [int8(1, *size, channels), weights, bias])


def dense(rng: np.random.Generator, rows: int, depth: int, outputs: int, rule: Rounding) -> Graph:
    """A dense layer with random constants."""
    x_zero = int(rng.choice([-128, 127, int(rng.integers(-128, 128))]))
    weights, bias, bounds = weights_and_bias(rng, (outputs, depth), x_zero)
    one_scale = rng.random() < 0.3
    spec = requant(rng, 1 if one_scale else outputs, rule, [max(bounds)] if one_scale else bounds)
    # Rows come from inside a sample: a graph has one sample per run.
    graph = Graph("dense")
    x = graph.add_input("x", int8(1, rows * depth))
    flat = graph.add_node(Reshape((rows, depth)), [x], int8(rows, depth)).output
    constants = [graph.constant(weights), graph.constant(bias)]
    node = graph.add_node(QDense(spec, x_zero), [flat, *constants], int8(rows, outputs))
    graph.outputs = [node.output]
    return graph


def ordinary(rng: np.random.Generator, graph: Graph) -> Graph:
    """A layer as models have them: scales that spread its sums over the outputs, now and then
    weights with a zero point, which a few filters do not fit into int8 without."""
    (node,) = (n for n in graph.nodes if isinstance(n.op, QConv2D | QDense))
    op, weights, bias = node.op, node.input(1).array, node.input(2).array
    assert isinstance(op, QConv2D | QDense)
    w_zero = int(rng.integers(-100, 101)) if rng.random() < 0.5 else 0
    narrow = np.clip(weights, -127 + max(w_zero, 0), 127 + min(w_zero, 0))
    wide = rng.random(len(weights)) < 0.15
    narrow[wide] = weights[wide]
    centred = narrow.reshape(len(weights), -1).astype(np.int64) - w_zero
    spread = 60 * np.sqrt((centred**2).sum(axis=1)) + 1
    alive = np.where(np.abs(bias) < 2**20, rng.integers(-4, 5, len(bias)) * spread, bias)
    scales = 2 ** rng.uniform(5, 8, len(weights)) / spread
    low, high = op.requant.low, op.requant.high
    rule = op.requant.rule if scales.max() < 0.5 else Rounding.DOUBLE
    spec = make_requant(np.minimum(scales, 1.0).tolist(), rule, op.requant.zero_point, low, high)
    constants = [graph.constant(narrow), graph.constant(alive.astype(np.int32))]
    for index, value in enumerate(constants, 1):
        graph.set_input(node, index, value)
    graph.set_op(node, replace(op, requant=spec, w_zero=w_zero))
    return graph


def rescale(rng: np.random.Generator, sign: int = 1) -> Rescale:
    """An operand's rescaling to twice the larger scale: a factor up to one half."""
    multiplier, shift = quantize_multiplier(float(2 ** rng.uniform(-12, -1)))
    return Rescale(int(rng.integers(-128, 128)), sign * multiplier, shift)


def add(
    rng: np.random.Generator, a: TensorType | Array, b: TensorType | Array, rule: Rounding
) -> Graph:
    """A sum (or difference) with operands of any scale."""
    scale = float(2 ** rng.uniform(-21, -14))
    low, high = (-128, 127) if rng.random() < 0.7 else (0, 100)
    spec = make_requant([scale], rule, int(rng.integers(-128, 128)), low, high)
    sign = -1 if rng.random() < 0.3 else 1
    return single(QAdd(rescale(rng), rescale(rng, sign), spec, 20), [a, b])

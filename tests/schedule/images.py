"""Random networks on images: chains of layers with windows, sums with earlier results, several
outputs."""

from __future__ import annotations

import numpy as np

from edgekit.ir import DType, Graph, TensorType, Value
from edgekit.ir.ops import (
    Add,
    AvgPool2D,
    Clip,
    Conv2D,
    MaxPool2D,
    QAdd,
    QAvgPool2D,
    QClip,
    QConv2D,
    QMaxPool2D,
    Rounding,
    Window,
)
from tests.codegen.graphs import requant, rescale, weights_and_bias


def network(seed: int, layers: int = 6, real: bool = False) -> Graph:
    """A random network; the same seed gives the same one."""
    rng = np.random.default_rng(seed)
    graph = Graph(f"net{seed}")
    size = 1, int(rng.integers(6, 20)), int(rng.integers(1, 9)), int(rng.choice([1, 3, 4, 8]))
    made = [graph.add_input("x", TensorType(size, DType.FLOAT32 if real else DType.INT8))]
    for _ in range(layers):
        value = made[-1]
        same = [v for v in made[:-1] if v.type == value.type]
        if same and rng.random() < 0.5:
            made.append(_sum(graph, rng, value, same[int(rng.integers(len(same)))], real))
        else:
            made.append(_layer(graph, rng, value, real))
    graph.outputs = [made[-1]]
    if rng.random() < 0.3:
        graph.outputs.append(made[layers // 2 + 1])
    return graph


def _layer(graph: Graph, rng: np.random.Generator, x: Value, real: bool) -> Value:
    kind = rng.choice(["conv", "conv", "conv", "depthwise", "point", "pool", "clip"])
    if kind == "clip":
        return graph.add_node(Clip() if real else QClip(-100, 90), [x], x.type).output
    kernel, window = _geometry(rng, x.type.shape) if kind != "point" else ((1, 1), Window())
    if kind == "pool":
        whole = Window(window.strides)  # no window lies in padding alone
        kernel = min(2, x.type.shape[1]), min(2, x.type.shape[2])
        types = ((AvgPool2D, MaxPool2D), (QAvgPool2D, QMaxPool2D))[not real]
        pool = types[int(rng.integers(2))](kernel, whole)
        return graph.add_node(pool, [x], _result(x, pool.infer([x.type.shape])[0])).output
    channels = x.type.shape[3]
    groups = channels if kind == "depthwise" else 1
    filters = channels if kind == "depthwise" else int(rng.choice([2, 4, 8]))
    shape = (filters, *kernel, channels // groups)
    if real:
        layer = Conv2D(window, groups)
        weights = rng.normal(0, 0.3, shape).astype(np.float32)
        constants = [graph.constant(weights), graph.constant(weights[:, 0, 0, 0].copy())]
        size = layer.infer([x.type.shape, shape])[0]
        return graph.add_node(layer, [x, *constants], _result(x, size)).output
    x_zero = int(rng.integers(-128, 128))
    weights, bias, bounds = weights_and_bias(rng, shape, x_zero)
    op = QConv2D(requant(rng, filters, Rounding.SINGLE, bounds), x_zero, window, groups)
    constants = [graph.constant(weights), graph.constant(bias)]
    return graph.add_node(
        op, [x, *constants], _result(x, op.infer([x.type.shape, shape])[0])
    ).output


def _sum(graph: Graph, rng: np.random.Generator, a: Value, b: Value, real: bool) -> Value:
    spec = requant(rng, 1, Rounding.SINGLE, [2**27])
    op = Add() if real else QAdd(rescale(rng), rescale(rng), spec)
    return graph.add_node(op, [a, b], a.type).output


def _geometry(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[tuple[int, int], Window]:
    """A kernel and a window of which every position meets the input."""
    kernel = int(rng.choice([1, 2, 3, 3, 5])), int(rng.choice([1, 3]))
    dilations = int(rng.choice([1, 1, 2])), 1
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    top, left, bottom, right = (int(rng.integers(r)) for r in (*reach, *reach))
    bottom = max(bottom, reach[0] - shape[1] - top)
    right = max(right, reach[1] - shape[2] - left)
    strides = int(rng.choice([1, 1, 2, 3])), int(rng.choice([1, 1, 2]))
    return kernel, Window(strides, (top, left, bottom, right), dilations)


def _result(x: Value, shape: tuple[int, ...]) -> TensorType:
    return TensorType(shape, x.type.dtype)

"""Random graphs of small operators: branches, shared values, reshapes, several outputs."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.ir import DType, Graph, TensorType, Value
from edgekit.ir.op import Op
from edgekit.ir.ops import (
    Concat,
    Pad,
    QAdd,
    QAvgPool2D,
    QClip,
    QConv2D,
    QDense,
    QMaxPool2D,
    QMean,
    QRescale,
    Reshape,
    Rounding,
    Transpose,
    Window,
)
from quantize.requantize import make_requant
from tests.codegen import graphs
from tests.codegen.batch import compile_all
from tests.codegen.graphs import int8

SIDE = st.integers(1, 5)


def append(graph: Graph, op: Op, inputs: list[Value]) -> Value:
    (shape,) = op.infer([v.type.shape for v in inputs])
    return graph.add_node(op, inputs, TensorType(shape, DType.INT8)).output


def convolution(graph: Graph, x: Value, rng: np.random.Generator, rule: Rounding) -> Value:
    channels = x.type.shape[3]
    depthwise = channels > 1 and rng.random() < 0.4
    groups = channels if depthwise else 1
    filters = groups * int(rng.integers(1, 3)) if depthwise else int(rng.integers(1, 6))
    kernel = [int(rng.integers(1, min(3, n) + 1)) for n in x.type.shape[1:3]]
    pads = [int(rng.integers(0, k)) for k in (*kernel, *kernel)]
    window = Window((int(rng.integers(1, 3)), 1), (pads[0], pads[1], pads[2], pads[3]))
    x_zero = int(rng.integers(-128, 128))
    shape = (filters, *kernel, channels // groups)
    weights, bias, bounds = graphs.weights_and_bias(rng, shape, x_zero)
    spec = graphs.requant(rng, filters, rule, bounds)
    constants = [graph.constant(weights), graph.constant(bias)]
    return append(graph, QConv2D(spec, x_zero, window, groups), [x, *constants])


def dense(graph: Graph, x: Value, rng: np.random.Generator, rule: Rounding) -> Value:
    flat = append(graph, Reshape((1, x.type.size)), [x])
    outputs, x_zero = int(rng.integers(1, 9)), int(rng.integers(-128, 128))
    weights, bias, bounds = graphs.weights_and_bias(rng, (outputs, x.type.size), x_zero)
    spec = graphs.requant(rng, outputs, rule, bounds)
    constants = [graph.constant(weights), graph.constant(bias)]
    y = append(graph, QDense(spec, x_zero), [flat, *constants])
    return append(graph, Reshape((1, 1, 1, outputs)), [y])


def addition(graph: Graph, a: Value, b: Value, rng: np.random.Generator) -> Value:
    rule = (Rounding.DOUBLE, Rounding.SINGLE)[int(rng.integers(2))]
    spec = make_requant([float(2 ** rng.uniform(-20, -16))], rule, int(rng.integers(-99, 99)))
    return append(graph, QAdd(graphs.rescale(rng), graphs.rescale(rng, -1), spec), [a, b])


@st.composite
def random_graphs(draw: st.DrawFn) -> Graph:
    """A graph of 4-D int8 values, each operator on values made before."""
    graph = Graph("random")
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = [
        graph.add_input(f"x{i}", int8(1, draw(SIDE), draw(SIDE), draw(SIDE)))
        for i in range(draw(st.integers(1, 2)))
    ]
    for _ in range(draw(st.integers(1, 8))):
        x = values[draw(st.integers(0, len(values) - 1))]
        rule = draw(st.sampled_from(graphs.RULES))
        kind = draw(st.integers(0, 9))
        h, w = x.type.shape[1:3]
        if kind == 0:
            values.append(convolution(graph, x, rng, rule))
        elif kind == 1:
            values.append(dense(graph, x, rng, rule))
        elif kind == 2:
            same = [v for v in values if v.type.shape == x.type.shape]
            values.append(addition(graph, x, same[draw(st.integers(0, len(same) - 1))], rng))
        elif kind == 3:
            pool = (QMaxPool2D, QAvgPool2D)[draw(st.integers(0, 1))]
            values.append(append(graph, pool((min(h, 2), min(w, 2))), [x]))
        elif kind == 4:
            scale = float(rng.uniform(0.2, 0.99)) / (h * w)
            spec = make_requant([scale], rule, int(rng.integers(-9, 9)), bounds=[255 * h * w])
            values.append(append(graph, QMean(spec, int(rng.integers(-9, 9)), (1, 2)), [x]))
        elif kind == 5:
            spec = make_requant([float(rng.uniform(0.1, 0.4))], rule, 5, bounds=[255])
            values.append(append(graph, QRescale(spec, int(rng.integers(-9, 9))), [x]))
        elif kind == 6:
            values.append(append(graph, Transpose((0, *(rng.permutation(3) + 1).tolist())), [x]))
        elif kind == 7:
            values.append(append(graph, Pad((0, 1, 0, 0), (0, 0, 1, 1), -7.0), [x]))
        elif kind == 8:
            fits = [v for v in values if v.type.shape[:3] == x.type.shape[:3]]
            chosen = [x, fits[draw(st.integers(0, len(fits) - 1))]]
            values.append(append(graph, Concat(3), chosen))
        else:
            values.append(append(graph, QClip(-50, 60), [x]))
    loose = [v for v in values if not v.uses]
    graph.outputs = [*loose, values[draw(st.integers(0, len(values) - 1))]]
    return graph


@given(st.lists(random_graphs(), min_size=12, max_size=24), st.integers(0, 2**16))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_generated_c_equals_the_reference(drawn: list[Graph], seed: int) -> None:
    for case in compile_all(drawn):
        case.check_samples(seed)

"""Channels that say nothing are removed, and outputs stay what they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.importers.tflite import load_tflite
from edgekit.ir import DType, Graph, TensorType, Value
from edgekit.ir.ops import (
    Op,
    QAdd,
    QAvgPool2D,
    QConv2D,
    QDense,
    QMaxPool2D,
    Requant,
    Rescale,
    Reshape,
    Rounding,
    Window,
)
from edgekit.passes.infra import run_passes
from quantize.dead_channels import DeadChannels
from quantize.lower import LowerInteger
from quantize.oracle import run_litert
from quantize.reference import evaluate
from quantize.requantize import make_requant, quantize_multiplier
from tests.support import material

RULES = (Rounding.DOUBLE, Rounding.HIGH, Rounding.SINGLE, Rounding.FLOAT, Rounding.EVEN)
SAME = Window(padding=(1, 1, 1, 1))


class Chain:
    """A graph that grows at its end, with dead filters and unread channels."""

    def __init__(self, rng: np.random.Generator, channels: int, dead: float = 0.6) -> None:
        self.rng, self.dead = rng, dead
        self.graph = Graph("chain")
        self.end = self.graph.add_input("x", TensorType((1, 6, 5, channels), DType.INT8))

    def add(self, op: Op, *constants: np.ndarray) -> Value:
        """One more node."""
        inputs = [self.end, *(self.graph.constant(c) for c in constants)]
        shapes = op.infer([v.type.shape for v in inputs])
        self.end = self.graph.add_node(op, inputs, TensorType(shapes[0], DType.INT8)).output
        return self.end

    def layer(self, make: Callable[[Requant, int], Op], *shape: int) -> Value:
        """A layer with weights of which some filters and some columns are zero."""
        rng = self.rng
        weights = rng.integers(-127, 128, shape, np.int8)
        weights[rng.random(shape[0]) < self.dead] = 0
        weights[..., rng.random(shape[-1]) < self.dead / 2] = 0
        bias = rng.integers(-9000, 9000, shape[0]).astype(np.int32)
        count = shape[0] if rng.random() < 0.7 else 1
        scales = [float(s) for s in 2 ** rng.uniform(-10, -5, count)]
        zero = int(rng.choice([-128, -5, 30]))
        low = zero if rng.random() < 0.6 else -128  # a ReLU makes many constants the zero point
        self.x_zero, before = zero, getattr(self, "x_zero", 3)
        rule = RULES[int(rng.integers(len(RULES)))]
        requant = make_requant(scales, rule, zero, low, 127)
        return self.add(make(requant, before), weights, bias)

    def conv(self, filters: int, kernel: int = 1, window: Window = Window()) -> Value:  # noqa: B008
        """A convolution over all channels."""
        channels = self.end.type.shape[-1]
        return self.layer(lambda q, x: QConv2D(q, x, window), filters, kernel, kernel, channels)

    def depthwise(self, window: Window = SAME) -> Value:
        """One filter for each channel."""
        channels = self.end.type.shape[-1]
        return self.layer(lambda q, x: QConv2D(q, x, window, channels), channels, 3, 3, 1)

    def dense(self, filters: int) -> Value:
        """A dense layer."""
        return self.layer(QDense, filters, self.end.type.shape[-1])

    def check(self, outputs: list[Value] | None = None) -> Graph:
        """The smaller graph, which gives the same."""
        self.graph.outputs = outputs or [self.end]
        self.graph.bind_ports()
        smaller = run_passes(self.graph, [DeadChannels()])
        x = self.rng.integers(-128, 128, (5, *self.graph.inputs[0].type.shape[1:]), np.int8)
        x[0], x[1] = -128, 127
        wanted, found = (evaluate(g, {"x": x}) for g in (self.graph, smaller))
        for a, b in zip(self.graph.outputs, smaller.outputs, strict=True):
            np.testing.assert_array_equal(wanted[a.name], found[b.name])
        return smaller


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 33), st.integers(2, 33), st.sampled_from((0, 1)))
def test_outputs_stay(seed: int, first: int, second: int, pad: int) -> None:
    rng = np.random.default_rng(seed)
    chain = Chain(rng, int(rng.integers(1, 9)), float(rng.uniform(0, 1)))
    chain.conv(first, 3, SAME)
    chain.depthwise(SAME if pad else Window())
    chain.conv(second)
    if rng.random() < 0.5:
        chain.depthwise()
        chain.depthwise()
    chain.conv(int(rng.integers(1, 20)), 3, SAME if pad else Window((2, 1), (1, 1, 1, 1)))
    height, width = chain.end.type.shape[1:3]
    pool = QMaxPool2D if rng.random() < 0.5 else QAvgPool2D
    chain.add(pool((height, width), Window((height, width)), -100, 90))
    chain.add(Reshape((1, chain.end.type.shape[-1])))
    chain.dense(17)
    chain.dense(5)
    smaller = chain.check()
    assert smaller.macs() <= chain.graph.macs()


def test_a_dead_filter_goes_from_end_to_end() -> None:
    """Through a depthwise layer and a pool, in both directions, in multiples of four."""
    chain = Chain(np.random.default_rng(2), 4, 0.0)
    one = make_requant([0.01], Rounding.DOUBLE, -128)
    rng = chain.rng
    weights = rng.integers(1, 50, (16, 1, 1, 4), np.int8)
    weights[5:] = 0
    bias = np.full(16, -40, np.int32)
    chain.add(QConv2D(one, 0), weights, bias)
    ones = np.ones((16, 3, 3, 1), np.int8)
    chain.add(QConv2D(one, -128, SAME, 16), ones, bias)
    chain.add(QAvgPool2D((6, 5), Window((6, 5))))
    chain.add(Reshape((1, 16)))
    chain.add(QDense(one, -128), rng.integers(1, 50, (3, 16), np.int8), np.zeros(3, np.int32))
    smaller = chain.check()
    assert [n.output.type.shape[-1] for n in smaller.nodes] == [8, 8, 8, 8, 3]


def test_a_constant_beside_padding_stays() -> None:
    """It is not the zero point, so windows at the border see something else."""
    chain = Chain(np.random.default_rng(3), 4, 0.0)
    one = make_requant([0.05], Rounding.DOUBLE, -128)
    weights = np.zeros((8, 1, 1, 4), np.int8)
    chain.add(QConv2D(one, 0), weights, np.full(8, 900, np.int32))
    chain.add(QConv2D(one, -128, SAME, 8), np.ones((8, 3, 3, 1), np.int8), np.zeros(8, np.int32))
    chain.add(QConv2D(one, -128), np.ones((4, 1, 1, 8), np.int8), np.zeros(4, np.int32))
    smaller = chain.check()
    assert [n.output.type.shape[-1] for n in smaller.nodes] == [8, 8, 4]


@pytest.mark.parametrize("kind", ["output", "sum", "two readers"])
def test_what_others_read_stays(kind: str) -> None:
    chain = Chain(np.random.default_rng(4), 8, 0.5)
    middle = chain.conv(16)
    chain.depthwise()
    if kind == "sum":
        half = Rescale(0, *quantize_multiplier(0.5))
        add = QAdd(half, half, make_requant([2.0**-19], Rounding.DOUBLE))
        node = chain.graph.add_node(add, [chain.end, middle], chain.end.type)
        chain.end = node.output
    else:
        chain.conv(8)
    outputs = [chain.end]
    if kind == "two readers":
        x_zero = chain.x_zero
        spec = make_requant([0.01], Rounding.DOUBLE, 0)
        weights = chain.graph.constant(np.eye(16, dtype=np.int8).reshape(16, 1, 1, 16))
        bias = chain.graph.constant(np.zeros(16, np.int32))
        node = chain.graph.add_node(QConv2D(spec, x_zero), [middle, weights, bias], middle.type)
        outputs.append(node.output)
    if kind == "output":
        outputs.append(middle)
    smaller = chain.check(outputs)
    assert smaller.nodes[0].output.type.shape[-1] == 16


def test_a_scalar_has_no_channels() -> None:
    graph = Graph("scalar")
    x = graph.add_input("x", TensorType((1,), DType.INT8))
    graph.outputs = [graph.add_node(Reshape(()), [x], TensorType((), DType.INT8)).output]
    assert not DeadChannels().run(graph)


def test_visual_wake_words_loses_its_dead_channels() -> None:
    """Half of its multiplications are with weights of zero; LiteRT agrees on what remains."""
    path = material() / "mlperf_tiny" / "models" / "vww_96_int8.tflite"
    whole = run_passes(load_tflite(path), [LowerInteger("litert")])
    smaller = run_passes(whole, [DeadChannels()])
    assert smaller.macs() < 0.52 * whole.macs()
    assert smaller.parameters() < 0.25 * whole.parameters()
    x = np.random.default_rng(5).integers(-128, 128, (8, 96, 96, 3), np.int8)
    data = material() / "datasets" / "vww_coco_train2017_128.npz"
    if data.is_file():
        with np.load(data) as arrays:
            x[:6] = (arrays["x96"][:6].astype(np.int16) - 128).astype(np.int8)
    (name,) = (v.name for v in smaller.inputs)
    found = evaluate(smaller, {name: x})[smaller.outputs[0].name]
    np.testing.assert_array_equal(found, run_litert(path, [x])[0])

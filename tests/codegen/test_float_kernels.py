"""Every float32 kernel over small shapes: generated C agrees with the reference."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgekit.ir import DType, Graph, Quant, TensorType
from edgekit.ir.ops import (
    RELU6,
    Add,
    AvgPool2D,
    Clamp,
    Clip,
    Conv2D,
    Dense,
    Dequantize,
    MaxPool2D,
    Mean,
    Mul,
    Op,
    Quantize,
    Softmax,
    Sub,
)
from tests.codegen.batch import BOTH, Array, compile_all
from tests.codegen.graphs import float32, single
from tests.codegen.test_integer_kernels import windows

F = DType.FLOAT32
CLAMPS = (None, Clamp(0.0, None), RELU6, Clamp(None, 0.5), Clamp(-0.25, 0.25))


def noise(rng: np.random.Generator, *shape: int) -> Array:
    return rng.normal(0, 1, shape).astype(np.float32)


def convolutions(count: int) -> list[Graph]:
    rng = np.random.default_rng(1)
    found = []
    for index, (size, kernel, window) in zip(range(count), windows(rng), strict=False):
        groups = (1, 3, 2)[index % 3]
        width = 1 if groups == 3 else int(rng.integers(1, 5))
        filters = groups * int(rng.integers(1, 4))
        weights = noise(rng, filters, *kernel, width)
        constants = [weights, noise(rng, filters)] if index % 4 else [weights]
        op = Conv2D(window, groups, clamp=CLAMPS[index % len(CLAMPS)])
        found.append(single(op, [float32(1, *size, groups * width), *constants], F))
    return found


@pytest.mark.parametrize("tool", BOTH)
def test_convolutions(tool: str) -> None:
    for case in compile_all(convolutions(90), tool):
        case.check_samples()


def test_dense_layers() -> None:
    rng = np.random.default_rng(2)
    cases = []
    for index, (depth, outputs) in enumerate([(1, 1), (3, 2), (16, 5), (33, 7), (100, 3)]):
        weights = noise(rng, outputs, depth)
        for constants in ([weights], [weights, noise(rng, outputs)]):
            op = Dense(CLAMPS[index % len(CLAMPS)])
            cases.append(single(op, [float32(1, depth), *constants], F))
    for case in compile_all(cases):
        case.check_samples()


@pytest.mark.parametrize("kind", [Add, Sub, Mul])
def test_binary_operators(kind: type[Add] | type[Sub] | type[Mul]) -> None:
    rng = np.random.default_rng(3)
    cases = []
    for index, (a, b) in enumerate(
        [((4, 3, 2), (4, 3, 2)), ((4, 3, 2), (1, 1, 2)), ((4, 1, 2), (1, 3, 1)), ((7,), (1,))]
    ):
        op = kind(CLAMPS[index])
        cases.append(single(op, [float32(1, *a), float32(1, *b)], F))
        cases.append(single(op, [noise(rng, 1, *b), float32(1, *a)], F))
    for case in compile_all(cases):
        case.check_samples()


def test_pools_and_means() -> None:
    rng = np.random.default_rng(4)
    cases: list[Graph] = []
    for size, kernel, window in windows(rng):
        if not window.meets_input(size, kernel):
            continue
        clamp = CLAMPS[len(cases) % len(CLAMPS)]
        op: Op = MaxPool2D(kernel, window, clamp=clamp)
        if len(cases) % 3:
            op = AvgPool2D(kernel, window, clamp=clamp, include_pad=len(cases) % 3 == 2)
        cases.append(single(op, [float32(1, *size, int(rng.integers(1, 5)))], F))
        if len(cases) == 80:
            break
    for axes in ((1, 2), (2,), (3,), (1, 2, 3)):
        cases += [single(Mean(axes, keep), [float32(1, 4, 3, 2)], F) for keep in (True, False)]
    for case in compile_all(cases):
        case.check_samples()


def test_clips() -> None:
    clamps = [c for c in CLAMPS if c is not None]
    for case in compile_all([single(Clip(c), [float32(1, 50)], F) for c in clamps]):
        case.check_samples()


@pytest.mark.parametrize("depth", [1, 2, 10, 257])
def test_softmax(depth: int) -> None:
    """Against float64, not only the reference: the exponential is the kernel's own."""
    cases = compile_all([single(Softmax(1, beta), [float32(1, depth)], F) for beta in (1.0, 0.25)])
    rng = np.random.default_rng(5)
    scales = (1e-3, 1.0, 30.0, 1e4)
    x = np.concatenate([rng.normal(0, s, (50, depth)).astype(np.float32) for s in scales])
    for case, beta in zip(cases, (1.0, 0.25), strict=True):
        (found,) = case.run([x])
        shifted = beta * (x.astype(np.float64) - x.max(axis=1, keepdims=True).astype(np.float64))
        powers = np.exp(shifted)
        wanted = powers / powers.sum(axis=1, keepdims=True)
        # float32 arguments near -30 alone cost a few units in the last place of the result
        np.testing.assert_allclose(found, wanted, rtol=4e-6, atol=1e-37)


def quantized(scale: float, zero_point: int, *shape: int) -> TensorType:
    return TensorType(shape, DType.INT8, "", Quant.per_tensor(scale, zero_point))


@pytest.mark.parametrize("half_even", [True, False])
def test_quantize_is_exact(half_even: bool) -> None:
    rng = np.random.default_rng(6)
    cases: list[Graph] = []
    inputs: list[Array] = []
    for scale in (0.5, 2.0**-7, 0.1, 3.7, 1e-3, 1e20):
        for zero_point in (-128, 0, 5, 127):
            graph = Graph("quantize")
            x = graph.add_input("x", float32(1, 600))
            node = graph.add_node(Quantize(half_even), [x], quantized(scale, zero_point, 1, 600))
            graph.outputs = [node.output]
            cases.append(graph)
            ties = (np.arange(-150, 150) + 0.5) * np.float32(scale)
            beyond = rng.normal(0, 300 * scale, 292)
            special = [0.0, -0.0, 3e38, -3e38, 1e-45, -1e-45, scale, -scale]
            numbers = np.concatenate([ties, beyond, special])
            inputs.append(numbers.astype(np.float32).reshape(1, 600))
    for case, row in zip(compile_all(cases), inputs, strict=True):
        case.check([row])


def test_dequantize_is_exact() -> None:
    every = np.arange(-128, 128).astype(np.int8).reshape(1, 256)
    cases = []
    for scale in (0.5, 0.1, 1e-30, 1e30, 1 / 3):
        for zero_point in (-128, 0, 77, 127):
            graph = Graph("dequantize")
            x = graph.add_input("x", quantized(scale, zero_point, 1, 256))
            graph.outputs = [graph.add_node(Dequantize(), [x], float32(1, 256)).output]
            cases.append(graph)
    for case in compile_all(cases):
        (found,) = case.run([every])
        quant = case.graph.inputs[0].type.quant
        assert quant is not None
        centred = (every.astype(np.int32) - quant.zero_point[0]).astype(np.float32)
        np.testing.assert_array_equal(found, np.float32(quant.scale[0]) * centred)


def test_open_bounds_keep_every_float() -> None:
    """An open side of a clamp must not cut off the largest floats."""
    biggest = float(np.finfo(np.float32).max)
    x = np.array([[biggest, -biggest, 1e38, -1e38, 0.0]], np.float32)
    low, high = compile_all(
        [
            single(Clip(Clamp(0.0, None)), [float32(1, 5)], F),
            single(Clip(Clamp(None, 0.0)), [float32(1, 5)], F),
        ]
    )
    assert low.run([x])[0].tolist() == [[biggest, 0.0, float(np.float32(1e38)), 0.0, 0.0]]
    assert high.run([x])[0].tolist() == [[0.0, -biggest, 0.0, float(np.float32(-1e38)), 0.0]]
    assert math.isfinite(biggest)

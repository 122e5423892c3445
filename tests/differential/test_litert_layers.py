"""Transposed convolutions, matrix products and normalisations against LiteRT's reference kernels,
and the generated C against ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.ir import Graph
from edgekit.passes.infra import run_passes
from quantize.lower import LowerInteger
from quantize.oracle import run_litert
from quantize.reference import evaluate
from tests.codegen.batch import compile_all
from tests.differential.litert import assert_equal_to_litert, import_bytes, samples
from tests.tflite_builder import NONE, RELU, RELU6, SAME, VALID, O, T, build, const, q8

RNG = np.random.default_rng(3)


def real(*shape: int) -> NDArray[np.float32]:
    return RNG.normal(size=shape).astype(np.float32)


def floats(name: str, *shape: int) -> T:
    return T(name, shape, "FLOAT32")


def lowered(model: bytes) -> Graph:
    return run_passes(import_bytes(model), [LowerInteger("litert")])


def transposed(
    size: tuple[int, int], kernel: tuple[int, int], strides: tuple[int, int], padding: int,
    activation: int, integer: bool,
) -> bytes:  # fmt: skip
    """TRANSPOSE_CONV with bias, 3 channels to 4."""
    x_zero, y_zero = (int(z) for z in RNG.integers(-20, 20, 2))
    pairs = list(zip(size, kernel, strides, strict=True))
    out = [n * s if padding == SAME else (n - 1) * s + k for n, k, s in pairs]
    shape = (1, out[0], out[1], 4)
    fields = (("padding", padding), ("strideH", strides[0]), ("strideW", strides[1]),
              ("fusedActivationFunction", activation))  # fmt: skip
    sizes = const("size", np.array(shape, np.int32))
    if integer:
        scales = tuple(float(s) for s in RNG.uniform(0.005, 0.02, 4))
        weights = RNG.integers(-127, 128, (4, *kernel, 3)).astype(np.int8)
        w = const("w", weights, scale=scales, zero=(0,) * 4)
        bias = RNG.integers(-2000, 2000, 4).astype(np.int32)
        b = const("b", bias, scale=tuple(0.1 * s for s in scales), zero=(0,) * 4)
        x, y = q8("x", (1, *size, 3), 0.1, x_zero), q8("y", shape, 0.2, y_zero)
    else:
        w, b = const("w", real(4, *kernel, 3)), const("b", real(4))
        x, y = floats("x", 1, *size, 3), floats("y", *shape)
    operator = O("TRANSPOSE_CONV", (1, 2, 0, 3), (4,), "TransposeConvOptions", fields)
    return build([x, sizes, w, b, y], [operator])


GEOMETRIES = [
    ((4, 5), (3, 3), (2, 2), SAME, NONE),
    ((4, 5), (3, 2), (2, 3), VALID, RELU6),
    ((3, 3), (2, 2), (2, 2), SAME, RELU),
    ((1, 6), (1, 4), (1, 2), VALID, NONE),
    ((3, 4), (4, 5), (1, 1), SAME, NONE),
]


def test_integer_transposed_convolutions() -> None:
    models = [transposed(*each, integer=True) for each in GEOMETRIES]
    for model, (size, *_) in zip(models, GEOMETRIES, strict=True):
        assert_equal_to_litert(model, [samples((1, *size, 3), 6, 1)])
    for case in compile_all([lowered(model) for model in models]):
        case.check_samples()


def product(
    a: tuple[int, ...], b: tuple[int, ...], out: tuple[int, ...], turned: tuple[bool, bool],
    integer: bool,
) -> bytes:  # fmt: skip
    """BATCH_MATMUL of two inputs."""
    fields = (("adjX", turned[0]), ("adjY", turned[1]))
    operator = O("BATCH_MATMUL", (0, 1), (2,), "BatchMatMulOptions", fields)
    if integer:
        tensors = [q8("a", a, 0.05, 3), q8("b", b, 0.031, -7), q8("y", out, 0.4, 11)]
    else:
        tensors = [floats("a", *a), floats("b", *b), floats("y", *out)]
    return build(tensors, [operator], inputs=(0, 1))


PRODUCTS = [
    ((1, 3, 4), (1, 4, 5), (1, 3, 5), (False, False)),
    ((1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 3, 5), (False, True)),
    ((1, 4, 3), (1, 4, 5), (1, 3, 5), (True, False)),
]


def test_integer_matrix_products() -> None:
    models = [product(*each, integer=True) for each in PRODUCTS]
    for model, (a, b, *_) in zip(models, PRODUCTS, strict=True):
        assert_equal_to_litert(model, [samples(a, 5, 1), samples(b, 5, 2)])
    for case in compile_all([lowered(model) for model in models]):
        case.check_samples()


def single(
    kind: str, options: str, shape: tuple[int, ...], out: tuple[int, ...], *constants: T,
    **fields: Any,
) -> bytes:  # fmt: skip
    """A float operator of one input and constants."""
    tensors = [floats("x", *shape), *constants, floats("y", *out)]
    last = len(tensors) - 1
    return build(tensors, [O(kind, tuple(range(last)), (last,), options, tuple(fields.items()))])


REAL = [
    *(transposed(*each, integer=False) for each in GEOMETRIES),
    *(product(*each, integer=False) for each in PRODUCTS),
    single("L2_NORMALIZATION", "L2NormOptions", (1, 3, 4), (1, 3, 4)),
    single("LOG_SOFTMAX", "LogSoftmaxOptions", (1, 3, 4), (1, 3, 4)),
    single("LOCAL_RESPONSE_NORMALIZATION", "LocalResponseNormalizationOptions", (1, 2, 3, 7),
           (1, 2, 3, 7), radius=2, bias=1.5, alpha=0.3, beta=0.6),
    single("L2_POOL_2D", "Pool2DOptions", (1, 5, 6, 3), (1, 3, 3, 3), padding=SAME, strideH=2,
           strideW=2, filterHeight=3, filterWidth=2),
    single("CONV_3D", "Conv3DOptions", (1, 4, 5, 4, 3), (1, 2, 5, 2, 2),
           const("w", real(2, 3, 2, 3, 2)), const("b", real(2)), padding=SAME, strideD=2,
           strideH=1, strideW=2, dilationDFactor=1, dilationHFactor=1, dilationWFactor=1,
           fusedActivationFunction=RELU),
]  # fmt: skip


@pytest.mark.parametrize("model", REAL)
def test_real_layers(model: bytes) -> None:
    graph = import_bytes(model)
    inputs = [real(4, *v.type.shape[1:]) for v in graph.inputs]
    found = evaluate(graph, {v.name: x for v, x in zip(graph.inputs, inputs, strict=True)})
    (wanted,) = run_litert(model, inputs)
    np.testing.assert_allclose(found[graph.outputs[0].name], wanted, rtol=1e-5, atol=1e-5)


def test_real_layers_in_c() -> None:
    for case in compile_all([import_bytes(model) for model in REAL]):
        case.check_samples()

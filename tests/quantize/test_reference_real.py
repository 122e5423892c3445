"""Float definitions against ONNX Runtime with every optimisation off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.ir import DType, Graph, Quant, TensorType, verify
from edgekit.ir.ops import (
    Add,
    AvgPool2D,
    BatchNorm,
    Clamp,
    Clip,
    Concat,
    Conv2D,
    Dense,
    Dequantize,
    MatMul,
    MaxPool2D,
    Mean,
    Mul,
    Op,
    Pad,
    Quantize,
    Reshape,
    Softmax,
    Sub,
    Transpose,
    Window,
)
from quantize.reference import evaluate

ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")

RNG = np.random.default_rng(11)
SAMPLES = 3


def real(*shape: int) -> NDArray[np.float32]:
    return RNG.normal(size=shape).astype(np.float32)


def by_ort(kind: str, inputs: Sequence[NDArray[Any]], **attributes: Any) -> NDArray[Any]:
    """One operator in ONNX Runtime."""
    inputs = [np.asarray(a) for a in inputs]
    names = [f"i{k}" for k in range(len(inputs))]
    element = onnx.helper.np_dtype_to_tensor_dtype
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(kind, names, ["y"], **attributes)],
        "g",
        [
            onnx.helper.make_tensor_value_info(n, element(a.dtype), a.shape)
            for n, a in zip(names, inputs, strict=True)
        ],
        [onnx.helper.make_empty_tensor_value_info("y")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 8
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    result: NDArray[Any] = session.run(None, dict(zip(names, inputs, strict=True)))[0]
    return result


def by_us(
    op: Op, x: Sequence[NDArray[Any]], constants: Sequence[NDArray[Any]] = (), **out: Any
) -> NDArray[Any]:
    """One operator through `evaluate`; ``x`` carry samples, ``out`` overrides the output's type."""
    graph = Graph("g")
    values = [
        graph.add_input(f"x{i}", TensorType((1, *a.shape[1:]), DType.from_numpy(a.dtype)))
        for i, a in enumerate(x)
    ]
    values += [graph.constant(c) for c in constants]
    shape = op.infer([v.type.shape for v in values])[0]
    node = graph.add_node(op, values, TensorType(shape, **{"dtype": DType.FLOAT32, **out}))
    graph.outputs = [node.output]
    verify(graph)
    return evaluate(graph, {f"x{i}": a for i, a in enumerate(x)})[node.output.name]


def close(ours: NDArray[Any], theirs: NDArray[Any]) -> None:
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


GEOMETRIES = [
    (Window(), (1, 1), 1),
    (Window((2, 1), (1, 0, 2, 1)), (3, 2), 1),
    (Window((1, 1), (2, 2, 2, 2), (2, 2)), (3, 3), 1),
    (Window((2, 2), (1, 1, 1, 1)), (3, 3), 4),
    (Window((1, 2), (0, 1, 1, 0)), (2, 3), 2),
]


@pytest.mark.parametrize(("window", "kernel", "groups"), GEOMETRIES)
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_conv2d(window: Window, kernel: tuple[int, int], groups: int, layout: str) -> None:
    x, w, b = real(SAMPLES, 4, 9, 8), real(8, 4 // groups, *kernel), real(8)
    theirs = by_ort(
        "Conv",
        [x, w, b],
        group=groups,
        strides=window.strides,
        pads=window.padding,
        dilations=window.dilations,
    )
    theirs = np.clip(theirs, -0.5, 1.0)
    op = Conv2D(window, groups, layout, Clamp(-0.5, 1.0))
    if layout == "NCHW":
        close(by_us(op, [x], [w, b]), theirs)
    else:
        ours = by_us(op, [x.transpose(0, 2, 3, 1)], [w.transpose(0, 2, 3, 1), b])
        close(ours, theirs.transpose(0, 2, 3, 1))


def test_dense_and_matmul() -> None:
    x, w, b = real(SAMPLES, 7), real(5, 7), real(5)
    close(by_us(Dense(), [x], [w, b]), by_ort("Gemm", [x, w, b], transB=1))
    close(by_us(Dense(Clamp(0.0, None)), [x], [w]), np.maximum(by_ort("Gemm", [x, w], transB=1), 0))
    close(by_us(MatMul(), [x], [w.T.copy()]), by_ort("MatMul", [x, w.T.copy()]))


@pytest.mark.parametrize(("op", "kind"), [(Add(), "Add"), (Sub(), "Sub"), (Mul(), "Mul")])
def test_binary_with_broadcasting(op: Op, kind: str) -> None:
    a, b = real(SAMPLES, 3, 4), real(SAMPLES, 3, 4)
    close(by_us(op, [a, b]), by_ort(kind, [a, b]))
    for constant in (real(4), real(1, 3, 1), real()):
        close(by_us(op, [a], [constant]), by_ort(kind, [a, constant]))


@pytest.mark.parametrize("window", [Window((2, 2)), Window((1, 2), (1, 0, 1, 1))])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("kind", ["max", "mean", "mean with padding"])
def test_pooling(window: Window, layout: str, kind: str) -> None:
    x = real(SAMPLES, 2, 7, 6)
    attributes = {"kernel_shape": (3, 2), "strides": window.strides, "pads": window.padding}
    op: Op
    if kind == "max":
        op = MaxPool2D((3, 2), window, layout)
        theirs = by_ort("MaxPool", [x], **attributes)
    else:
        whole = kind != "mean"
        op = AvgPool2D((3, 2), window, layout, None, whole)
        theirs = by_ort("AveragePool", [x], count_include_pad=int(whole), **attributes)
    if layout == "NCHW":
        close(by_us(op, [x]), theirs)
    else:
        close(by_us(op, [x.transpose(0, 2, 3, 1)]), theirs.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("keep", [True, False])
def test_mean(keep: bool) -> None:
    x = real(SAMPLES, 3, 5, 4)
    close(
        by_us(Mean((2, 3), keep), [x]),
        by_ort("ReduceMean", [x], axes=[2, 3], keepdims=int(keep)),
    )


def test_batch_norm() -> None:
    x = real(SAMPLES, 4, 3, 3)
    parts = [real(4), real(4), real(4), np.abs(real(4))]
    theirs = by_ort("BatchNormalization", [x, *parts], epsilon=1e-3)
    close(by_us(BatchNorm(1e-3, 1), [x], parts), theirs)


def test_clip_softmax() -> None:
    x = 5 * real(SAMPLES, 4, 6)
    close(by_us(Clip(Clamp(0.0, 6.0)), [x]), np.clip(x, 0, 6))
    close(by_us(Softmax(2), [x]), by_ort("Softmax", [x], axis=2))
    close(by_us(Softmax(1, 0.5), [x]), by_ort("Softmax", [x * np.float32(0.5)], axis=1))


def test_moving_elements_is_exact() -> None:
    x = real(SAMPLES, 2, 3, 4)
    np.testing.assert_array_equal(
        by_us(Transpose((0, 3, 1, 2)), [x]), by_ort("Transpose", [x], perm=[0, 3, 1, 2])
    )
    np.testing.assert_array_equal(by_us(Reshape((1, 24)), [x]), x.reshape(SAMPLES, 24))
    pads = np.array([0, 1, 0, 2, 0, 0, 3, 1])
    np.testing.assert_array_equal(
        by_us(Pad((0, 1, 0, 2), (0, 0, 3, 1), 1.5), [x]),
        by_ort("Pad", [x, pads, np.array(1.5, np.float32)]),
    )
    np.testing.assert_array_equal(
        by_us(Concat(2), [x, x[:, :, :2]]), by_ort("Concat", [x, x[:, :, :2]], axis=2)
    )


def test_concat_repeats_a_constant_for_every_sample() -> None:
    x, c = real(SAMPLES, 3), real(1, 2)
    expected = np.concatenate([x, np.repeat(c, SAMPLES, axis=0)], axis=1)
    np.testing.assert_array_equal(by_us(Concat(1), [x], [c]), expected)


def test_quantize_and_dequantize() -> None:
    quarters = np.arange(-3, 3, 0.25, dtype=np.float32).repeat(3).reshape(3, 24)
    x = np.concatenate([40 * real(SAMPLES, 64), quarters], 1)
    parameters: list[NDArray[Any]] = [np.array(0.5, np.float32), np.array(3, np.int8)]
    quant = Quant.per_tensor(0.5, 3)
    theirs = by_ort("QuantizeLinear", [x, *parameters])
    ours = by_us(Quantize(), [x], dtype=DType.INT8, quant=quant)
    np.testing.assert_array_equal(ours, theirs)
    away = by_us(Quantize(half_even=False), [x], dtype=DType.INT8, quant=quant)
    ties = np.abs(x / 0.5 - np.trunc(x / 0.5)) == 0.5
    assert (away != ours).any()
    assert not (away != ours)[~ties].any()
    graph = Graph("g")
    value = graph.add_input("q", TensorType((1, 88), DType.INT8, quant=quant))
    node = graph.add_node(Dequantize(), [value], TensorType((1, 88), DType.FLOAT32))
    graph.outputs = [node.output]
    found = evaluate(graph, {"q": theirs})[node.output.name]
    dequantized = by_ort("DequantizeLinear", [theirs, *parameters])
    np.testing.assert_array_equal(found, dequantized)

"""The quantization that post-training quantization chooses, against the published int8 scheme."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.errors import ModelError
from edgekit.importers.onnx import load_onnx
from edgekit.ir import DType, Graph, Quant
from edgekit.ir.ops import Softmax
from edgekit.passes import CANONICAL, TO_NHWC, run_passes
from edgekit.passes.fold_qdq import SOFTMAX_QUANT
from quantize.lower import LowerInteger
from quantize.ptq import quantize_graph
from quantize.schemes import activation_quant, dequantize_array, quantize_array, weight_quant
from tests.onnx_models import Arrays, load, noise, onnx_model, operators, run_graph, save

W = noise(4, 2, 3, 3, seed=1, scale=0.3)
SAMPLES: Arrays = {"x": noise(20, 2, 6, 6, seed=9)}


def canonical(folder: Path, body: str, **constants: object) -> Graph:
    """The canonical graph of a text model."""
    return run_passes(load_onnx(save(onnx_model(body, **constants), folder)), CANONICAL)


numbers = st.floats(-1e6, 1e6, allow_nan=False, width=32)


@given(numbers, numbers)
def test_activation_quantization_covers_its_range(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    quant = activation_quant(low, high)
    scale, zero = quant.scale[0], quant.zero_point[0]
    assert -128 <= zero <= 127
    assert quantize_array(np.zeros(1, np.float32), quant)[0] == zero, "zero is exact"
    step = scale * (1 + 1e-5)
    for edge in (low, high):
        back = float(
            dequantize_array(quantize_array(np.asarray([edge], np.float32), quant), quant)[0]
        )
        assert abs(back - edge) <= step
    assert np.float32(scale) == scale, "the scale survives a file"


@given(st.integers(1, 5), st.floats(1e-12, 1e3), st.floats(0, 1e6), st.integers(0, 99))
def test_weight_quantization_is_symmetric_and_its_bias_fits(
    channels: int, size: float, bias: float, seed: int
) -> None:
    weights = noise(channels, 3, 2, seed=seed, scale=size)
    weights[0] = 0
    biases = noise(channels, seed=seed, scale=bias)
    quant = weight_quant(weights, biases, 0.02)
    assert set(quant.zero_point) == {0}
    assert quant.axis == 0
    q = quantize_array(weights, quant, low=-127)
    assert q.min() >= -127
    assert (np.abs(biases / (np.float64(0.02) * np.asarray(quant.scale))) <= 2**30 * 1.001).all()


def test_layers_follow_the_int8_scheme(tmp_path: Path) -> None:
    graph = canonical(tmp_path, "h = Conv(x, w, b) y = Relu(h)", w=W, b=noise(4))
    quantized = quantize_graph(graph, SAMPLES)
    conv = quantized.nodes[0]
    weights, bias, x = conv.input(1).type, conv.input(2).type, quantized.inputs[0].type
    assert (weights.dtype, bias.dtype, x.dtype) == (DType.INT8, DType.INT32, DType.INT8)
    assert weights.quant is not None
    assert bias.quant is not None
    assert x.quant is not None
    np.testing.assert_allclose(bias.quant.scale, np.multiply(weights.quant.scale, x.quant.scale[0]),
                               rtol=1e-6)  # fmt: skip
    largest = np.abs(W).reshape(4, -1).max(axis=1)
    np.testing.assert_allclose(weights.quant.scale, largest / 127, rtol=1e-6)
    data = SAMPLES["x"]
    assert x.quant == activation_quant(float(data.min()), float(data.max()))
    assert conv.output.type.quant is not None
    assert conv.output.type.quant.zero_point == (-128,), "ReLU: all codes are for x >= 0"
    assert graph.nodes[0].output.type.dtype is DType.FLOAT32, "the float graph stays"
    assert quantized.input_bindings == graph.input_bindings


@pytest.mark.parametrize(
    "body",
    [
        "y = MaxPool<kernel_shape=[2,2]>(x)",
        "y = AveragePool<kernel_shape=[2,2]>(x)",
        "y = Flatten(x)",
        "y = Transpose<perm=[0,2,3,1]>(x)",
        "y = Pad(x, p, k)",
        "h = Add(x, x) y = Concat<axis=1>(x, h, c)",
    ],
)
def test_operators_without_rescaling_share_their_quantization(body: str, tmp_path: Path) -> None:
    constants = {
        "p": np.asarray([0, 0, 1, 0, 0, 0, 0, 0]), "k": np.float32(-50), "c": noise(1, 1, 6, 6),
    }  # fmt: skip
    graph = quantize_graph(canonical(tmp_path, body, **constants), SAMPLES)
    last = graph.nodes[-1]
    quants = {v.type.quant for v in (*last.inputs, last.output) if v is not None}
    assert len(quants) == 1
    quant = quants.pop()
    assert quant is not None
    if "Pad" in body:
        assert quant == activation_quant(-50.0, float(SAMPLES["x"].max()))


def test_a_clip_that_reads_alone_decides_the_range(tmp_path: Path) -> None:
    graph = canonical(tmp_path, "y = Clip(x, lo, hi)", lo=-0.25, hi=0.5)
    assert quantize_graph(graph, SAMPLES).inputs[0].type.quant == activation_quant(-0.25, 0.5)


def test_softmax_has_its_fixed_output(tmp_path: Path) -> None:
    body = "h = Flatten(x) g = Gemm(h, w) s = Softmax(g) y = Reshape(s, r)"
    graph = canonical(tmp_path, body, w=noise(72, 3), r=np.asarray([1, 3, 1, 1]))
    quantized = quantize_graph(graph, SAMPLES)
    quant = quantized.outputs[0].type.quant
    assert quant is not None
    assert (quant.scale, quant.zero_point) == ((1 / 256,), (-128,))


def test_percentile_cuts_rare_extremes(tmp_path: Path) -> None:
    data = SAMPLES["x"].copy()
    data[0, 0, 0, 0] = 1000.0
    graph = canonical(tmp_path, "y = MaxPool<kernel_shape=[2,2]>(x)")
    wide = quantize_graph(graph, {"x": data}).inputs[0].type.quant
    tight = quantize_graph(graph, {"x": data}, observer="percentile", percentile=99.0)
    narrow = tight.inputs[0].type.quant
    assert wide is not None
    assert narrow is not None
    assert wide.scale[0] > 3.9
    assert narrow.scale[0] < 0.1


def test_every_operator_without_int8_form_is_named_where_no_other_is_left(tmp_path: Path) -> None:
    body = "a = Mod<fmod=1>(x, x) y = BatchNormalization(a, s, s, s, v)"
    graph = canonical(tmp_path, body, s=noise(2), v=np.ones(2, np.float32))
    with pytest.raises(ModelError) as caught:
        quantize_graph(graph, SAMPLES)
    assert "Fmod 'a'" in str(caught.value)
    assert "BatchNorm 'y'" in str(caught.value)


def test_an_operator_without_int8_form_stays_between_dequantize_and_quantize(
    tmp_path: Path,
) -> None:
    body = "a = Relu(x) b = Mod<fmod=1>(a, x) c = IsNaN(b) y = Where(c, a, b)"
    graph = quantize_graph(canonical(tmp_path, body), SAMPLES)
    assert [n.op.name for n in graph.nodes] == [
        "Clip", "Dequantize", "Dequantize", "Fmod", "Isnan", "Quantize", "Where",
    ]  # fmt: skip
    by_name = {n.op.name: n for n in graph.nodes}
    assert by_name["Fmod"].output.type.dtype is DType.FLOAT32
    assert by_name["Isnan"].input(0) is by_name["Fmod"].output, "real readers read the real value"
    where = by_name["Where"]
    assert where.input(2) is by_name["Quantize"].output
    assert where.input(1).type.quant == where.input(2).type.quant == where.output.type.quant


def test_results_of_known_range_have_their_fixed_quantization(tmp_path: Path) -> None:
    graph = quantize_graph(canonical(tmp_path, "a = Tanh(x) y = Sigmoid(a)"), SAMPLES)
    tanh, sigmoid = (n.output.type.quant for n in graph.nodes)
    assert tanh == Quant.per_tensor(1 / 128, 0)
    assert sigmoid == Quant.per_tensor(1 / 256, -128)


def test_a_quantized_graph_is_not_quantized_again(tmp_path: Path) -> None:
    graph = quantize_graph(canonical(tmp_path, "y = Conv(x, w)", w=W), SAMPLES)
    with pytest.raises(ModelError, match="float32"):
        quantize_graph(graph, SAMPLES)


@pytest.mark.parametrize(
    ("body", "lsb"),
    [
        ("h = Conv<pads=[1,1,1,1]>(x, w, b) y = Relu(h)", 4),
        ("h = Conv<group=2>(x, g) y = AveragePool<kernel_shape=[2,2]>(h)", 3),
        ("h = Relu(x) y = Add(x, h)", 2),
        ("h = Relu(x) y = Sub(x, h)", 2),
        ("h = Add(x, c) y = GlobalAveragePool(h)", 2),
        ("h = Flatten(x) i = Gemm(h, d) y = Softmax(i)", 5),
    ],
)
def test_integer_results_follow_the_float_model(body: str, lsb: int, tmp_path: Path) -> None:
    """Within a few steps of the output's quantization, on the samples that were calibrated on."""
    constants = {"w": W, "b": noise(4), "g": noise(2, 1, 3, 3), "c": noise(2, 1, 1),
                 "d": noise(72, 3, scale=0.2)}  # fmt: skip
    graph = canonical(tmp_path, body, **constants)
    quantized = quantize_graph(graph, SAMPLES)
    integer = run_passes(quantized, (*TO_NHWC, LowerInteger("litert")))
    quant = quantized.outputs[0].type.quant
    assert quant is not None
    difference = run_graph(integer, SAMPLES)["y"] - run_graph(graph, SAMPLES)["y"]
    assert np.abs(difference).max() <= lsb * quant.scale[0]
    assert abs(difference.mean()) <= 0.3 * quant.scale[0], "rounding must not drift"


def test_probabilities_joined_with_larger_numbers_are_requantized(tmp_path: Path) -> None:
    """A softmax has one quantization; what it is joined with needs another."""
    body = "p = Softmax<axis=1>(x) y = Concat<axis=1>(p, x)"
    graph = load(tmp_path, body, "float[n,5] x", "float[n,10] y")
    samples = {"x": np.linspace(-4, 4, 50, dtype=np.float32).reshape(10, 5)}
    quantized = quantize_graph(graph, samples)
    softmax = next(n for n in quantized.nodes if isinstance(n.op, Softmax))
    assert softmax.output.type.quant == SOFTMAX_QUANT
    joined = quantized.outputs[0].type.quant
    assert joined is not None
    assert joined.scale[0] * 255 == pytest.approx(8, rel=0.02)
    assert operators(quantized) == ["Softmax", "Quantize", "Concat"]

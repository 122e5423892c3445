"""Every operator as imported, canonical and in NHWC, against ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.importers.onnx import load_onnx
from tests.onnx_models import IMAGE, VECTOR, assert_all_stages, ints, noise, onnx_model, save


@dataclass(frozen=True)
class Case:
    """A text model and its constants."""

    name: str
    body: str
    inputs: str = IMAGE
    opset: int = 13
    constants: dict[str, Any] = field(default_factory=dict)


W = noise(4, 2, 3, 3, seed=1)
W5 = noise(3, 5, seed=2)
STATS = {
    "s": noise(2, seed=3), "b": noise(2, seed=4), "m": noise(2, seed=5),
    "v": np.abs(noise(2, seed=6)) + np.float32(0.1),
}  # fmt: skip

CASES = [
    Case("conv", "y = Conv(x, w)", constants={"w": W}),
    Case("conv_bias_pads", "y = Conv<pads=[1,0,2,1], strides=[2,1]>(x, w, b)",
         constants={"w": W, "b": noise(4, seed=7)}),
    Case("conv_same_upper", 'y = Conv<auto_pad="SAME_UPPER", strides=[2,2]>(x, w)',
         constants={"w": noise(4, 2, 3, 2)}),
    Case("conv_same_lower", 'y = Conv<auto_pad="SAME_LOWER", strides=[2,2]>(x, w)',
         constants={"w": noise(4, 2, 3, 2)}),
    Case("conv_valid", 'y = Conv<auto_pad="VALID", dilations=[2,1]>(x, w)', constants={"w": W}),
    Case("conv_depthwise", "y = Conv<group=2, pads=[1,1,1,1]>(x, w)",
         constants={"w": noise(4, 1, 3, 3)}),
    Case("conv_opset7", "y = Conv<kernel_shape=[3,3]>(x, w)", opset=7, constants={"w": W}),
    Case("gemm", "y = Gemm<transB=1>(x, w, b)", VECTOR,
         constants={"w": W5, "b": noise(3, seed=8)}),
    Case("gemm_alpha_beta", "y = Gemm<alpha=0.5, beta=2.0>(x, w, b)", VECTOR,
         constants={"w": W5.T.copy(), "b": noise(1, 3, seed=8)}),
    Case("gemm_scalar_bias", "y = Gemm<transB=1>(x, w, b)", VECTOR,
         constants={"w": W5, "b": noise(1, seed=8)}),
    Case("gemm_no_bias", "y = Gemm<transB=1>(x, w)", VECTOR, constants={"w": W5}),
    Case("gemm_computed_bias", "h = Gemm<transB=1>(x, v) y = Gemm<transB=1>(x, w, h)", VECTOR,
         constants={"w": W5, "v": noise(3, 5, seed=9)}),
    Case("matmul_add", "h = MatMul(x, w) y = Add(b, h)", VECTOR,
         constants={"w": W5.T.copy(), "b": noise(1, 3, seed=9)}),
    Case("add_broadcast", "h = Relu(x) y = Add(h, c)", constants={"c": noise(2, 1, 6)}),
    Case("sub_constant", "y = Sub(x, c)", constants={"c": noise(2, 1, 1)}),
    Case("sub_from_constant", "y = Sub(c, x)", constants={"c": noise(1, 2, 1, 1)}),
    Case("sub_values", "h = Relu(x) y = Sub(x, h)"),
    Case("mul", "h = Mul(x, c) y = Mul(h, x)", constants={"c": np.float32(0.3)}),
    Case("relu", "y = Relu(x)"),
    Case("clip6", "y = Clip<min=-0.5, max=0.25>(x)", opset=6 + 1),
    Case("clip11", "y = Clip(x, _, hi)", constants={"hi": np.float32(0.4)}),
    Case("clip13", "y = Clip(x, lo, hi)", constants={"lo": -0.5, "hi": 0.5}),
    Case("batch_norm", "y = BatchNormalization<epsilon=0.01>(x, s, b, m, v)", constants=STATS),
    Case("batch_norm_opset7", "y = BatchNormalization<momentum=0.9>(x, s, b, m, v)", opset=7,
         constants=STATS),
    Case("max_pool", "y = MaxPool<kernel_shape=[3,2], strides=[2,1], pads=[1,0,1,1]>(x)"),
    Case("max_pool_ceil", "y = MaxPool<kernel_shape=[3,3], strides=[2,2], ceil_mode=1>(x)"),
    Case("max_pool_dilated", "y = MaxPool<kernel_shape=[2,2], dilations=[2,3]>(x)"),
    Case("average_pool", "y = AveragePool<kernel_shape=[3,3], pads=[1,1,1,1]>(x)"),
    Case("average_pool_counted",
         "y = AveragePool<kernel_shape=[3,3], pads=[1,1,0,1], count_include_pad=1>(x)"),
    Case("average_pool_ceil",
         "y = AveragePool<kernel_shape=[3,3], strides=[2,2], ceil_mode=1, pads=[0,0,0,0]>(x)"),
    Case("average_pool_same",
         'y = AveragePool<kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_UPPER">(x)'),
    Case("global_average", "y = GlobalAveragePool(x)"),
    Case("mean_attribute", "y = ReduceMean<axes=[-1,2], keepdims=0>(x)"),
    Case("mean_input", "y = ReduceMean(x, a)", opset=18, constants={"a": ints([1])}),
    Case("mean_channels_flat", "h = ReduceMean<axes=[1], keepdims=0>(x) y = Relu(h)"),
    Case("softmax_last", "y = Softmax(x)"),
    Case("softmax_axis1", "y = Softmax<axis=1>(x)"),
    Case("softmax_flattened", "y = Softmax<axis=1>(x)", opset=11),
    Case("softmax_flattened2", "y = Softmax<axis=2>(x)", opset=11),
    Case("reshape_copy", "y = Reshape(x, s)", constants={"s": ints([0, -1, 3])}),
    Case("flatten", "y = Flatten(x)"),
    Case("squeeze", "h = ReduceMean<axes=[2,3]>(x) y = Squeeze(h, a)",
         constants={"a": ints([2, 3])}),
    Case("squeeze_attribute", "h = ReduceMean<axes=[2,3]>(x) y = Squeeze<axes=[3]>(h)", opset=11),
    Case("unsqueeze", "y = Unsqueeze(x, a)", constants={"a": ints([1, -1])}),
    Case("transpose", "y = Transpose<perm=[0,3,1,2]>(x)"),
    Case("transpose_default", "h = Unsqueeze(x, a) y = Squeeze(h, a)", constants={"a": ints([1])}),
    Case("pad_attribute", "y = Pad<pads=[0,0,1,2,0,1,0,1], value=0.5>(x)", opset=10),
    Case("pad_input", "y = Pad(x, p, c)",
         constants={"p": ints([0, 1, 0, 0, 0, 0, 2, 0]), "c": np.float32(-1.5)}),
    Case("pad_axes", "y = Pad(x, p, _, a)", opset=18,
         constants={"p": ints([1, 2, 0, 1]), "a": ints([-1, 2])}),
    Case("concat", "h = Relu(x) y = Concat<axis=-3>(x, h, c)",
         constants={"c": noise(1, 3, 6, 6)}),
    Case("identity_dropout", "a = Identity(x) b = Dropout(a) y = Relu(b)"),
    Case("constant", "c = Constant<value_floats=[1.0, 2.0, 3.0, 4.0, 5.0]>() y = Mul(x, c)",
         VECTOR),
    Case("shape_arithmetic",
         "s = Shape(x) i = Constant<value_int=0>() n = Gather(s, i) a = Constant<value_ints=[0]>()"
         "u = Unsqueeze(n, a) m = Constant<value_ints=[-1]>() t = Concat<axis=0>(u, m)"
         "k = Cast<to=7>(t) y = Reshape(x, k)"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_operator_matches_onnxruntime(case: Case, tmp_path: Path) -> None:
    samples = 1 if case.name.startswith(("concat", "shape")) else 3
    path = save(onnx_model(case.body, case.inputs, opset=case.opset, **case.constants), tmp_path)
    shape = (samples, 2, 6, 6) if case.inputs == IMAGE else (samples, 5)
    assert_all_stages(path, {"x": noise(*shape, seed=11)})


def test_graph_inputs_with_initializers_are_constants(tmp_path: Path) -> None:
    model = onnx_model("y = Conv(x, w)", f"{IMAGE}, float[4,2,3,3] w", w=W)
    found = assert_all_stages(save(model, tmp_path), {"x": noise(1, 2, 6, 6)})
    assert [v.name for v in found["imported"].inputs] == ["x"]


def test_nodes_out_of_order_are_sorted(tmp_path: Path) -> None:
    model = onnx_model("h = Relu(x) y = Conv(h, w)", w=W)
    expected = save(model, tmp_path, "ordered.onnx")
    nodes = [model.graph.node[1], model.graph.node[0]]
    turned = type(model)()
    turned.CopyFrom(model)
    del turned.graph.node[:]
    turned.graph.node.extend(nodes)
    a, b = load_onnx(expected), load_onnx(save(turned, tmp_path, "turned.onnx"))
    assert str(a).split("\n")[1:] == str(b).split("\n")[1:]


def test_names_of_origin_and_bindings(tmp_path: Path) -> None:
    model = onnx_model("h = Conv(x, w) y = Relu(h)", w=W)
    graph = assert_all_stages(save(model, tmp_path), {"x": noise(1, 2, 6, 6)})["nhwc"]
    assert graph.nodes[0].output.origin == ("h", "y")
    assert graph.input_bindings[0].name == "x"
    assert graph.input_bindings[0].outer.shape == (1, 2, 6, 6)
    assert graph.input_bindings[0].perm == (0, 2, 3, 1)
    assert graph.output_bindings[0].name == "y"
    assert graph.inputs[0].type.layout == graph.outputs[0].type.layout == "NHWC"

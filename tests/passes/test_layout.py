"""NHWC, transposes that cancel, and transposes at the border."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.importers.onnx import load_onnx
from edgekit.passes import CANONICAL, TO_NHWC, run_passes
from edgekit.passes.cancel_transposes import CancelTransposes
from edgekit.passes.to_nhwc import ToNhwc
from edgekit.passes.transpose_to_reshape import TransposeToReshape
from tests.onnx_models import IMAGE, ints, noise, onnx_model, operators, run_graph, save
from tests.passes.support import check

W = noise(4, 2, 3, 3, seed=1)
V = noise(4, 4, 3, 3, seed=2)
SAME = "pads=[1,1,1,1]"


def test_each_layer_is_wrapped(tmp_path: Path) -> None:
    model = onnx_model("h = Conv(x, w) y = MaxPool<kernel_shape=[2,2]>(h)", w=W)
    expected = ["Transpose", "Conv2D", "Transpose", "Transpose", "MaxPool2D", "Transpose"]
    graph = check(model, [ToNhwc()], expected, tmp_path)
    assert graph.nodes[1].input(1).type.shape == (4, 3, 3, 2)
    check(model, [ToNhwc(), CancelTransposes()], ["Transpose", "Conv2D", "MaxPool2D", "Transpose"],
          tmp_path)  # fmt: skip


LEFT_OUT = [
    ("chain", f"a = Conv<{SAME}>(x, w) b = Conv<{SAME}>(a, v) y = MaxPool<kernel_shape=[2,2]>(b)",
     ["Conv2D", "Conv2D", "MaxPool2D"]),
    ("residual", f"a = Conv<{SAME}>(x, w) b = Conv<{SAME}>(a, v) e = Add(a, b) y = Relu(e)",
     ["Conv2D", "Conv2D", "Add"]),
    ("residual_of_input", f"a = Conv<{SAME}>(x, u) y = Add(x, a)", ["Conv2D", "Add"]),
    ("pad_at_input", "h = Pad(x, p, k) y = Conv(h, w)", ["Pad", "Conv2D"]),
    ("scale_at_input", "h = Mul(x, c) y = Conv(h, w)", ["Mul", "Conv2D"]),
    ("constant_image", f"h = Conv<{SAME}>(x, w) y = Add(h, d)", ["Conv2D", "Add"]),
    ("concat", f"a = Conv<{SAME}>(x, w) b = Conv<{SAME}>(a, v) y = Concat<axis=1>(a, b, d)",
     ["Conv2D", "Conv2D", "Concat"]),
    ("pool_and_dense", "a = Conv(x, w) b = GlobalAveragePool(a) e = Flatten(b)"
     "y = Gemm(e, g)", ["Conv2D", "Mean", "Reshape", "Dense"]),
    ("mean_without_axes", "a = Conv(x, w) b = ReduceMean<axes=[2,3], keepdims=0>(a)"
     "y = Gemm(b, g)", ["Conv2D", "Mean", "Dense"]),
    ("flatten_and_two_dense", "a = Conv(x, w) b = Flatten(a) e = Gemm(b, l) f = Gemm(b, l)"
     "y = Add(e, f)", ["Conv2D", "Reshape", "Dense", "Dense", "Add"]),
    ("softmax_over_channels", "a = Conv(x, w) y = Softmax<axis=1>(a)", ["Conv2D", "Softmax"]),
    ("batch_norm", "a = BatchNormalization(x, s, o, m, q) y = Conv(a, w)",
     ["BatchNorm", "Conv2D"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "expected"), LEFT_OUT, ids=[c[0] for c in LEFT_OUT])
def test_no_transpose_is_left(name: str, body: str, expected: list[str], tmp_path: Path) -> None:
    model = onnx_model(
        body, w=W, v=V, u=noise(2, 2, 3, 3), d=noise(1, 4, 6, 6), c=noise(2, 1, 1),
        g=noise(4, 3), l=noise(64, 3), p=ints([0, 0, 1, 0, 0, 0, 0, 2]), k=np.float32(0.5),
        s=noise(2), o=noise(2), m=noise(2), q=np.abs(noise(2)) + np.float32(0.1),
    )  # fmt: skip
    samples = 1 if name in ("concat", "constant_image") else 2
    graph = check(model, (*CANONICAL, *TO_NHWC), expected, tmp_path, samples)
    assert graph.input_bindings[0].perm == (0, 2, 3, 1)
    assert graph.input_bindings[0].outer.shape == (1, 2, 6, 6)


@pytest.mark.parametrize("body", ["y = Softmax<axis=3>(h)", "y = ReduceMean<axes=[2]>(h)"])
def test_output_in_the_models_layout(body: str, tmp_path: Path) -> None:
    graph = check(
        onnx_model(f"h = Conv(x, w) {body}", w=W),
        (*CANONICAL, *TO_NHWC),
        ["Conv2D", "Transpose", "Softmax"] if "Softmax" in body else ["Conv2D", "Mean"],
        tmp_path,
    )
    assert graph.output_bindings[0].perm == (None if "Softmax" in body else (0, 2, 3, 1))


def test_reshape_that_needs_the_order_keeps_its_transpose(tmp_path: Path) -> None:
    model = onnx_model("h = Conv(x, w) y = Flatten(h)", w=W)
    check(model, (*CANONICAL, *TO_NHWC), ["Conv2D", "Transpose", "Reshape"], tmp_path)


def test_model_in_nhwc_with_its_own_transposes(tmp_path: Path) -> None:
    body = "t = Transpose<perm=[0,3,1,2]>(x) h = Conv(t, w) y = Transpose<perm=[0,2,3,1]>(h)"
    model = onnx_model(body, "float[n,6,6,2] x", w=W)
    graph = check(model, (*CANONICAL, *TO_NHWC), ["Conv2D"], tmp_path)
    assert graph.input_bindings[0].perm is None or graph.input_bindings[0].perm == (0, 1, 2, 3)


def test_one_channel_input_needs_no_copy(tmp_path: Path) -> None:
    model = onnx_model("h = Relu(x) y = Reshape(h, s)", "float[n,1,6,6] x", s=ints([0, 6, 6]))
    check(model, (*CANONICAL, *TO_NHWC), ["Clip", "Reshape"], tmp_path)
    turned = onnx_model("y = Transpose<perm=[0,2,3,1]>(x)", "float[n,1,6,6] x")
    check(turned, [TransposeToReshape()], ["Reshape"], tmp_path)


def test_input_read_in_both_layouts(tmp_path: Path) -> None:
    """One reader wants NCHW: the input cannot turn, the result must still be right."""
    model = onnx_model("a = Conv(x, w) b = Flatten(x) c = Gemm(b, g) d = Flatten(a) e = Gemm(d, l)"
                       "y = Add(c, e)", w=W, g=noise(72, 3), l=noise(64, 3))  # fmt: skip
    graph = check(
        model, (*CANONICAL, *TO_NHWC),
        ["Transpose", "Conv2D", "Reshape", "Dense", "Reshape", "Dense", "Add"], tmp_path,
    )  # fmt: skip
    assert graph.input_bindings[0].perm is None


def test_batch_axis_is_never_moved(tmp_path: Path) -> None:
    path = save(onnx_model("y = Transpose<perm=[1,0,2,3]>(x)"), tmp_path)
    graph = run_passes(load_onnx(path), (*CANONICAL, *TO_NHWC))
    assert operators(graph) == ["Reshape"]  # one sample: only an axis of length 1 moves
    x = noise(1, 2, 6, 6)
    np.testing.assert_array_equal(run_graph(graph, {"x": x})["y"], x.transpose(1, 0, 2, 3))


def test_layouts_are_named(tmp_path: Path) -> None:
    path = save(onnx_model("h = Conv(x, w) y = Relu(h)", IMAGE, w=W), tmp_path)
    graph = load_onnx(path)
    assert [n.output.type.layout for n in graph.nodes] == ["NCHW", "NCHW"]
    nhwc = run_passes(graph, TO_NHWC)
    assert [n.output.type.layout for n in nhwc.nodes] == ["NHWC", "NHWC"]

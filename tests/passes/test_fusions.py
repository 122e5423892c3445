"""Fusing bias, batch norm, clamps and padding into layers: structure, numbers, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.ir.ops import RELU, Clamp, Conv2D, Dense
from edgekit.passes.fold_batch_norm import FoldBatchNorm
from edgekit.passes.fold_constants import FoldConstants
from edgekit.passes.fuse_bias_add import FuseBiasAdd
from edgekit.passes.fuse_clamp import FuseClamp, both
from edgekit.passes.fuse_pad import FusePad
from edgekit.passes.matmul_to_dense import MatMulToDense
from tests.onnx_models import VECTOR, ints, noise, onnx_model
from tests.passes.support import check, check_refused

W = noise(4, 2, 3, 3, seed=1)
STATS = {
    "s": noise(4, seed=3), "o": noise(4, seed=4), "m": noise(4, seed=5),
    "v": np.abs(noise(4, seed=6)) + np.float32(0.1),
}  # fmt: skip


# Bias


@pytest.mark.parametrize("shape", [(4, 1, 1), (1, 4, 1, 1), (1,), ()])
def test_constant_per_channel_becomes_the_bias(shape: tuple[int, ...], tmp_path: Path) -> None:
    model = onnx_model("h = Conv(x, w) y = Add(h, c)", w=W, c=noise(*shape))
    graph = check(model, [FuseBiasAdd()], ["Conv2D"], tmp_path)
    assert graph.nodes[0].origin == ("h", "y")
    assert graph.nodes[0].input(2).type.shape == (4,)


def test_bias_is_added_to_a_bias(tmp_path: Path) -> None:
    model = onnx_model("h = Conv(x, w, b) y = Add(c, h)", w=W, b=noise(4), c=noise(4, 1, 1))
    check(model, [FuseBiasAdd()], ["Conv2D"], tmp_path)


def test_matmul_and_bias_become_dense(tmp_path: Path) -> None:
    model = onnx_model("h = MatMul(x, w) y = Add(h, c)", VECTOR, w=noise(5, 3), c=noise(1, 3))
    check(model, [MatMulToDense(), FuseBiasAdd()], ["Dense"], tmp_path)


def test_matmul_of_two_values_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = onnx_model("t = Transpose(x) y = MatMul(t, x)", VECTOR)
    check_refused(model, MatMulToDense(), "computed at run time", tmp_path, caplog)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("h = Conv(x, w) y = Add(h, c)", "not one float constant per channel"),
        ("h = Conv(x, w) a = Relu(h) b = Add(h, d) y = Add(a, b)", "also used"),
    ],
)
def test_bias_refusals(
    body: str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = onnx_model(body, w=W, c=noise(4, 4, 1), d=noise(4, 1, 1))
    check_refused(model, FuseBiasAdd(), reason, tmp_path, caplog)


# Batch norm


def test_batch_norm_moves_into_conv(tmp_path: Path) -> None:
    body = "h = Conv(x, w, b) y = BatchNormalization<epsilon=0.01>(h, s, o, m, v)"
    graph = check(
        onnx_model(body, w=W, b=noise(4), **STATS), [FoldBatchNorm()], ["Conv2D"], tmp_path
    )
    assert graph.nodes[0].output.origin == ("h", "y")


def test_batch_norm_moves_into_dense_without_bias(tmp_path: Path) -> None:
    body = "h = Gemm<transB=1>(x, w) y = BatchNormalization(h, s, o, m, v)"
    model = onnx_model(body, VECTOR, w=noise(4, 5), **STATS)
    check(model, [FoldBatchNorm()], ["Dense"], tmp_path)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("a = Conv(x, w) h = Relu(a) y = BatchNormalization(h, s, o, m, v)", "does not follow"),
        ("h = Conv(x, w) a = BatchNormalization(h, s, o, m, v) y = Add(a, h)", "also used"),
    ],
)
def test_batch_norm_refusals(
    body: str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    check_refused(onnx_model(body, w=W, **STATS), FoldBatchNorm(), reason, tmp_path, caplog)


# Clamps


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        ("h = Conv(x, w)", "Conv2D"),
        ("h = Add(x, x)", "Add"),
        ("h = MaxPool<kernel_shape=[2,2]>(x)", "MaxPool2D"),
        ("h = AveragePool<kernel_shape=[2,2]>(x)", "AvgPool2D"),
    ],
)
def test_clip_moves_into_the_operator_before(layer: str, kind: str, tmp_path: Path) -> None:
    model = onnx_model(f"{layer} a = Relu(h) y = Clip(a, _, hi)", w=W, hi=np.float32(0.5))
    graph = check(model, [FuseClamp()], [kind], tmp_path)
    assert getattr(graph.nodes[0].op, "clamp", None) == Clamp(0.0, 0.5)


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        (None, RELU, RELU),
        (RELU, Clamp(None, 6.0), Clamp(0.0, 6.0)),
        (Clamp(-1.0, 1.0), Clamp(-2.0, 0.5), Clamp(-1.0, 0.5)),
        (Clamp(2.0, 3.0), Clamp(-1.0, 1.0), Clamp(1.0, 1.0)),
        (Clamp(-3.0, -2.0), RELU, Clamp(0.0, 0.0)),
    ],
)
def test_two_clamps_are_one(first: Clamp | None, then: Clamp, expected: Clamp) -> None:
    assert both(first, then) == expected


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("y = Relu(x)", "graph input"),
        ("h = Conv(x, w) a = Relu(h) y = Add(a, h)", "read elsewhere"),
        ("h = GlobalAveragePool(x) y = Relu(h)", "Mean has no clamp"),
    ],
)
def test_clamp_refusals(
    body: str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    check_refused(onnx_model(body, w=W), FuseClamp(), reason, tmp_path, caplog)


# Padding

PADS = ints([0, 0, 1, 2, 0, 0, 0, 1])


def test_zero_padding_moves_into_conv(tmp_path: Path) -> None:
    model = onnx_model("h = Pad(x, p) y = Conv<pads=[1,0,0,0]>(h, w)", p=PADS, w=W)
    graph = check(model, [FusePad()], ["Conv2D"], tmp_path)
    op = graph.nodes[0].op
    assert isinstance(op, Conv2D)
    assert op.window.padding == (2, 2, 0, 1)


def test_zero_padding_of_relu_moves_into_max_pool(tmp_path: Path) -> None:
    body = "r = Clip(x, lo) h = Pad(r, p) y = MaxPool<kernel_shape=[3,3], strides=[2,2]>(h)"
    model = onnx_model(body, p=PADS, lo=np.float32(0))
    check(model, [FusePad()], ["Clip", "MaxPool2D"], tmp_path)


def test_minus_infinity_moves_into_max_pool(tmp_path: Path) -> None:
    body = "h = Pad(x, p, c) y = MaxPool<kernel_shape=[3,3]>(h)"
    check(onnx_model(body, p=PADS, c=np.float32(-np.inf)), [FusePad()], ["MaxPool2D"], tmp_path)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("h = Pad(x, p) y = MaxPool<kernel_shape=[3,3]>(h)", "can be the maximum"),
        ("r = Relu(x) h = Pad(r, p) y = MaxPool<kernel_shape=[2,2]>(h)", "can be the maximum"),
        ("h = Pad(x, p, c) y = Conv(h, w)", "pads with 0.5"),
        ("h = Pad(x, q) y = Conv(h, v)", "other axes"),
        ("h = Pad(x, p) y = AveragePool<kernel_shape=[3,3]>(h)", "only reader"),
    ],
)
def test_padding_refusals(
    body: str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = onnx_model(
        body, p=PADS, c=np.float32(0.5), w=W, q=ints([0, 1, 0, 0, 0, 0, 0, 0]),
        v=noise(4, 3, 3, 3),
    )  # fmt: skip
    check_refused(model, FusePad(), reason, tmp_path, caplog)


# Constants


def test_weights_behind_reshape_and_transpose_are_folded(tmp_path: Path) -> None:
    body = "a = Reshape(w, s) b = Transpose<perm=[1,0]>(a) c = Mul(b, k) y = MatMul(x, c)"
    model = onnx_model(body, VECTOR, w=noise(15), s=ints([3, 5]), k=np.float32(2.0))
    graph = check(model, [FoldConstants(), MatMulToDense()], ["Dense"], tmp_path)
    assert isinstance(graph.nodes[0].op, Dense)

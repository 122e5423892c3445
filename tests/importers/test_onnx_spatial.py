"""Convolutions and pools of every form, against ONNX Runtime and in C."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.importers.layers import Layer, check_layers
from tests.onnx_models import noise, operators

LINE, IMAGE, BLOCK = "float[2,4,9] x", "float[2,4,6,5] x", "float[2,4,5,4,3] x"

CONVOLUTIONS = [
    Layer("y = Conv(x, w, b)", LINE, {"w": noise(6, 4, 3), "b": noise(6)}),
    Layer("y = Conv<group=2, pads=[1,2], strides=[2], dilations=[2]>(x, w)", LINE,
          {"w": noise(6, 2, 3)}),
    Layer('y = Conv<auto_pad="SAME_LOWER", strides=[2], group=4>(x, w)', LINE,
          {"w": noise(4, 1, 4)}),
    Layer("y = Conv(x, w, b)", "float[1,2,6] x, float[3,2,2] w, float[3] b"),
    Layer("y = Conv<group=2, pads=[1,0,1,1]>(x, w, b)",
          "float[2,4,6,5] x, float[6,2,3,2] w, float[6] b"),
    Layer("y = Conv<pads=[1,0,1,0,1,1], strides=[2,1,1]>(x, w, b)", BLOCK,
          {"w": noise(3, 4, 2, 3, 2), "b": noise(3)}),
    Layer("y = Conv<group=2, dilations=[2,1,2]>(x, w)", BLOCK, {"w": noise(6, 2, 2, 2, 2)}),
    Layer("h = Conv(x, w) y = Relu(h)", LINE, {"w": noise(6, 4, 3)}),
    Layer("h = Conv(x, w) y = Relu(h)", BLOCK, {"w": noise(6, 4, 3, 2, 1)}),
]  # fmt: skip

TRANSPOSED = [
    Layer("y = ConvTranspose<strides=[2]>(x, w, b)", LINE, {"w": noise(4, 3, 4), "b": noise(3)}),
    Layer("y = ConvTranspose<strides=[3,2], pads=[1,0,2,1], output_padding=[2,1]>(x, w)", IMAGE,
          {"w": noise(4, 2, 4, 3)}),
    Layer("y = ConvTranspose<group=2, dilations=[2,1]>(x, w, b)", IMAGE,
          {"w": noise(4, 3, 2, 3), "b": noise(6)}),
    Layer('y = ConvTranspose<auto_pad="SAME_UPPER", strides=[2,3]>(x, w)', IMAGE,
          {"w": noise(4, 2, 3, 4)}),
    Layer('y = ConvTranspose<auto_pad="SAME_LOWER", strides=[2,3]>(x, w)', IMAGE,
          {"w": noise(4, 2, 3, 4)}),
    Layer('y = ConvTranspose<auto_pad="VALID", strides=[2,3]>(x, w)', IMAGE,
          {"w": noise(4, 2, 3, 4)}),
    Layer("y = ConvTranspose<strides=[2,2], output_shape=[12,9]>(x, w)", IMAGE,
          {"w": noise(4, 2, 3, 3)}),
    Layer("y = ConvTranspose<strides=[1,2,2], pads=[0,1,0,1,0,1]>(x, w)", BLOCK,
          {"w": noise(4, 2, 2, 3, 2)}),
    Layer("y = ConvTranspose(x, w)", "float[1,2,3,3] x, float[2,2,2,2] w"),
    Layer("h = Conv(x, v) k = ConvTranspose<strides=[2,2]>(h, w) y = Relu(k)", IMAGE,
          {"v": noise(3, 4, 3, 3), "w": noise(3, 2, 2, 2)}),
]  # fmt: skip

POOLS = [
    Layer("y = MaxPool<kernel_shape=[3], strides=[2], pads=[1,1]>(x)", LINE),
    Layer("y = MaxPool<kernel_shape=[2,3,2], pads=[1,1,0,0,1,1], strides=[1,2,1]>(x)", BLOCK),
    Layer("y = MaxPool<kernel_shape=[2,2,2], dilations=[2,2,1], ceil_mode=1>(x)", BLOCK),
    Layer("y, i = MaxPool<kernel_shape=[3,2], pads=[1,1,0,0], strides=[2,1]>(x)", IMAGE,
          outputs="float[] y, int64[] i"),
    Layer("y, i = MaxPool<kernel_shape=[2], storage_order=1>(x)", LINE,
          outputs="float[] y, int64[] i"),
    Layer("y, i = MaxPool<kernel_shape=[2,2], storage_order=1, dilations=[2,1]>(x)", IMAGE,
          outputs="float[] y, int64[] i"),
    Layer("y, i = MaxPool<kernel_shape=[2,2,2], storage_order=1>(x)", BLOCK,
          outputs="float[] y, int64[] i"),
    Layer("y = MaxPool<kernel_shape=[2,2]>(x)", "uint8[2,3,4,5] x", outputs="uint8[] y"),
    Layer("y = MaxPool<kernel_shape=[2,2]>(x)", "double[2,3,4,5] x", outputs="double[] y"),
    Layer("y = AveragePool<kernel_shape=[3], pads=[1,1]>(x)", LINE),
    Layer("y = AveragePool<kernel_shape=[3], pads=[1,1], count_include_pad=1>(x)", LINE),
    Layer("y = AveragePool<kernel_shape=[3,2,2], pads=[1,0,1,1,1,0], strides=[2,1,1]>(x)", BLOCK),
    Layer("y = AveragePool<kernel_shape=[2,2,2], pads=[1,0,1,1,1,0], count_include_pad=1>(x)",
          BLOCK),
    Layer("h, i = MaxPool<kernel_shape=[2,2], strides=[2,2]>(x) "
          "y = MaxUnpool<kernel_shape=[2,2], strides=[2,2]>(h, i)", "float[1,2,4,4] x"),
    Layer("y = AveragePool<kernel_shape=[2,2], strides=[2,3], dilations=[2,1], ceil_mode=1>(x)",
          IMAGE),
    Layer("y = LpPool<kernel_shape=[3], pads=[1,1]>(x)", LINE),
    Layer("y = LpPool<kernel_shape=[2,3], strides=[2,1], p=1>(x)", IMAGE),
    Layer("y = LpPool<kernel_shape=[2,3,2], p=3>(x)", BLOCK),
    Layer("y = GlobalMaxPool(x)", LINE),
    Layer("y = GlobalMaxPool(x)", IMAGE),
    Layer("y = GlobalMaxPool(x)", BLOCK),
    Layer("y = GlobalAveragePool(x)", BLOCK),
    Layer("y = GlobalLpPool(x)", IMAGE),
    Layer("y = GlobalLpPool<p=1>(x)", BLOCK),
]  # fmt: skip


@pytest.mark.parametrize(
    "layers", [CONVOLUTIONS, TRANSPOSED, POOLS], ids=["convolutions", "transposed", "pools"]
)
def test_layers(layers: list[Layer], tmp_path: Path) -> None:
    check_layers(layers, tmp_path)


def test_transposed_convolution_takes_the_layout_of_its_neighbours(tmp_path: Path) -> None:
    (graph,) = check_layers(TRANSPOSED[-1:], tmp_path)
    assert operators(graph) == ["Conv2D", "ConvTranspose", "Clip"]

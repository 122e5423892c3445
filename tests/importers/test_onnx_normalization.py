"""Normalisations against ONNX Runtime and in C."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.importers.onnx import load_onnx
from tests.importers.layers import Layer, check_layers
from tests.onnx_models import noise, operators

IMAGE = "float[2,4,3,5] x"
PAIR = {"s": noise(4, seed=1), "b": noise(4, seed=2)}
STATISTICS = {**PAIR, "m": noise(4, seed=3), "v": np.abs(noise(4, seed=4)) + np.float32(0.1)}

BY_CHANNEL = [
    Layer("y = BatchNormalization(x, s, b, m, v)", IMAGE, STATISTICS),
    Layer("y = BatchNormalization<epsilon=0.1>(x, s, b, m, v)", "float[3,4] x", STATISTICS),
    Layer("h = Abs(v) y = BatchNormalization(x, s, b, m, h)",
          f"{IMAGE}, float[4] s, float[4] b, float[4] m, float[4] v"),
    Layer("y = InstanceNormalization<epsilon=0.01>(x, s, b)", IMAGE, PAIR),
    Layer("y = InstanceNormalization(x, s, b)", "float[2,4,9] x, float[4] s, float[4] b"),
    Layer("h = Conv(x, w) k = InstanceNormalization(h, s, b) y = Relu(k)", IMAGE,
          {**PAIR, "w": noise(4, 4, 2, 2)}),
    Layer("y = GroupNormalization<num_groups=2>(x, s, b)", IMAGE, PAIR),
    Layer("y = MeanVarianceNormalization(x)", IMAGE),
    Layer("y = MeanVarianceNormalization<axes=[2,3]>(x)", IMAGE),
    Layer("y = LRN<size=3, alpha=0.5, beta=0.6, bias=2.0>(x)", IMAGE),
    Layer("h = Conv(x, w) y = LRN<size=5, alpha=0.9>(h)", IMAGE, {"w": noise(3, 4, 2, 2)}),
]  # fmt: skip

BY_ROW = [
    Layer("y = LayerNormalization(x, s, b)", "float[2,3,5] x", {"s": noise(5), "b": noise(5)}),
    Layer("y = LayerNormalization<axis=1>(x, s)", "float[2,3,5] x, float[3,5] s"),
    Layer("y = LayerNormalization<axis=0, epsilon=0.1>(x, s)", "float[3,5] x",
          {"s": noise(3, 5)}),
    Layer("y = LayerNormalization<axis=1>(x, s, b)", "float[2,3,5] x",
          {"s": noise(5), "b": noise(3, 1)}),
    Layer("y, m, d = LayerNormalization<axis=1>(x, s)", "float[2,3,5] x, float[3,5] s",
          outputs="float[] y, float[] m, float[] d"),
    Layer("y = LpNormalization<axis=1>(x)", IMAGE),
    Layer("y = LpNormalization<p=1>(x)", IMAGE),
    Layer("y = RMSNormalization<axis=1>(x, s)", "float[2,3,5] x", {"s": noise(3, 5)}, opset=23),
]  # fmt: skip


@pytest.mark.parametrize("layers", [BY_CHANNEL, BY_ROW], ids=["channels", "rows"])
def test_layers(layers: list[Layer], tmp_path: Path) -> None:
    check_layers(layers, tmp_path)


def test_batch_normalization_folds_into_its_layer(tmp_path: Path) -> None:
    layer = Layer("h = Conv(x, w) y = BatchNormalization(h, s, b, m, v)", IMAGE,
                  {**STATISTICS, "w": noise(4, 4, 2, 2)})  # fmt: skip
    (graph,) = check_layers([layer], tmp_path)
    assert operators(graph) == ["Conv2D"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("y = GroupNormalization<num_groups=3>(x, s, b)", "num_groups 3"),
        ("y = BatchNormalization(x, s, b, m, two)", "variance has shape (2,)"),
        ("y = LpNormalization<p=3>(x)", "p = 3"),
        ("y = LRN<size=0>(x)", "size 0"),
        ("y = LayerNormalization<axis=4>(x, s)", "axis 4"),
    ],
)
def test_refusals(body: str, expected: str, tmp_path: Path) -> None:
    path, _ = Layer(body, IMAGE, {**STATISTICS, "two": noise(2)}).build(tmp_path)
    with pytest.raises(ModelError) as caught:
        load_onnx(path)
    assert expected in str(caught.value)

"""RNN, GRU and LSTM of every form, against ONNX Runtime and in C."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.importers.onnx import load_onnx
from tests.importers.layers import Layer, check_layers
from tests.onnx_models import noise

STEPS, BATCH, WIDTH, HIDDEN = 5, 3, 4, 2
X = f"float[{STEPS},{BATCH},{WIDTH}] x"
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
LENGTHS = np.array([2, 5, 3], np.int32)


def layer(kind: str, attributes: str = "", *given: str, both: bool = False) -> Layer:
    """A layer with random weights; ``given`` names its optional inputs."""
    directions, gates = 1 + both, GATES[kind]
    constants = {
        "w": noise(directions, gates * HIDDEN, WIDTH, seed=1),
        "r": noise(directions, gates * HIDDEN, HIDDEN, seed=2),
        "b": noise(directions, 2 * gates * HIDDEN, seed=3),
        "n": LENGTHS,
        "h": noise(directions, BATCH, HIDDEN, seed=4),
        "c": noise(directions, BATCH, HIDDEN, seed=5),
        "p": noise(directions, 3 * HIDDEN, seed=6),
    }
    names = ["x", "w", "r", *(name if name in given else "_" for name in "bnhcp")]
    inputs = names if kind == "LSTM" else names[:6]
    outputs = ["y", "y_h", "y_c"] if kind == "LSTM" else ["y", "y_h"]
    direction = ', direction="bidirectional"' if both else ""
    body = f"{', '.join(outputs)} = {kind}<hidden_size={HIDDEN}{direction}{attributes}>"
    ports = ", ".join(f"float[] {name}" for name in outputs)
    return Layer(f"{body}({', '.join(inputs)})", X, constants, ports, opset=14)


SIMPLE = [
    layer("RNN"),
    layer("RNN", ', activations=["Relu"], clip=0.7', "b", "h"),
    layer("RNN", "", "b", "n", "h", both=True),
    layer("RNN", ', direction="reverse"', "n"),
    *(
        layer("RNN", f', activations=["{name}"]{more}', "b")
        for name, more in [
            ("Affine", ", activation_alpha=[0.5], activation_beta=[0.25]"),
            ("Elu", ", activation_alpha=[0.5]"),
            ("HardSigmoid", ", activation_alpha=[0.4], activation_beta=[0.6]"),
            ("LeakyRelu", ", activation_alpha=[0.2]"),
            ("ScaledTanh", ", activation_alpha=[0.8], activation_beta=[0.6]"),
            ("Sigmoid", ""),
            ("Softplus", ""),
            ("Softsign", ""),
            ("ThresholdedRelu", ", activation_alpha=[0.3]"),
        ]
    ),
]
GATED = [
    layer("GRU"),
    layer("GRU", ", linear_before_reset=1", "b", "h"),
    layer("GRU", "", "b", "n", "h", both=True),
    layer("GRU", ', direction="reverse", clip=0.5', "b", "n"),
]
MEMORY = [
    layer("LSTM"),
    layer("LSTM", "", "b", "h", "c", "p"),
    layer("LSTM", "", "b", "n", "h", "c", "p", both=True),
    layer("LSTM", ', direction="reverse", input_forget=1', "b", "n"),
    layer("LSTM", ", clip=0.4", "b", "h", "c"),
    layer("LSTM", ', activations=["HardSigmoid","Tanh","LeakyRelu"], '
          "activation_alpha=[0.3, 0.2], activation_beta=[0.4]", "b"),
]  # fmt: skip


@pytest.mark.parametrize("layers", [SIMPLE, GATED, MEMORY], ids=["rnn", "gru", "lstm"])
def test_layers(layers: list[Layer], tmp_path: Path) -> None:
    check_layers(layers, tmp_path)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (', activations=["Tanh"]', "activations tanh"),
        (', direction="sideways"', "direction sideways"),
        (', activations=["Sine","Tanh","Tanh"]', "activations sine"),
    ],
)
def test_refusals(attributes: str, expected: str, tmp_path: Path) -> None:
    path, _ = layer("LSTM", attributes).build(tmp_path)
    with pytest.raises(ModelError) as caught:
        load_onnx(path)
    assert expected in str(caught.value)

"""Train the digits example: a small convolutional network on scikit-learn's handwritten digits.

Writes digits.onnx (float32), calibration.npz (x) and test.npz (x, y) beside this file. Needs the
extra ``train``: ``pip install -e .[train]``, then ``python examples/digits/train.py``.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.files import write_atomic
from edgekit.npz import save_arrays

SEED = 7
TEST, CALIBRATION = 400, 100
FILTERS = (8, 16)
CLASSES = 10
OPSET = 13

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Split:
    """Disjoint samples: images (n, 1, 8, 8) in [0, 1] and labels (n,)."""

    train_x: Array
    train_y: NDArray[np.int64]
    calibration_x: Array
    test_x: Array
    test_y: NDArray[np.int64]


def load_split() -> Split:
    """The data in a fixed random order: test, calibration, training."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    x = (digits.images[order, None] / 16.0).astype(np.float32)
    y = digits.target[order].astype(np.int64)
    end = TEST + CALIBRATION
    return Split(x[end:], y[end:], x[TEST:end], x[:TEST], y[:TEST])


def patches(x: Array) -> Array:
    """3x3 neighbourhoods under a padding of 1: (n, c, h, w) -> (n, h, w, c * 9)."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return np.ascontiguousarray(windows.transpose(0, 2, 3, 1, 4, 5)).reshape(n, h, w, c * 9)


def spread(columns: Array, channels: int) -> Array:
    """The adjoint of `patches`: (n, h, w, c * 9) -> (n, c, h, w)."""
    n, h, w, _ = columns.shape
    parts = columns.reshape(n, h, w, channels, 3, 3)
    padded = np.zeros((n, channels, h + 2, w + 2), np.float32)
    for i in range(3):
        for j in range(3):
            padded[:, :, i : i + h, j : j + w] += parts[..., i, j].transpose(0, 3, 1, 2)
    return padded[:, :, 1:-1, 1:-1]


@dataclass
class Conv:
    """3x3 convolution with padding 1, and ReLU."""

    weights: Array
    bias: Array
    _seen: list[Any] = field(default_factory=list)

    def forward(self, x: Array) -> Array:
        """(n, c, h, w) -> (n, f, h, w)."""
        columns = patches(x)
        y = columns @ self.weights.reshape(len(self.bias), -1).T + self.bias
        self._seen = [columns, y > 0, x.shape[1]]
        return np.ascontiguousarray(np.maximum(y, 0).transpose(0, 3, 1, 2))

    def backward(self, gradient: Array) -> tuple[Array, list[Array]]:
        """Gradient of the input, and of weights and bias."""
        columns, positive, channels = self._seen
        g = gradient.transpose(0, 2, 3, 1) * positive
        flat = g.reshape(-1, g.shape[-1])
        dw = (flat.T @ columns.reshape(len(flat), -1)).reshape(self.weights.shape)
        dx = spread(g @ self.weights.reshape(len(self.bias), -1), channels)
        return dx, [dw, flat.sum(axis=0)]


def pool(x: Array) -> tuple[Array, Array]:
    """2x2 maximum, and which elements were it."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // 2, 2, w // 2, 2)
    top = blocks.max(axis=(3, 5), keepdims=True)
    winners = (blocks == top).astype(np.float32)
    winners /= winners.sum(axis=(3, 5), keepdims=True)
    return top[:, :, :, 0, :, 0], winners


class Network:
    """Conv - Conv - max pool - dense - softmax."""

    def __init__(self, rng: np.random.Generator) -> None:
        def he(*shape: int) -> Array:
            spread_ = np.sqrt(2.0 / np.prod(shape[1:]))
            return rng.normal(0, spread_, shape).astype(np.float32)

        first, second = FILTERS
        self.convs = [
            Conv(he(first, 1, 3, 3), np.zeros(first, np.float32)),
            Conv(he(second, first, 3, 3), np.zeros(second, np.float32)),
        ]
        self.dense = he(CLASSES, second * 16)
        self.bias = np.zeros(CLASSES, np.float32)

    def parameters(self) -> list[Array]:
        """Every trained array; updates happen in place."""
        convs = [p for conv in self.convs for p in (conv.weights, conv.bias)]
        return [*convs, self.dense, self.bias]

    def forward(self, x: Array) -> tuple[Array, Array, Array]:
        """Class probabilities, the dense layer's input, the pool's winners."""
        for conv in self.convs:
            x = conv.forward(x)
        x, winners = pool(x)
        flat = x.reshape(len(x), -1)
        logits = flat @ self.dense.T + self.bias
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True), flat, winners

    def gradients(self, x: Array, y: NDArray[np.int64]) -> list[Array]:
        """Of the mean cross-entropy, in the order of `parameters`."""
        p, flat, winners = self.forward(x)
        g: Array = (p - np.eye(CLASSES, dtype=np.float32)[y]) / np.float32(len(y))
        dense = [g.T @ flat, g.sum(axis=0)]
        n, c, h, _, w, _ = winners.shape
        spread_out = (g @ self.dense).reshape(n, c, h, 1, w, 1) * winners
        back: Array = spread_out.reshape(n, c, 2 * h, 2 * w).astype(np.float32, copy=False)
        found: list[Array] = []
        for conv in reversed(self.convs):
            back, own = conv.backward(back)
            found = [*own, *found]
        return [*found, *dense]

    def accuracy(self, x: Array, y: NDArray[np.int64]) -> float:
        """Share of samples whose most probable class is the label."""
        return float((self.forward(x)[0].argmax(axis=1) == y).mean())


def shifted(x: Array, rng: np.random.Generator) -> Array:
    """Images moved by at most one pixel: what the writer's hand does anyway."""
    down, right = rng.integers(-1, 2, 2)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return padded[:, :, 1 + down : 9 + down, 1 + right : 9 + right]


def train(split: Split, epochs: int = 60, batch: int = 32) -> Network:
    """Adam (Kingma and Ba 2015) with a falling step size."""
    rng = np.random.default_rng(SEED)
    network = Network(rng)
    moments = [(np.zeros_like(p), np.zeros_like(p)) for p in network.parameters()]
    step, steps = 0, epochs * (len(split.train_x) // batch)
    for _ in range(epochs):
        order = rng.permutation(len(split.train_x))
        for i in range(0, len(order) - batch + 1, batch):
            chosen = order[i : i + batch]
            x = shifted(split.train_x[chosen], rng)
            step += 1
            rate = 3e-3 * 0.5 * (1 + np.cos(np.pi * step / steps))
            gradients = network.gradients(x, split.train_y[chosen])
            for p, g, (m, v) in zip(network.parameters(), gradients, moments, strict=True):
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                p -= (rate * m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return network


def to_onnx(network: Network) -> bytes:
    """The network as an ONNX model with a free batch axis."""
    from onnx import TensorProto, checker, helper, numpy_helper

    names = ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc.weight", "fc.bias"]
    weights = [
        numpy_helper.from_array(np.ascontiguousarray(p, np.float32), name)
        for name, p in zip(names, network.parameters(), strict=True)
    ]
    conv = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["image", *names[:2]], ["conv1"], "conv1", **conv),
        helper.make_node("Relu", ["conv1"], ["relu1"], "relu1"),
        helper.make_node("Conv", ["relu1", *names[2:4]], ["conv2"], "conv2", **conv),
        helper.make_node("Relu", ["conv2"], ["relu2"], "relu2"),
        helper.make_node("MaxPool", ["relu2"], ["pool"], "pool", kernel_shape=[2, 2],
                         strides=[2, 2]),
        helper.make_node("Flatten", ["pool"], ["flat"], "flatten"),
        helper.make_node("Gemm", ["flat", *names[4:]], ["logits"], "fc", transB=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], "softmax", axis=1),
    ]  # fmt: skip
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("image", ["n", 1, 8, 8]), ("probabilities", ["n", CLASSES]))
    ]
    graph = helper.make_graph(nodes, "digits", ports[:1], ports[1:], initializer=weights)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8,
        producer_name="edgekit example digits",
    )  # fmt: skip
    checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def main() -> None:
    """Train, report the accuracy on the test set and write the three files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()
    split = load_split()
    network = train(split, options.epochs)
    accuracy = network.accuracy(split.test_x, split.test_y)
    print(f"float accuracy on {len(split.test_y)} test samples: {accuracy:.4f}")
    write_atomic(options.out / "digits.onnx", to_onnx(network))
    save_arrays(options.out / "calibration.npz", {"x": split.calibration_x})
    save_arrays(options.out / "test.npz", {"x": split.test_x, "y": split.test_y})


if __name__ == "__main__":
    main()

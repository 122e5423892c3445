"""The training script of the digits example: gradients are right, and a short run learns."""

from __future__ import annotations

import numpy as np
import pytest

from examples.digits.train import Network, load_split, patches, spread, to_onnx, train
from tests.onnx_models import noise


def test_gradients_agree_with_differences() -> None:
    network = Network(np.random.default_rng(1))
    x, y = np.abs(noise(6, 1, 8, 8, seed=2)), np.arange(6)
    for p, gradient in zip(network.parameters(), network.gradients(x, y), strict=True):
        direction = noise(*p.shape, seed=3)
        step = np.float32(1e-3)  # small: ReLU and the pool have kinks
        losses = []
        for sign in (1, -1):
            p += sign * step * direction
            probabilities = network.forward(x)[0].astype(np.float64)
            losses.append(-np.log(probabilities[np.arange(6), y]).mean())
            p -= sign * step * direction
        slope = (losses[0] - losses[1]) / (2 * float(step))
        assert slope == pytest.approx(float((gradient * direction).sum()), rel=0.06, abs=0.01)


def test_patches_and_their_adjoint() -> None:
    x, c = noise(2, 3, 8, 8, seed=1), noise(2, 8, 8, 27, seed=2)
    assert float((patches(x) * c).sum()) == pytest.approx(float((x * spread(c, 3)).sum()), rel=1e-4)


def test_a_short_run_learns() -> None:
    pytest.importorskip("sklearn", reason="the extra 'train' (scikit-learn) is not installed")
    split = load_split()
    network = train(split, epochs=4)
    assert network.accuracy(split.test_x, split.test_y) > 0.8
    assert to_onnx(network) == to_onnx(network)

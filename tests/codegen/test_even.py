"""The EVEN rounding rule in C: a float product without floating point, near ties above all."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.ir.ops import QDense, QRescale, Rounding
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH, compile_all
from tests.codegen.graphs import int8, single

REACH = 2**24


def near_ties(scale: float, rng: np.random.Generator) -> np.ndarray:
    """Accumulators around those that fall between two outputs, a few beyond every bound."""
    levels = np.arange(-300, 300) + 0.5
    middle = np.rint(levels / np.float64(np.float32(scale)))
    around = (middle[:, None] + np.arange(-2, 3)).ravel()
    far = rng.integers(-(2**31), 2**31, 200)
    found = np.concatenate([around, far])
    return found[np.abs(found * scale) < 2**29].clip(-(2**31) + 1, 2**31 - 1).astype(np.int32)


@pytest.mark.parametrize("tool", BOTH)
def test_accumulators_near_ties(tool: str) -> None:
    # Every accumulator is the bias of an output of its own, the products are zero.
    rng = np.random.default_rng(1)
    chosen = [*(2.0 ** rng.uniform(-21, 0, 24)), 0.5, 0.125, 2.0**-20, 1 / 3, 1 / 255, 3e-7]
    graphs, ties = [], 0
    for scale in map(float, chosen):
        bias = near_ties(scale, rng)
        product = bias.astype(np.float32) * np.float32(scale)
        ties += int((np.abs(product % 1) == 0.5).sum())
        weights = np.zeros((len(bias), 1), np.int8)
        spec = make_requant([scale], Rounding.EVEN, 3)
        graphs.append(single(QDense(spec, 0), [int8(1, 1), weights, bias]))
    assert ties > 1000  # as float products; few of them are exact ones
    for case in compile_all(graphs, tool):
        case.check_samples()


def test_it_differs_from_rounding_once() -> None:
    """Products that lie a little above a tie; float32 makes them ties."""
    scale = float(np.float32(1 / 3))
    acc = np.array([3, 9, 15], np.int64)  # 1, 3 and 5, a little more than that exactly
    spec = make_requant([scale / 2], Rounding.EVEN)
    rescale = single(QRescale(spec, 0), [int8(1, 3)])
    (case,) = compile_all([rescale])
    x = acc.astype(np.int8).reshape(1, 3)
    case.check([x])
    assert case.run([x])[0].ravel().tolist() == [0, 2, 2]

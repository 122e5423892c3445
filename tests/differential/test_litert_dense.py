"""FULLY_CONNECTED of LiteRT: the FLOAT rule, at accumulators chosen beside rounding ties."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.ir.ops import Rounding
from quantize.oracle import run_litert
from quantize.requantize import make_requant, requantize
from tests.differential.litert import run_ours
from tests.tflite_builder import NONE, O, build, const, q8

CHANNELS = 64
OFFSETS = np.stack(np.meshgrid(np.arange(-3, 9), np.arange(-3, 9)), -1).reshape(-1, 2)


def tie_model(
    seed: int, per_channel: bool, powers_of_two: bool
) -> tuple[bytes, NDArray[np.int64], NDArray[np.float64], int]:
    """Biases put each channel's accumulator within a few units of a half-integer result.

    Returns:
        The file, the accumulators of every sample, the real scales, the output's zero point.
    """
    rng = np.random.default_rng(seed)
    s_in, s_out = np.float32(rng.uniform(0.5, 1)), np.float32(rng.uniform(0.5, 1))
    # Down to 1e-7: accumulators near 10**9, where 31 bits of significand no longer suffice.
    s_w = (10.0 ** rng.uniform(-6.9, -3, CHANNELS if per_channel else 1)).astype(np.float32)
    if powers_of_two:
        s_in, s_out = np.float32(0.5), np.float32(0.25)
        s_w = (2.0 ** -rng.integers(2, 14, len(s_w))).astype(np.float32)
    scale = np.broadcast_to(np.float64(s_in) * s_w.astype(np.float64) / np.float64(s_out), CHANNELS)
    levels = rng.integers(-100, 100, CHANNELS) + 0.5
    bias = np.round(levels / scale + rng.integers(-1, 2, CHANNELS)).astype(np.int32)
    weights = rng.integers(-1, 2, (CHANNELS, 2)).astype(np.int8)
    zero = int(rng.integers(-128, 128))
    weight_scales = tuple(float(s) for s in s_w)
    bias_scales = tuple(float(s_in * s) for s in s_w)
    model = build(
        [
            q8("x", (1, 2), float(s_in), 3),
            const("w", weights, scale=weight_scales),
            const("b", bias, scale=bias_scales),
            q8("y", (1, CHANNELS), float(s_out), zero),
        ],
        [
            O(
                "FULLY_CONNECTED",
                (0, 1, 2),
                (3,),
                "FullyConnectedOptions",
                (("fusedActivationFunction", NONE),),
            )
        ],
    )
    acc = bias + (OFFSETS - 3) @ weights.T.astype(np.int64)
    return model, acc, scale, zero


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("powers_of_two", [False, True])
def test_identical_beside_ties(per_channel: bool, powers_of_two: bool) -> None:
    differing = dict.fromkeys(("double", "single", "float32"), 0)
    for seed in range(16):
        model, acc, scale, zero = tie_model(seed, per_channel, powers_of_two)
        x = OFFSETS.astype(np.int8)
        theirs = run_litert(model, [x])[0]
        np.testing.assert_array_equal(run_ours(model, [x])[0], theirs)
        for rule in (Rounding.DOUBLE, Rounding.SINGLE):
            other = requantize(acc, make_requant(list(scale), rule, zero))
            differing[rule.value] += int((other != theirs).sum())
        product = np.float32(acc) * np.float32(scale)
        rounded = np.trunc(product + np.copysign(np.float32(0.5), product)) + zero
        differing["float32"] += int((np.clip(rounded, -128, 127) != theirs).sum())
    # The accumulators tell the rules apart, so the equality above means something.
    assert differing["double"] > 0
    assert differing["single"] > 0
    if not powers_of_two:
        assert differing["float32"] > 0

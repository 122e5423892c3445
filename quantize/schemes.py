"""How numbers become int8: the formulas of the published TFLite int8 scheme.

Activations are asymmetric per tensor over all of int8; weights symmetric per output channel in
[-127, 127]; biases int32 in the scale of the accumulator. Scales are float32 numbers, so that they
survive a round trip through ONNX and TFLite files.
Source: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018; LiteRT's 8-bit quantization specification.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from edgekit.ir import Quant
from quantize.requantize import round_half_away

_SMALLEST_SCALE = float(np.finfo(np.float32).tiny)
_LARGEST_BIAS = 2**30
"""Bound on quantized biases: leaves half of int32 for the products."""


def _float32(scale: float) -> float:
    return max(float(np.float32(scale)), _SMALLEST_SCALE)


def activation_quant(low: float, high: float) -> Quant:
    """Asymmetric int8 quantization of the range [low, high], widened to contain 0.

    Zero is represented exactly, so padding and ReLU cost nothing.
    """
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    if low == high:
        return Quant.per_tensor(1.0, 0)
    scale = _float32((high - low) / 255.0)
    zero = round(-128.0 - low / scale)
    return Quant.per_tensor(scale, min(max(zero, -128), 127))


def weight_quant(weights: NDArray[Any], bias: NDArray[Any] | None, input_scale: float) -> Quant:
    """Symmetric quantization per output channel (axis 0).

    A channel whose bias would not fit int32 (tiny weights, large bias) gets a larger scale.

    Args:
        weights: (out, ...).
        bias: (out,) or None.
        input_scale: scale of the layer's input.
    """
    flat = np.abs(weights.reshape(weights.shape[0], -1).astype(np.float64))
    scale = flat.max(axis=1) / 127.0
    scale[scale == 0.0] = 1.0 / 127.0
    if bias is not None:
        scale = np.maximum(scale, np.abs(bias.astype(np.float64)) / (_LARGEST_BIAS * input_scale))
    scales = tuple(_float32(s) for s in scale)
    return Quant(scales, (0,) * len(scales), 0)


def spread(numbers: tuple[Any, ...], quant: Quant, rank: int) -> NDArray[np.float64]:
    """Scales or zero points shaped to broadcast over a tensor of that rank."""
    shape = [1] * rank
    if quant.axis is not None and rank:
        shape[quant.axis] = len(numbers)
    return np.asarray(numbers, np.float64).reshape(shape)


def quantize_array(
    real: NDArray[Any],
    quant: Quant,
    low: int = -128,
    high: int = 127,
    half_even: bool = True,
    dtype: DTypeLike = np.int8,
) -> NDArray[Any]:
    """Real numbers to integers: ``saturate(round(x / scale) + zero point)`` in float32.

    Ties go to the even neighbour (ONNX), or with ``half_even`` off away from zero (TFLite).
    """
    data = np.asarray(real, np.float32)
    scale = spread(quant.scale, quant, data.ndim).astype(np.float32)
    ratio = data / scale
    q = (np.rint(ratio) if half_even else round_half_away(ratio)) + spread(
        quant.zero_point, quant, data.ndim
    )
    return np.asarray(np.clip(q, low, high), dtype)


def quantize_bias(bias: NDArray[Any], quant: Quant) -> NDArray[np.int32]:
    """Real biases to int32, rounded half to even and saturated."""
    q = np.rint(bias.astype(np.float64) / spread(quant.scale, quant, bias.ndim))
    return np.clip(q, -(2**31), 2**31 - 1).astype(np.int32)


def dequantize_array(q: NDArray[Any], quant: Quant) -> NDArray[np.float32]:
    """Integers to the real numbers they stand for."""
    data = np.asarray(q, np.float64) - spread(quant.zero_point, quant, np.ndim(q))
    return (data * spread(quant.scale, quant, np.ndim(q))).astype(np.float32)

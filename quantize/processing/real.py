"""The numpy definition of audio features in float32, one function for each step of the C.

Every operation is a single float32 operation in a stated order, sums from the first bin to the
last, so that every target gives the same bits (none may fuse a product with a sum).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantize.processing.tables import Bands

Floats = NDArray[np.float32]

LN2_HIGH, LN2_LOW = np.float32(0.693145752), np.float32(1.42860677e-6)
LOG_TERMS = tuple(map(np.float32, (0.242785469, 0.284987986, 0.400009722, 0.666666627)))


def windowed(frames: NDArray[np.int16], window: Floats, length: int) -> Floats:
    """Frames (n, samples) times the window, padded with zeros to (n, length)."""
    padded = np.zeros((len(frames), length), np.float32)
    padded[:, : len(window)] = frames.astype(np.float32) * window
    return padded


def in_order(products: Floats) -> Floats:
    """Sums along the last axis, one element after the other."""
    start = np.zeros((*products.shape[:-1], 1), np.float32)
    return np.asarray(np.cumsum(np.concatenate([start, products], axis=-1), axis=-1)[..., -1])


def band_sums(spectrum: Floats, table: Bands, magnitude: bool) -> Floats:
    """Power or magnitude over each band: (n, bands).

    Args:
        spectrum: (n, bins, 2).
        table: the bands.
        magnitude: sum roots of the bins' power.
    """
    power = spectrum[..., 0] * spectrum[..., 0] + spectrum[..., 1] * spectrum[..., 1]
    bins = np.sqrt(power) if magnitude else power
    ends = np.cumsum(table.count)
    return np.stack(
        [
            in_order(bins[:, s : s + c] * table.weights[e - c : e])
            for s, c, e in zip(table.start, table.count, ends, strict=True)
        ],
        axis=1,
    )


def logarithm(x: Floats) -> Floats:
    """The natural logarithm of positive normal numbers, as ``ek_logf`` computes it."""
    bits = x.view(np.uint32) + np.uint32(0x3F800000 - 0x3F3504F3)
    k = ((bits >> np.uint32(23)).astype(np.int32) - 127).astype(np.float32)
    significand = (bits & np.uint32(0x7FFFFF)) + np.uint32(0x3F3504F3)
    f = significand.view(np.float32) - np.float32(1)
    s = f / (np.float32(2) + f)
    z = s * s
    p = ((LOG_TERMS[0] * z + LOG_TERMS[1]) * z + LOG_TERMS[2]) * z + LOG_TERMS[3]
    half = np.float32(0.5) * f * f
    small = s * (half + z * p) + (k * LN2_LOW + np.float32(0))
    return np.asarray(k * LN2_HIGH - ((half - small) - f))


def transformed(features: Floats, cosines: Floats) -> Floats:
    """Cosine transform of log features (..., bands) to (..., coefficients)."""
    return in_order(features[..., None, :] * cosines)

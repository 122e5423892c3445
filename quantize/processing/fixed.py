"""The numpy definition of audio features in fixed point, one function for each step of the C.

The steps and their constants are those that the TensorFlow audio "microfrontend" publishes, so that
models trained behind it get the features they know; tests compare with its published results.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quantize.processing.tables import (
    BAND_BITS,
    DCT_BITS,
    LOG_BITS,
    LOG_SEGMENT_BITS,
    WINDOW_BITS,
    Bands,
    log_table,
)

Ints = NDArray[np.int64]

SMOOTHING_BITS = 10
NOISE_BITS = 14
SMOOTHING = (409, 983)
"""Weight of the newest frame in the noise estimate, even and odd bands: 0.025 and 0.06 in Q14."""
REMAINING = 819
"""What at least remains of a band: 0.05 in Q14."""
PCAN_STRENGTH, PCAN_OFFSET = 0.95, 80.0
GAIN_BITS, SNR_BITS, PCAN_OUT_BITS = 21, 12, 6
LN2 = 45426
"""In 1/65536."""


def bit_length(x: Ints) -> Ints:
    """Bits that a non-negative integer below 2**53 needs; 0 for 0."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64)


def windowed(
    frames: NDArray[np.int16], window: NDArray[np.int16], length: int
) -> tuple[Ints, Ints]:
    """Frames (n, samples) times the window, shifted up to use all 15 bits, padded with zeros.

    Returns:
        (n, length), and (n,) the shift of each frame.
    """
    soft = (frames.astype(np.int64) * window) >> WINDOW_BITS
    shift = 15 - bit_length(np.minimum(np.abs(soft), 0x7FFF).max(axis=1))
    padded = np.zeros((len(frames), length), np.int64)
    padded[:, : soft.shape[1]] = soft << shift[:, None]
    return padded, shift


def band_roots(spectrum: Ints, table: Bands, shift: Ints) -> Ints:
    """Root of each band's energy, the shift of the frame undone: (n, bands).

    Args:
        spectrum: (n, bins, 2), parts within int16.
        table: the bands.
        shift: of each frame.
    """
    power = (spectrum**2).sum(axis=-1)
    weights = table.weights.astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(table.count.astype(np.int64))])
    energy = np.stack(
        [
            power[:, s : s + c] @ weights[w : w + c]
            for s, c, w in zip(table.start.tolist(), table.count.tolist(), starts, strict=False)
        ],
        axis=1,
    )
    return rounded_root(energy) >> shift[:, None]


def rounded_root(x: Ints) -> Ints:
    """The square root rounded to the nearest integer."""
    whole = np.array([math.isqrt(v) for v in x.ravel().tolist()], np.int64).reshape(x.shape)
    return whole + (x - whole * whole > whole)


def reduce_noise(signal: Ints, estimate: Ints) -> tuple[Ints, Ints]:
    """Subtract a running noise estimate from one frame.

    Args:
        signal: (n, bands).
        estimate: (n, bands) after the frame before, in 1/1024; zeros at first.

    Returns:
        The signal that remains, and the new estimate.
    """
    newest = np.array(SMOOTHING, np.int64)[np.arange(signal.shape[-1]) % 2]
    scaled = signal << SMOOTHING_BITS
    kept = (1 << NOISE_BITS) - newest
    updated = (scaled * newest + estimate * kept) >> NOISE_BITS
    rest = (scaled - np.minimum(updated, scaled)) >> SMOOTHING_BITS
    return np.maximum(rest, (signal * REMAINING) >> NOISE_BITS), updated


def gain_table(input_bits: int) -> NDArray[np.int16]:
    """Gain over the noise estimate: entries for 0 and 1, then three for each power of two.

    The three are a value and two coefficients of the parabola up to the next power.
    """

    def gain(x: int) -> int:
        level = np.float32(x) / np.float32(1 << input_bits) + np.float32(PCAN_OFFSET)
        value: float = (1 << GAIN_BITS) * float(level) ** -PCAN_STRENGTH
        return min(math.floor(value + 0.5), 0x7FFF)

    table = [gain(0), gain(1)]
    for interval in range(2, 33):
        low = 1 << (interval - 1)
        high = 2 * low if interval < 32 else 2 * low - 1
        at_low, at_middle, at_high = gain(low), gain(low + low // 2), gain(high)
        bend = 4 * (at_middle - at_low) - (at_high - at_low)
        table += [at_low, bend, at_high - at_low - bend]
    return np.array(table, np.int16)


def apply_gain(signal: Ints, estimate: Ints, table: NDArray[np.int16], snr_shift: int) -> Ints:
    """Per-channel gain by the noise estimate, then a soft limit (PCAN).

    Source: Y. Wang et al., "Trainable frontend for robust and far-field keyword spotting", 2017.
    """
    wide = table.astype(np.int64)
    interval = bit_length(estimate)
    at = np.maximum(3 * interval - 4, 0)
    down = np.where(interval < 11, 0, interval - 11)
    up = np.where(interval < 11, 11 - interval, 0)
    rest = ((estimate << up) >> down) & 0x3FF
    bent = ((wide[np.minimum(at + 2, len(wide) - 1)] * rest) >> 5) + (wide[at + 1] << 5)
    curve = ((bent * rest + (1 << 14)) >> 15) + wide[at]
    gain = np.where(estimate <= 2, wide[np.minimum(estimate, 2)], curve)
    snr = (signal * gain) >> snr_shift
    small = (snr * snr) >> (2 + 2 * SNR_BITS - PCAN_OUT_BITS)
    large = (snr >> (SNR_BITS - PCAN_OUT_BITS)) - (1 << PCAN_OUT_BITS)
    return np.where(snr < (2 << SNR_BITS), small, large)


def logarithm(signal: Ints, up: int, log_bits: int) -> Ints:
    """``ln(signal * 2**up) * 2**log_bits``, 0 where that is not above 1; at most 65535.

    The binary logarithm comes from a table of 128 segments with straight lines between.
    """
    x = np.maximum(signal << up, 1)
    whole = bit_length(x) - 1
    rest = x - (np.int64(1) << whole)
    rest = np.where(
        whole < LOG_BITS,
        rest << np.maximum(LOG_BITS - whole, 0),
        rest >> np.maximum(whole - LOG_BITS, 0),
    )
    segment = rest >> (LOG_BITS - LOG_SEGMENT_BITS)
    table = log_table().astype(np.int64)
    left, right = table[segment], table[segment + 1]
    inside = rest - (segment << (LOG_BITS - LOG_SEGMENT_BITS))
    log2 = (whole << LOG_BITS) + rest + left + (((right - left) * inside) >> LOG_BITS)
    half = 1 << (LOG_BITS - 1)
    natural = (LN2 * log2 + half) >> LOG_BITS
    scaled = ((natural << log_bits) + half) >> LOG_BITS
    return np.minimum(np.where(x > 1, scaled, 0), 0xFFFF)


def transformed(features: Ints, cosines: NDArray[np.int16]) -> Ints:
    """Cosine transform of log features (n, bands) to (n, coefficients), rounded half up."""
    return np.asarray((features @ cosines.astype(np.int64).T + (1 << (DCT_BITS - 1))) >> DCT_BITS)


def correction_bits(fft_length: int) -> int:
    """The transform divides by its length, a band multiplies by 2**12: what is left of it all."""
    return fft_length.bit_length() - 1 - BAND_BITS // 2


def snr_shift(up: int) -> int:
    """Of the product of signal and gain."""
    return GAIN_BITS - up - SNR_BITS

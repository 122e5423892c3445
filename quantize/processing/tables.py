"""Constants of audio processing, computed once in double precision and emitted as they are.

Sources: S. B. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic
word recognition", IEEE Trans. ASSP 28(4), 1980 (MFCC); the mel scale of the Hidden Markov Model
Toolkit; for the fixed-point tables the published arithmetic of the TensorFlow audio "microfrontend"
(Apache 2.0; its behaviour, not its code).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.processing import AudioInput

Doubles = NDArray[np.float64]

WINDOW_BITS = 12
BAND_BITS = 12
SAMPLE_MAX = 32767
DCT_BITS = 14
LOG_BITS = 16
LOG_SEGMENT_BITS = 7


def window(settings: AudioInput) -> Doubles:
    """The window of one frame."""
    n = settings.window_length
    offset = 0.5 if settings.window == "hann_centred" else 0.0
    cosine = np.cos(2 * np.pi * (np.arange(n) + offset) / n)
    return 0.54 - 0.46 * cosine if settings.window == "hamming" else 0.5 - 0.5 * cosine


def fixed(table: Doubles, bits: int) -> NDArray[np.int16]:
    """Rounded half up to ``bits`` fractional bits."""
    return np.floor(table * (1 << bits) + 0.5).astype(np.int16)


def unit_circle(turns: Doubles) -> Doubles:
    """``exp(-2 pi i turns)`` as (n, 2): real and imaginary parts."""
    angle = -2 * np.pi * turns
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


@dataclass(frozen=True)
class Transform:
    """Constants of a real transform of ``length`` points.

    It is a complex one of half the length over pairs of samples, then a step that takes the halves
    apart.

    Attributes:
        length: real points, a power of two.
        order: where sample pair i goes before the first stage.
        twiddles: (length / 2, 2), ``exp(-2 pi i k / (length / 2))``.
        split: (length / 4, 2), for k = 1 upwards, ``exp(-pi i (k / (length / 2) + 1 / 2))``.
    """

    length: int
    order: NDArray[np.int16]
    twiddles: NDArray[Any]
    split: NDArray[Any]


def radices(half: int) -> tuple[int, ...]:
    """Stages of a complex transform, the innermost first: one of 2 where needed, then fours."""
    bits = half.bit_length() - 1
    return (2,) * (bits % 2) + (4,) * (bits // 2)


def digit_order(half: int) -> NDArray[np.int16]:
    """Place of each complex point before the stages of `radices`."""
    place = np.empty(half, np.int16)
    place[_arranged(np.arange(half))] = np.arange(half)
    return place


def _arranged(index: NDArray[np.int64]) -> NDArray[np.int64]:
    """The points of each remainder together, and so on within them."""
    if len(index) == 1:
        return index
    radix = 4 if len(index) % 4 == 0 else 2
    return np.concatenate([_arranged(index[r::radix]) for r in range(radix)])


def transform(length: int, arithmetic: str) -> Transform:
    """The constants for int16 (``fixed``) or float32 arithmetic."""
    half = length // 2
    twiddles = unit_circle(np.arange(half) / half)
    split = unit_circle((np.arange(1, half // 2 + 1) / half + 0.5) / 2)

    def spell(table: Doubles) -> NDArray[Any]:
        if arithmetic == "float":
            return table.astype(np.float32)
        return np.floor(table * SAMPLE_MAX + 0.5).astype(np.int16)

    return Transform(length, digit_order(half), spell(twiddles), spell(split))


@dataclass(frozen=True)
class Bands:
    """Triangular bands over the bins of a spectrum.

    Attributes:
        start: first bin of each band.
        count: bins of each band.
        weights: of all bands, one after the other.
    """

    start: NDArray[np.int16]
    count: NDArray[np.int16]
    weights: NDArray[Any]


def mel(hertz: Any) -> Any:
    """The mel scale: ``1127 ln(1 + f / 700)``."""
    return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)


def bands(settings: AudioInput) -> Bands:
    """Bands whose slopes are straight in mel; the constant component is left out.

    Raises:
        ValueError: a band has no bin: too many bands for the transform's length.
    """
    low, high = float(mel(settings.lower_hz)), float(mel(settings.upper_hz))
    edges = np.linspace(low, high, settings.mel_bins + 2)
    bins = np.arange(1, settings.fft_length // 2 + 1)
    position = mel(bins * settings.sample_rate_hz / settings.fft_length)
    start: list[int] = []
    count: list[int] = []
    weights: list[Doubles] = []
    for left, centre, right in zip(edges, edges[1:], edges[2:], strict=False):
        rising = (position > left) & (position <= centre)
        falling = (position > centre) & (position <= right)
        slopes = np.where(
            rising, 1 - (centre - position) / (centre - left), (right - position) / (right - centre)
        )
        inside = np.flatnonzero(rising | falling)
        if not len(inside):
            raise ValueError(f"band {len(start)} has no bin of the spectrum")
        start.append(int(bins[inside[0]]))
        count.append(len(inside))
        weights.append(slopes[inside])
    flat = np.concatenate(weights)
    spelled = fixed(flat, BAND_BITS) if settings.arithmetic == "fixed" else flat.astype(np.float32)
    return Bands(np.array(start, np.int16), np.array(count, np.int16), spelled)


def cosines(settings: AudioInput) -> NDArray[Any]:
    """The cosine transform (type II) with the factor ``sqrt(2 / bins)``: (coefficients, bins)."""
    k, n = np.arange(settings.coefficients)[:, None], np.arange(settings.mel_bins)[None]
    table = math.sqrt(2 / settings.mel_bins) * np.cos(np.pi * k * (n + 0.5) / settings.mel_bins)
    if settings.arithmetic == "fixed":
        return fixed(table, DCT_BITS)
    return table.astype(np.float32)


def log_table() -> NDArray[np.int16]:
    """``log2(1 + x) - x`` at x = i / 128, in 1/65536; one entry more than segments."""
    x = np.arange((1 << LOG_SEGMENT_BITS) + 1) / (1 << LOG_SEGMENT_BITS)
    return np.floor((np.log2(1 + x) - x) * (1 << LOG_BITS) + 0.5).astype(np.int16)

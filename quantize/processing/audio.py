"""The numpy definition of audio processing: the steps of `fixed` or `real`, frame by frame."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.artefact import Port
from edgekit.ir import Quant
from edgekit.ir.ops import Rounding
from edgekit.processing import AudioInput
from quantize.processing import fixed, real, tables
from quantize.processing.spectrum import real_transform
from quantize.requantize import make_requant, requantize
from quantize.schemes import quantize_array

Samples = NDArray[np.int16]


def frame_count(port: Port, settings: AudioInput) -> int:
    """Frames that a model's input holds; a rest is not counted."""
    return math.prod(port.shape) // settings.features


def frames_of(raw: Samples, settings: AudioInput, count: int) -> Samples:
    """Frames (n * count, window) of clips (n, samples)."""
    starts = np.arange(count)[:, None] * settings.stride + np.arange(settings.window_length)
    return raw[:, starts].reshape(-1, settings.window_length)


def fixed_features(raw: Samples, settings: AudioInput, count: int) -> NDArray[np.int64]:
    """Features (n, count, features) of clips, in units of 2**-log_bits."""
    window = tables.fixed(tables.window(settings), tables.WINDOW_BITS)
    frames = frames_of(raw, settings, count)
    padded, shift = fixed.windowed(frames, window, settings.fft_length)
    spectrum = real_transform(
        padded.astype(np.int16), tables.transform(settings.fft_length, "fixed")
    )
    signal = fixed.band_roots(spectrum, tables.bands(settings), shift)
    signal = signal.reshape(len(raw), count, settings.mel_bins)
    up = fixed.correction_bits(settings.fft_length)
    if settings.noise_reduction:
        signal = _cleaned(signal, settings, up)
    features = fixed.logarithm(signal, up, settings.log_bits)
    if settings.coefficients:
        features = fixed.transformed(features, tables.cosines(settings))
    return features


def _cleaned(signal: fixed.Ints, settings: AudioInput, up: int) -> fixed.Ints:
    """Noise reduction and gain, which remember the frames before."""
    gains = fixed.gain_table(fixed.SMOOTHING_BITS - up)
    estimate = np.zeros_like(signal[:, 0])
    out = np.empty_like(signal)
    for frame in range(signal.shape[1]):
        rest, estimate = fixed.reduce_noise(signal[:, frame], estimate)
        if settings.pcan:
            rest = fixed.apply_gain(rest, estimate, gains, fixed.snr_shift(up))
        out[:, frame] = rest
    return out


def real_features(raw: Samples, settings: AudioInput, count: int) -> NDArray[np.float32]:
    """Features (n, count, features) of clips, ``feature_scale`` included."""
    frames = frames_of(raw, settings, count)
    padded = real.windowed(frames, real_window(settings), settings.fft_length)
    spectrum = real_transform(padded, tables.transform(settings.fft_length, "float"))
    magnitude = settings.spectrum == "magnitude"
    energy = real.band_sums(spectrum, tables.bands(settings), magnitude)
    features = real.logarithm(energy + np.float32(settings.log_offset))
    if settings.coefficients:
        features = real.transformed(features, tables.cosines(settings))
    return features.reshape(len(raw), count, -1) * np.float32(settings.feature_scale)


def real_window(settings: AudioInput) -> NDArray[np.float32]:
    """The window with the factor of a sample in it."""
    return (tables.window(settings) * settings.sample_scale).astype(np.float32)


def feature_requant(settings: AudioInput, quant: Quant) -> Any:
    """How integer features become the model's int8: half up."""
    return make_requant(
        [settings.feature_scale / quant.scale[0]], Rounding.SINGLE, quant.zero_point[0]
    )


def process_audio(raw: Samples, settings: AudioInput, port: Port) -> NDArray[Any]:
    """Clips to the model's input.

    Args:
        raw: (n, samples).
        settings: how.
        port: the model's input.

    Returns:
        (n, *port.shape[1:]).
    """
    count = frame_count(port, settings)
    shape = (len(raw), *port.shape[1:])
    if settings.arithmetic == "float":
        floats = real_features(raw, settings, count).reshape(shape)
        if port.quant is None:
            return floats
        return quantize_array(floats, port.quant, half_even=port.half_even)
    features = fixed_features(raw, settings, count)
    if port.quant is None:
        floats = features.astype(np.float32) * np.float32(settings.feature_scale)
        return floats.reshape(shape)
    return requantize(features, feature_requant(settings, port.quant)).reshape(shape)

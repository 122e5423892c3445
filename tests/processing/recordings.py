"""Settings of published front ends, and the recordings that they are tried on."""

from __future__ import annotations

import wave
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.processing import AudioInput
from tests.support import material

MICROFRONTEND = AudioInput(  # of TensorFlow Lite Micro's micro_speech example
    sample_rate_hz=16000,
    window_ms=30,
    stride_ms=20,
    fft_length=512,
    mel_bins=40,
    lower_hz=125,
    upper_hz=7500,
    window="hann_centred",
    noise_reduction=True,
    pcan=True,
)
KWS = AudioInput(  # as MLPerf Tiny's training script makes its features
    sample_rate_hz=16000,
    window_ms=40,
    stride_ms=20,
    fft_length=1024,
    mel_bins=40,
    lower_hz=20,
    upper_hz=4000,
    arithmetic="float",
    spectrum="magnitude",
    coefficients=10,
)


def clip(name: str) -> NDArray[Any]:
    """One second of int16 samples at 16 kHz; skips where the material is missing."""
    with wave.open(str(material() / "tflm/data/micro_speech" / f"{name}_1000ms.wav")) as file:
        assert file.getframerate() == 16000
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)

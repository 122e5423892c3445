"""What turns sound into a model's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgekit.processing.settings import STRICT, Checker

Arithmetic = Literal["fixed", "float"]
Window = Literal["hann", "hann_centred", "hamming"]
Spectrum = Literal["power", "magnitude"]
FFT_LENGTHS = tuple(2**n for n in range(6, 12))
FIXED_ONLY = ("noise_reduction", "pcan", "log_bits")
FLOAT_ONLY = ("log_offset", "sample_scale", "spectrum")


@dataclass(frozen=True)
class AudioInput:
    """int16 samples, framed and turned into log-mel features or MFCC for one input of the model.

    The model's input says how many frames there are: ``size / features`` of them. Frame f starts
    at sample ``f * stride``.

    Attributes:
        kind: ``audio``.
        sample_rate_hz: of the samples.
        window_ms: length of a frame, milliseconds.
        stride_ms: from frame to frame, milliseconds.
        fft_length: points of the transform, a power of two; frames are padded with zeros.
        mel_bins: triangular bands, evenly spaced in mel.
        lower_hz: lower edge of the first band.
        upper_hz: upper edge of the last band.
        arithmetic: ``fixed`` for integers alone, ``float`` for float32.
        window: ``hann`` and ``hamming`` are periodic; ``hann_centred`` is sampled half a step on.
        coefficients: of the cosine transform (MFCC); 0 leaves it out (log-mel).
        feature_scale: real value of one unit of a feature, as the model was trained with.
        noise_reduction: fixed: subtract a running noise estimate from each band.
        pcan: fixed: per-channel gain by that estimate; needs ``noise_reduction``.
        log_bits: fixed: a feature is the natural logarithm times 2**log_bits.
        log_offset: float: added to a band before the logarithm.
        sample_scale: float: factor of a sample.
        spectrum: float: bands of the power or of the magnitude; fixed has the root of the bands'
            power.
    """

    __pydantic_config__ = STRICT

    sample_rate_hz: int
    window_ms: float
    stride_ms: float
    fft_length: int
    mel_bins: int
    lower_hz: float
    upper_hz: float
    kind: Literal["audio"] = "audio"
    arithmetic: Arithmetic = "fixed"
    window: Window = "hann"
    coefficients: int = 0
    feature_scale: float = 1.0
    noise_reduction: bool = False
    pcan: bool = False
    log_bits: int = 6
    log_offset: float = 1e-6
    sample_scale: float = 2.0**-15
    spectrum: Spectrum = "power"

    def __post_init__(self) -> None:
        check = Checker(self)
        check.between(1000, 192000, "sample_rate_hz")
        check.between(1, 1000, "window_ms", "stride_ms")
        check.between(1, 128, "mel_bins")
        check.between(0, self.mel_bins, "coefficients")
        check.between(0, 10, "log_bits")
        for key, choices in (
            ("arithmetic", Arithmetic),
            ("window", Window),
            ("spectrum", Spectrum),
        ):
            check.choice(key, choices)
        lengths = ", ".join(map(str, FFT_LENGTHS))
        check.rule(self.fft_length in FFT_LENGTHS, "fft_length", lengths)
        whole = self.window_length <= self.fft_length or self.fft_length not in FFT_LENGTHS
        check.rule(whole, "window_ms", f"up to {self.fft_length} samples, the fft_length")
        nyquist = self.sample_rate_hz / 2
        check.rule(0 <= self.lower_hz < self.upper_hz, "lower_hz", "0 to below upper_hz")
        check.rule(self.upper_hz <= nyquist, "upper_hz", f"up to half the rate, {nyquist:g}")
        check.between(1e-30, 1e30, "feature_scale", "log_offset", "sample_scale")
        check.rule(self.noise_reduction or not self.pcan, "pcan", "false without noise_reduction")
        self._check_idle(check)
        check.done("audio")

    @property
    def unused(self) -> tuple[str, ...]:
        """Keys that the chosen arithmetic does not look at."""
        return FLOAT_ONLY if self.arithmetic == "fixed" else FIXED_ONLY

    def _check_idle(self, check: Checker) -> None:
        """Refuse what would have no effect."""
        other = "float" if self.arithmetic == "fixed" else "fixed"
        for key in self.unused:
            default = getattr(type(self), key)
            hint = f"It has an effect only with arithmetic = '{other}'"
            check.rule(getattr(self, key) == default, key, f"{default!r}", hint)

    @property
    def window_length(self) -> int:
        """Samples of a frame."""
        return round(self.sample_rate_hz * self.window_ms / 1000)

    @property
    def stride(self) -> int:
        """Samples from frame to frame."""
        return round(self.sample_rate_hz * self.stride_ms / 1000)

    @property
    def features(self) -> int:
        """Features of a frame."""
        return self.coefficients or self.mel_bins

    def samples(self, frames: int) -> int:
        """Samples that a number of frames needs."""
        return self.window_length + (frames - 1) * self.stride

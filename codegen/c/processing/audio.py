"""Audio processing as C: one kernel for each step that a frame goes through."""

from __future__ import annotations

import math

from codegen.c.literals import float_literal
from codegen.c.processing.helper import Frames, HelperWriter
from edgekit.artefact import Port
from edgekit.processing import AudioInput
from quantize.processing import fixed, tables
from quantize.processing.audio import feature_requant, frame_count, real_window

ALIGN = 8


def check_audio(writer: HelperWriter, settings: AudioInput) -> None:
    """Note where the model's input does not hold whole frames, or a band would be empty."""
    size, features = math.prod(writer.port.shape), settings.features
    shape = [n for n in writer.port.shape if n != 1]
    frames = [n for n in (size // features, features) if n != 1]
    if size % features or (len(shape) > 1 and shape != frames):
        what = f"the model's input is {list(writer.port.shape)}"
        allowed = f"frames one after the other, each of {features} features"
        writer.refuse(what, allowed)
    if settings.arithmetic == "fixed" and writer.port.quant is not None:
        try:
            feature_requant(settings, writer.port.quant)
        except ValueError as error:
            writer.refuse(f"feature_scale {settings.feature_scale:g}: {error}", "a smaller one")
    try:
        tables.bands(settings)
    except ValueError as error:
        writer.refuse(f"{error}", "bands as wide as a bin", "Use fewer mel_bins or more fft_length")


def audio_samples(port: Port, settings: AudioInput) -> int:
    """Samples of one clip."""
    return settings.samples(frame_count(port, settings))


def emit_audio(writer: HelperWriter, settings: AudioInput) -> None:
    """Write what happens to one frame; the template puts the loop around it."""
    if settings.arithmetic == "fixed":
        emit_fixed(writer, settings)
    else:
        emit_float(writer, settings)
    noise = settings.mel_bins if settings.noise_reduction else 0
    writer.frames = Frames(
        count=frame_count(writer.port, settings),
        window=settings.window_length,
        stride=settings.stride,
        features=settings.features,
        noise=noise,
        noise_offset=writer.scratch_bytes,
    )
    writer.scratch_bytes += -(-4 * noise // ALIGN) * ALIGN


def reserve(writer: HelperWriter, c_type: str, variable: str, count: int) -> str:
    """A variable that points to ``count`` elements of 4 bytes or fewer in the scratch."""
    writer.lines.append(
        f"{c_type} *const {variable} = ({c_type} *)(void *)(scratch + {writer.scratch_bytes});"
    )
    size = count * (2 if c_type == "int16_t" else 4)
    writer.scratch_bytes += -(-size // ALIGN) * ALIGN
    return variable


def emit_fixed(writer: HelperWriter, settings: AudioInput) -> None:
    """The steps of `quantize.processing.fixed`."""
    length, bins, count = settings.fft_length, settings.mel_bins, settings.features
    order, transform = declare_transform(writer, length, "s16")
    window = writer.table(tables.fixed(tables.window(settings), tables.WINDOW_BITS), "window")
    bands, weights = declare_bands(writer, settings)
    points = reserve(writer, "int16_t", "points", length + 2)
    signal = reserve(writer, "uint32_t", "signal", bins)
    features = reserve(writer, "int32_t", "features", bins)
    result = reserve(writer, "int32_t", "result", count) if settings.coefficients else ""
    up = fixed.correction_bits(length)
    sized = (settings.window_length, length, window, order, "raw", points)
    writer.call("ek_window_s16", *sized, result="const int32_t shift")
    writer.call("ek_rfft_s16", transform, points)
    writer.call("ek_bands_s16", bands, weights, "shift", points, signal)
    if settings.noise_reduction:
        writer.call("ek_noise_u32", bins, signal, "noise")
    if settings.pcan:
        gains = writer.table(fixed.gain_table(fixed.SMOOTHING_BITS - up), "gains")
        writer.call("ek_gain_u32", bins, gains, fixed.snr_shift(up), "noise", signal)
    logs = writer.table(tables.log_table(), "logs")
    writer.call("ek_log_u32", bins, up, settings.log_bits, logs, signal, features)
    if settings.coefficients:
        cosines = writer.table(tables.cosines(settings), "cosines")
        writer.call("ek_cosines_s32", bins, count, cosines, features, result)
    _emit_integer_features(writer, settings, result or features)


def emit_float(writer: HelperWriter, settings: AudioInput) -> None:
    """The steps of `quantize.processing.real`."""
    length, bins, count = settings.fft_length, settings.mel_bins, settings.features
    order, transform = declare_transform(writer, length, "f32")
    window = writer.table(real_window(settings), "window")
    bands, weights = declare_bands(writer, settings)
    points = reserve(writer, "float", "points", length + 2)
    features = reserve(writer, "float", "features", bins)
    result = reserve(writer, "float", "result", count) if settings.coefficients else ""
    sized = (settings.window_length, length, window, order, "raw", points)
    writer.call("ek_window_f32", *sized)
    writer.call("ek_rfft_f32", transform, points)
    magnitude = int(settings.spectrum == "magnitude")
    writer.call("ek_bands_f32", bands, weights, magnitude, points, features)
    writer.call("ek_log_bands_f32", bins, float_literal(settings.log_offset), features)
    if settings.coefficients:
        cosines = writer.table(tables.cosines(settings), "cosines")
        writer.call("ek_cosines_f32", bins, count, cosines, features, result)
    _emit_real_features(writer, settings, result or features)


def _emit_real_features(writer: HelperWriter, settings: AudioInput, features: str) -> None:
    port, count = writer.port, settings.features
    scale = float_literal(settings.feature_scale)
    if port.quant is None:
        writer.call("ek_scale_f32", count, scale, features, "out")
        return
    writer.call("ek_scale_f32", count, scale, features, features)
    step, zero = float_literal(port.quant.scale[0]), port.quant.zero_point[0]
    writer.call("ek_quantize_f32", count, step, zero, int(port.half_even), features, "out")


def declare_transform(writer: HelperWriter, length: int, suffix: str) -> tuple[str, str]:
    """The places of sample pairs, and the transform's struct."""
    table = tables.transform(length, "fixed" if suffix == "s16" else "float")
    order = writer.table(table.order, "order")
    pointer = writer.declare(
        f"ek_rfft_{suffix}_table",
        "transform",
        half=length // 2,
        twiddles=writer.table(table.twiddles, "twiddles"),
        split=writer.table(table.split, "split"),
    )
    return order, pointer


def declare_bands(writer: HelperWriter, settings: AudioInput) -> tuple[str, str]:
    """The bands' struct, and their weights."""
    table = tables.bands(settings)
    pointer = writer.declare(
        "ek_bands",
        "bands",
        bands=settings.mel_bins,
        start=writer.table(table.start, "starts"),
        count=writer.table(table.count, "counts"),
    )
    return pointer, writer.table(table.weights, "weights")


def _emit_integer_features(writer: HelperWriter, settings: AudioInput, features: str) -> None:
    port, count = writer.port, settings.features
    if port.quant is None:
        scale = float_literal(settings.feature_scale)
        writer.call("ek_features_f32", count, scale, features, "out")
        return
    step = feature_requant(settings, port.quant)
    constants = (step.multiplier[0], step.shift[0], step.zero_point)
    writer.call("ek_features_s8", count, *constants, features, "out")

"""The numpy definition of image processing: resize in fixed point, recolour, look up.

A resized image is an image of bytes again, so that what follows (mean, scale, quantization) is a
table of 256 entries for each channel: exact by construction, and no float arithmetic on the target.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import DType, Quant
from edgekit.processing import ImageInput
from edgekit.processing.image import channels_of
from quantize.schemes import quantize_array

FRACTION_BITS = 11
"""Of a position between two pixels: a byte times two of them stays within 31 bits."""
ONE = 1 << FRACTION_BITS
LUMA = (77, 150, 29)
"""ITU-R BT.601 weights of red, green and blue in 1/256."""

Bytes = NDArray[np.uint8]


def positions(source: int, size: int, linear: bool) -> NDArray[np.int32]:
    """Where each output position of one axis looks, in 1/2048 of a source position.

    By pixel centres: output i looks at ``(i + 0.5) * source / size - 0.5``.

    Args:
        source: length of the source.
        size: length of the result.
        linear: between two neighbours, the edges repeated; otherwise the nearest one, and of two
            equally near ones the later.
    """
    doubled = (2 * np.arange(size, dtype=np.int64) + 1) * source  # in units of 1 / (2 * size)
    if not linear:
        return (np.minimum(doubled // (2 * size), source - 1) * ONE).astype(np.int32)
    steps = (doubled - size) * ONE  # in units of 1 / (2 * size * ONE)
    return np.clip((steps + size) // (2 * size), 0, (source - 1) * ONE).astype(np.int32)


def resize(image: Bytes, height: int, width: int, linear: bool) -> Bytes:
    """Resize images.

    Args:
        image: (n, rows, columns, channels).
        height, width: of the result.
        linear: bilinear, otherwise nearest.

    Returns:
        (n, height, width, channels), rounded half up.
    """
    wide = image.astype(np.int64)
    rows = _between(wide, positions(image.shape[1], height, linear), 1)
    total = _between(rows, positions(image.shape[2], width, linear), 2)
    half = 1 << (2 * FRACTION_BITS - 1)
    return ((total + half) >> (2 * FRACTION_BITS)).astype(np.uint8)


def _between(image: NDArray[np.int64], at: NDArray[np.int32], axis: int) -> NDArray[np.int64]:
    """Two neighbours along an axis, weighted; 2048 times as large."""
    shape = [1] * image.ndim
    shape[axis] = len(at)
    first, fraction = at >> FRACTION_BITS, (at & (ONE - 1)).astype(np.int64)
    second = first + (fraction > 0)
    weight = fraction.reshape(shape)
    return image.take(first, axis) * (ONE - weight) + image.take(second, axis) * weight


def recolour(image: Bytes, settings: ImageInput) -> Bytes:
    """Channels in the model's order; luma is ``(77 R + 150 G + 29 B + 128) >> 8``."""
    if settings.colour == settings.model_colour:
        return image
    if settings.colour == "gray":
        return np.repeat(image, channels_of(settings.model_colour), axis=-1)
    if settings.model_colour != "gray":
        return np.ascontiguousarray(image[..., ::-1])
    weights = np.array(luma_weights(settings), np.int64)
    return ((image @ weights + 128) >> 8).astype(np.uint8)[..., None]


def luma_weights(settings: ImageInput) -> tuple[int, ...]:
    """`LUMA` in the order of the source's bytes."""
    return LUMA if settings.colour == "rgb" else LUMA[::-1]


def byte_table(
    settings: ImageInput, dtype: DType, quant: Quant | None, half_even: bool
) -> NDArray[Any]:
    """What each byte becomes, one row of 256 for each channel, or one row for all.

    Args:
        settings: mean and scale.
        dtype: of the model's input, int8 or float32.
        quant: of the model's input, where it has one.
        half_even: how ties are rounded, see `edgekit.ir.Binding`.
    """
    rows = max(len(settings.mean), len(settings.scale))
    mean = np.broadcast_to(np.array(settings.mean, np.float32), rows)[:, None]
    scale = np.broadcast_to(np.array(settings.scale, np.float32), rows)[:, None]
    with np.errstate(over="ignore"):  # an infinite number becomes the largest code
        real = (np.arange(256, dtype=np.float32) - mean) * scale
    if dtype is DType.FLOAT32:
        return real
    assert quant is not None
    return quantize_array(real, quant, half_even=half_even)


def process_image(
    raw: Bytes, settings: ImageInput, height: int, width: int, table: NDArray[Any]
) -> NDArray[Any]:
    """Source images to the model's input.

    Args:
        raw: (n, *settings.shape[1:]).
        settings: how.
        height, width: of the model's input.
        table: of `byte_table`.

    Returns:
        (n, height, width, channels) of the table's element type.
    """
    image = raw if settings.layout == "hwc" else raw.transpose(0, 2, 3, 1)
    small = recolour(resize(image, height, width, settings.resize == "bilinear"), settings)
    rows = np.arange(small.shape[-1]) % len(table)
    return table[rows, small]

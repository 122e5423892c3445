"""Sliding windows over NHWC arrays, shared by the float and the integer definitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir.ops import Window

Array = NDArray[Any]


def pad_spatial(x: Array, window: Window, value: float) -> Array:
    """Pad height and width of an NHWC array with a constant."""
    top, left, bottom, right = window.padding
    if not any(window.padding):
        return x
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)


def taps(x: Array, window: Window, kernel: tuple[int, int]) -> Iterator[tuple[int, int, Array]]:
    """For each kernel position (row, column) the view of a padded input that it meets.

    Args:
        x: padded input (n, h, w, c).
        window: strides and dilations.
        kernel: height and width.

    Yields:
        Row and column in the kernel, and a view of shape (n, out_h, out_w, c).
    """
    (sy, sx), (dy, dx) = window.strides, window.dilations
    unpadded = Window(window.strides, (0, 0, 0, 0), window.dilations)
    height, width = unpadded.output((x.shape[1], x.shape[2]), kernel)
    for row in range(kernel[0]):
        for column in range(kernel[1]):
            top, left = row * dy, column * dx
            yield (
                row,
                column,
                x[
                    :,
                    top : top + (height - 1) * sy + 1 : sy,
                    left : left + (width - 1) * sx + 1 : sx,
                ],
            )


def convolve(x: Array, weights: Array, window: Window, groups: int) -> Array:
    """Convolution of a padded NHWC array without bias, in the arrays' own floating type.

    Args:
        x: padded input (n, h, w, c).
        weights: (out, kh, kw, c / groups).
        window: strides and dilations (its padding is not used).
        groups: 1, the number of channels (depthwise), or between.

    Returns:
        (n, out_h, out_w, out).
    """
    channels, outputs = x.shape[3], weights.shape[0]
    if groups == 1:
        return _matrix_product(x, weights, window)
    if groups == channels:
        return _depthwise(x, weights, window)
    width, filters = channels // groups, outputs // groups
    parts = [
        _matrix_product(
            x[..., g * width : (g + 1) * width], weights[g * filters : (g + 1) * filters], window
        )
        for g in range(groups)
    ]
    return np.concatenate(parts, axis=3)


def _matrix_product(x: Array, weights: Array, window: Window) -> Array:
    outputs, height, width, channels = weights.shape
    views = [view for _, _, view in taps(x, window, (height, width))]
    columns = views[0] if len(views) == 1 else np.concatenate(views, axis=3)
    matrix = weights.reshape(outputs, -1).T.astype(x.dtype)
    product = np.ascontiguousarray(columns).reshape(-1, height * width * channels) @ matrix
    return np.asarray(product.reshape(*columns.shape[:3], outputs))


def _depthwise(x: Array, weights: Array, window: Window) -> Array:
    outputs, height, width, _ = weights.shape
    multiplier = outputs // x.shape[3]
    total: Array | None = None
    for row, column, view in taps(x, window, (height, width)):
        source = view if multiplier == 1 else np.repeat(view, multiplier, axis=3)
        part = source * weights[:, row, column, 0].astype(x.dtype)
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None
    return total


def window_counts(shape: tuple[int, ...], window: Window, kernel: tuple[int, int]) -> Array:
    """How many positions of each window lie inside the input: (1, out_h, out_w, 1) int64."""
    inside = pad_spatial(np.ones((1, shape[1], shape[2], 1), np.int64), window, 0)
    return np.asarray(sum(view for _, _, view in taps(inside, window, kernel)))

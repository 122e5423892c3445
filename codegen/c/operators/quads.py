"""How the float32 kernels take a layer: filters by fours, output pixels by fours.

Mirrors ``ek_strip.h``; the scheduler needs the order in which pixels are written, the emitter the
order in which weights are read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import Conv2D, Window

FOUR = 4
"""Filters, channels or pixels that the kernels take at a time."""


def by_fours(filters: NDArray[np.float32], groups: int = 1) -> NDArray[np.float32]:
    """Weights in reading order.

    Args:
        filters: ``(filters, positions)``, those of a group side by side.
        groups: of which each has its own fours.

    Returns:
        For each group four filters at a time, position by position, then the others one by one.
    """
    parts = []
    for group in np.split(filters, groups):
        packed = len(group) // FOUR * FOUR
        fours = group[:packed].reshape(-1, FOUR, group.shape[1])
        parts += [fours.transpose(0, 2, 1).ravel(), group[packed:].ravel()]
    return np.concatenate(parts)


def by_channel(node: Node) -> bool:
    """True for depthwise layers with one filter a channel, which have a kernel of their own."""
    op = node.op
    assert isinstance(op, Conv2D)
    channels = node.input(0).type.shape[3]
    return op.groups == channels == node.output.type.shape[3] > 1 and node.input(1).is_constant


def by_rows(node: Node) -> bool:
    """True for depthwise layers whose rows of outputs are computed channel by channel."""
    op = node.op
    assert isinstance(op, Conv2D)
    kernel, window = node.input(1).type.shape[1:3], op.window
    size, width = node.input(0).type.shape[2], node.output.type.shape[2]
    dense = window.strides[1] == window.dilations[1] == 1 and kernel == (3, 3)
    pad = window.padding[1]
    return by_channel(node) and dense and pad <= 1 and width <= size - 1 + pad


def is_flat(kernel: tuple[int, int], window: Window) -> bool:
    """True where output pixels need nothing but the input pixel of the same place, so that an image
    may be taken as one row."""
    return kernel == (1, 1) and window.strides == (1, 1) and not any(window.padding)


@dataclass(frozen=True)
class Pieces:
    """A row of output pixels: single ones, fours, single ones.

    Attributes:
        left: single pixels at its start.
        fours: how many times four pixels follow.
        width: pixels in all.
    """

    left: int
    fours: int
    width: int

    @property
    def starts(self) -> tuple[int, ...]:
        """First pixel of each piece."""
        end = self.left + FOUR * self.fours
        inner = range(self.left, end, FOUR)
        return (*range(self.left), *inner, *range(end, self.width))


def pieces_of(size: int, width: int, kernel: int, window: Window) -> Pieces:
    """The pieces of each row.

    Args:
        size, width: columns of input and output.
        kernel: columns of the window.
        window: strides, padding and dilations.
    """
    stride, pad, dilation = window.strides[1], window.padding[1], window.dilations[1]
    left = min(-(-pad // stride), width)
    reach = (kernel - 1) * dilation - pad
    end = min(max(0, -(-(size - reach) // stride)), width)
    return Pieces(left, (max(end, left) - left) // FOUR, width)

"""A kernel for depthwise windows as it is written, and what the C around it spends."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.cost import Cost
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D

LANES = (16, 8, 4)
"""Channels of a patch: the most whose patch is small enough, else the fewest."""


@dataclass(frozen=True)
class WindowKernel:
    """What a kernel has to know when it is written.

    Attributes:
        pixels: at once.
        pieces: taps of a kernel row whose weights are in registers together.
        stride: columns from one window to the next.
        dilation: columns from one tap to the next.
        lanes: bytes from one column to the next.
        signed: outputs are rounded twice.
        clamp: the output's range is narrower than int8.
    """

    pixels: int
    pieces: tuple[int, ...]
    stride: int
    dilation: int
    lanes: int
    signed: bool
    clamp: bool

    @property
    def width(self) -> int:
        """Of the windows."""
        return sum(self.pieces)

    @property
    def columns(self) -> int:
        """Of a patch."""
        return (self.pixels - 1) * self.stride + (self.width - 1) * self.dilation + 1

    def meeting(self, piece: int) -> dict[int, list[tuple[int, int]]]:
        """The columns that a piece needs, in order; with each its products, pixel and tap of the
        piece."""
        before = sum(self.pieces[:piece])
        found: dict[int, list[tuple[int, int]]] = {}
        for p, tap in itertools.product(range(self.pixels), range(self.pieces[piece])):
            column = p * self.stride + (before + tap) * self.dilation
            found.setdefault(column, []).append((p, tap))
        return dict(sorted(found.items()))

    @property
    def portable(self) -> str:
        """The portable equal."""
        return "ek_depthwise_patch_signed_s8" if self.signed else "ek_depthwise_patch_s8"

    @property
    def symbol(self) -> str:
        """The function's name in the model."""
        shape = f"{self.pixels}w{'_'.join(map(str, self.pieces))}s{self.stride}d{self.dilation}"
        return f"window_{shape}_{self.lanes}" + "_signed" * self.signed + "_clamp" * self.clamp


@dataclass(frozen=True)
class Copies:
    """What the driver spends, as a compiler makes it.

    Attributes:
        patch, block: for each patch, and for the channels of one that are copied together.
        line: for a row of them inside the input.
        most: for a pixel of 8 or 16 channels on words; ``pixel``: of others, ``word``: more for
            each of their words.
        apart, byte: for a pixel where channels are no multiple of four, and more for each byte;
            whether compilers call memcpy there or not is the mean of both.
        filled: for a word outside the input.
    """

    patch: float
    block: float
    line: float
    most: float
    pixel: float
    word: float
    apart: float
    byte: float
    filled: float

    def cost(self, node: Node, kind: WindowKernel) -> Cost:
        """Instructions for one sample."""
        op, (_, in_h, in_w, channels) = node.op, node.input(0).type.shape
        assert isinstance(op, QConv2D)
        _, height, width, _ = node.output.type.shape
        kernel_h, window = node.input(1).type.shape[1], op.window
        at = np.minimum(np.arange(0, width, kind.pixels), width - kind.pixels)
        columns = _inside(at, window.strides[1], window.padding[1], kind.columns, 1, in_w)
        rows = _inside(
            np.arange(height), window.strides[0], window.padding[0], kernel_h,
            window.dilations[0], in_h,
        ).sum()  # fmt: skip
        lines = height * len(at) * kernel_h
        outside = (lines * kind.columns - rows * columns.sum()) * kind.lanes // 4
        sizes = [min(kind.lanes, channels - c) for c in range(0, channels, kind.lanes)]
        pixel = sum(self._pixel(size, channels % 4 == 0) for size in sizes)
        each_line = len(sizes) * len(at) * rows * self.line
        each_patch = height * len(at) * (self.patch + len(sizes) * self.block)
        return Cost(
            packing=float(each_line + rows * columns.sum() * pixel),
            borders=float(outside * self.filled),
            control=each_patch,
        )

    def _pixel(self, size: int, on_words: bool) -> float:
        if on_words and size in LANES[:2]:
            return self.most
        if on_words:
            return self.pixel + size // 4 * self.word
        return self.apart + size * self.byte


def _inside(
    at: NDArray[np.signedinteger], stride: int, padding: int, taps: int, dilation: int, size: int
) -> NDArray[np.int64]:
    """How many positions of each window lie inside an axis of the input."""
    found = np.add.outer(at * stride - padding, np.arange(taps) * dilation)
    return np.asarray(((found >= 0) & (found < size)).sum(axis=1), np.int64)

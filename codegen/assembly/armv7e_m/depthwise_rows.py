"""Geometry of depthwise layers on Armv7E-M: pairs of columns, bands of rows, scratch and counts."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.assembly.armv7e_m.depthwise_block import WORDS
from codegen.assembly.armv7e_m.depthwise_frame import SLOTS
from codegen.assembly.armv7e_m.depthwise_strided import WORDS as STRIDED_WORDS
from codegen.assembly.cost import Cost
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D
from edgekit.schedule import Overlap
from edgekit.schedule.overlap import ROWS


@dataclass(frozen=True)
class Rows:
    """Geometry of a layer.

    Attributes:
        in_h, in_w, out_h, out_w, channels: its sizes.
        stride: of rows and columns, 1 or 2.
        top, left, bottom, right: rows and columns of padding, each 0 or 1.
    """

    in_h: int
    in_w: int
    out_h: int
    out_w: int
    channels: int
    stride: int
    top: int
    left: int
    bottom: int
    right: int

    @property
    def pairs(self) -> int:
        """Pairs of columns, the last one filled up."""
        return -(-self.in_w // 2)

    @property
    def odd(self) -> int:
        """1 where the last pair is half full."""
        return self.in_w % 2

    @property
    def extra(self) -> int:
        """1 where the padding on the right is a pair of its own."""
        needed = self.right == 1 and not self.odd
        return int(needed and (self.stride == 1 or not self.left))

    @property
    def half(self) -> int:
        """Bytes of one row's outputs of four channels; a full last pair may give one too many."""
        columns = (2 * self.pairs - 2 if self.stride == 1 else self.pairs - 1) + self.left
        return 4 * (columns + self.extra)

    @property
    def band_rows(self) -> int:
        """Output rows that are computed together."""
        return 2 if self.stride == 1 else 1

    @property
    def bands(self) -> int:
        """Bands of output rows; of two, an odd last row is one of its own."""
        return -(-self.out_h // self.band_rows)

    @property
    def quads(self) -> int:
        """Groups of four channels; the last one may repeat some of the one before."""
        return -(-self.channels // 4)

    @property
    def scratch(self) -> int:
        """Bytes of packed columns and collected outputs."""
        words = WORDS if self.stride == 1 else STRIDED_WORDS
        return self.pairs * 16 * words + self.band_rows * self.half

    def refusal(self) -> str:
        """Why the blocks cannot walk over these rows."""
        lost = self.out_h == 1 if self.stride == 1 else self.in_h == 1
        if lost and self.top:
            return "no two rows of the input in the middle"
        return ""

    def overlap(self) -> Overlap:
        """A band is written while all rows that it reads are still needed."""
        in_row, out_row = self.in_w * self.channels, self.out_w * self.channels
        forward, backward = [], []
        for start in range(0, self.out_h, self.band_rows):
            stop = min(start + self.band_rows, self.out_h)
            first = (stop - self.band_rows) * self.stride - self.top
            last = first + self.band_rows + 2
            forward.append(max(first, 0) * in_row - stop * out_row)
            backward.append(min(last, self.in_h) * in_row - start * out_row)
        return Overlap(ROWS, min(forward), max(backward))

    def cost(self) -> Cost:
        """Executed by the block: its parts, counted."""
        fill = Cost(borders=5 + 6 * self.pairs)
        copy = Cost(packing=6 * (self.out_w // 2), control=10)
        if self.stride == 2:
            turns = -(-self.pairs // SLOTS)
            turn = 1 if turns == 1 else 4 * turns + 1
            slot, edge = Cost(products=7, requantize=3), Cost(borders=3, requantize=3)
            stream = slot * self.pairs + edge * self.extra + turn
            stream += Cost(products=4 if self.left else -4)
            packing = Cost(packing=45 * (self.in_w // 2) + 23 * self.odd, control=34)
            quad = packing + 4 * (Cost(packing=7, control=11) + stream) + 6 + copy + 12
            padded = self.top * fill + self.bottom_rows * (fill + 20)
            return 40 + self.out_h * 41 + self.quads * (self.out_h * quad + padded)
        turns = -(-(self.pairs - 1) // SLOTS)
        turn = turns if turns < 2 else 4 * turns + 1
        start = Cost(products=2, control=1)
        start += Cost(products=6, requantize=3) * self.left
        slot = Cost(products=12, requantize=6)
        edge = Cost(products=3, requantize=3, borders=3)
        stream = start + slot * (self.pairs - 1) + turn + edge * self.extra
        packing = Cost(packing=56 * (self.in_w // 2) + 32 * self.odd, control=34)
        quad = packing + 4 * (Cost(packing=15, control=12) + 2 * stream) + 2 * copy + 40
        alone = 4 * (stream - start - 7) + copy + 5  # what a band of one row does not do
        padded = (self.top + self.bottom) * fill
        total = self.bands * quad - self.out_h % 2 * alone + padded
        return 80 + 47 * self.bands + self.quads * total

    @property
    def bottom_rows(self) -> int:
        """1 where the last output row reaches below the input."""
        return int((self.out_h - 1) * self.stride - self.top + 3 > self.in_h)


def rows_of(node: Node) -> Rows:
    """The geometry of a depthwise layer."""
    op = node.op
    assert isinstance(op, QConv2D)
    _, in_h, in_w, channels = node.input(0).type.shape
    _, out_h, out_w, _ = node.output.type.shape
    stride = op.window.strides[0]
    return Rows(in_h, in_w, out_h, out_w, channels, stride, *op.window.padding)

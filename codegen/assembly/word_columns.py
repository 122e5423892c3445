"""Convolutions of int16 activations on instruction sets without dual products: columns of four
pixels, every tap in a word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly import columns
from codegen.assembly.block import Block
from codegen.assembly.columns import PIXELS, TAPS, WORDS_PART, Parts
from codegen.assembly.cost import Cost
from codegen.assembly.isa import Isa
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import attributes
from codegen.c.step import StepWriter
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D


@dataclass(frozen=True)
class WordColumns:
    """The kernel of one instruction set, and what it spends.

    Attributes:
        isa: the instruction set.
        write: makes the kernel; its argument says whether outputs begin at 0.
        portable: its equal.
        together: filters that are computed together, whose bytes come in turn.
        flip: 128 where weights are stored with 128 added.
        packed: it takes multipliers apart, see `columns.packed_multipliers`.
        group_bytes: code of the products of a group of taps, where sums begin inside a loop.
        group: instructions of a group of taps with the filters that are computed together;
            ``filters``: of beginning and ending their sums; ``scale``: of their outputs.
        copy: of a group of taps of one pixel; ``row``: of a row of its window, ``border``: more,
            where there is padding; ``rest``: zeros behind the last tap.
        tile: of four pixels beside what is below; ``call``: of the kernel, ``again``: more for
            each group of taps.
    """

    isa: Isa
    write: Callable[[bool], Block]
    portable: str
    together: int
    flip: int
    packed: bool
    group_bytes: int
    group: float
    filters: int
    scale: int
    copy: int
    row: int
    border: int
    rest: int
    tile: int
    call: int
    again: int = 0

    def refuse(self, node: Node) -> str:
        """Why the function cannot compute a node; empty where it can."""
        few = "fewer filters than are computed together"
        return columns.refuse(node) or few * (node.output.type.shape[3] < self.together)

    def order_of(self, filters: int) -> list[int]:
        """Filters as the function takes them: those that are left come with some before them."""
        whole = list(range(filters - filters % self.together))
        left = range(filters - self.together, filters)
        return whole if len(whole) == filters else [*whole, *left]

    def stream(self, node: Node) -> NDArray[np.int32]:
        """Starts, weights and multipliers of the filters of each block, part by part."""
        op, together = node.op, self.together
        assert isinstance(op, QConv2D)
        order, parts = self.order_of(node.output.type.shape[3]), parts_of(node)
        rows = node.input(1).array[order].reshape(len(order), parts.height, parts.width)
        scales = columns.high_multipliers(node, op.requant)[order]
        scales = columns.packed_multipliers(scales) if self.packed else scales
        found: list[NDArray[np.int32]] = []
        for index, (row, piece) in enumerate(parts.slices):
            taps = rows[:, row, piece].reshape(len(order), -1)
            taps = np.pad(taps, ((0, 0), (0, -taps.shape[1] % TAPS)))
            turned = taps.reshape(-1, together, taps.shape[1]).transpose(0, 2, 1)
            turned = np.ascontiguousarray(turned) ^ np.array(self.flip, np.uint8).astype(np.int8)
            block = [turned.reshape(len(turned), -1).view("<i4")]
            if index == 0:
                starts = node.input(2).array[order].astype(np.int32)
                block.insert(0, starts.reshape(-1, together))
            if index == len(parts.slices) - 1:
                block.append(scales.astype(np.int32).reshape(-1, together))
            found.append(np.concatenate(block, axis=1).ravel())
        return np.concatenate(found).astype(np.int32)

    def scratch(self, node: Node) -> int:
        """Bytes of the copied windows and of the sums that wait."""
        waiting = len(parts_of(node).slices) > 1
        filters = len(self.order_of(node.output.type.shape[3]))
        return columns.column_bytes(node, WORDS_PART) + 4 * PIXELS * filters * waiting

    def emit(self, w: StepWriter) -> None:
        """Write a layer."""
        op, parts, filters = attributes(w, QConv2D), parts_of(w.node), w.node.output.type.shape[3]
        _, height, width, _ = w.node.input(1).type.shape
        window = declare_window(w, (height, width), op.window)
        rest = filters % self.together
        layer = w.declare(
            "ek_conv_columns", "columns",
            weights=w.weights(self.stream(w.node), "weights"), rows=parts.rows, piece=parts.piece,
            filters=filters - rest, again=self.together * (rest > 0),
            group_bytes=self.group_bytes, low=op.requant.low,
        )  # fmt: skip
        kernel = w.function(self.isa, self.write(op.requant.low == 0), self.portable)
        copied, sums = columns.working_memory(w, WORDS_PART)
        with w.each_sample(w.node.input(0), w.node.output) as (x, y):
            w.call("ek_conv_word_columns_s16", window, layer, kernel, x, copied, sums, y)

    def cost(self, node: Node) -> Cost:
        """Executed by one run; what the driver in C spends was measured."""
        op = node.op
        assert isinstance(op, QConv2D)
        parts, filters = parts_of(node), node.output.type.shape[3]
        blocks = len(self.order_of(filters)) // self.together
        calls = 1 + (filters % self.together != 0)
        tile = Cost(control=self.tile, requantize=self.scale * blocks)
        for (rows, piece), groups in zip(parts.slices, parts.groups, strict=True):
            count = rows.stop - rows.start
            rest = count * (piece.stop - piece.start) % TAPS != 0
            filling = self.copy * groups + self.row * count + self.rest * rest
            borders = self.border * count * any(op.window.padding)
            tile += PIXELS * Cost(packing=filling, borders=borders)
            products = Cost(products=self.group * groups, control=self.filters)
            tile += blocks * products + calls * Cost(control=self.call + self.again * groups)
        pixels = node.output.type.size // filters
        return -(-pixels // PIXELS) * tile


def parts_of(node: Node) -> Parts:
    """The division of a convolution's taps."""
    return columns.parts_of(node, WORDS_PART)

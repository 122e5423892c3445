"""3x3 convolutions by Winograd's F(4, 3): half the products, four times the weights.

What all instruction sets share beside `winograd_parts`: the layer, its driver in C, its cost.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.isa import Isa
from codegen.assembly.others import Mask, with_others
from codegen.assembly.refusal import OtherKind
from codegen.assembly.winograd_parts import (
    COLUMNS,
    FILTERS,
    MEMORY,
    ROWS,
    TAPS,
    WIDTH,
    WORD,
    Parts,
    edges,
    stream,
)
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import attributes
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter, Variant
from edgekit.errors import ModelError
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D

Int = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Form:
    """How sums become outputs.

    Attributes:
        tail: number of the form, as the tile function knows it.
        lacking: filters for which it is not right.
        blocks: constants of some blocks, a row of words for each, from the filters of each.
        arguments: others of the tile function, see ``ek_conv_winograd``.
    """

    tail: int
    lacking: Mask
    blocks: Callable[[Int], Int]
    arguments: dict[str, int]


@dataclass(frozen=True)
class Spent:
    """What one of each takes. The driver in C was measured: it is the compiler's.

    Attributes:
        layer, band, tile, part, column: the driver's instructions.
        edge: for columns that reach over an edge.
        rest: for a last block of filters that is not whole.
        less: what a tile saves whose addresses are those of the tile before, moved on.
        enter, word, moved: of the columns function: a call, four channels, a pair that moves on.
        block: of the tile function, from pairs of channels, number of the part, whether it is the
            last; without `outputs`.
        outputs: of a block, by the form.
    """

    layer: int
    band: int
    tile: int
    part: int
    column: int
    edge: int
    rest: int
    less: int
    enter: int
    word: int
    moved: int
    block: Callable[[int, int, bool], Cost]
    outputs: Callable[[int], Cost]


@dataclass(frozen=True, eq=False)
class Winograd:
    """What an instruction set adds.

    Attributes:
        isa: the instruction set.
        columns, columns_kernel: the function that transforms columns, its equal in C.
        tile, tile_kernel: the function that multiplies, its equal in C.
        stack: bytes that it takes.
        slots: bytes in which a block keeps its sums.
        code, unrolled: see ``ek_conv_winograd``.
        form: of a node's requantization.
        spent: instructions.
    """

    isa: Isa
    columns: Callable[[], Block]
    columns_kernel: str
    tile: Callable[[], Block]
    tile_kernel: str
    stack: int
    slots: int
    code: int
    unrolled: int
    form: Callable[[Node], Form]
    spent: Spent

    def parts_of(self, node: Node) -> Parts | None:
        """The cheapest division that fits into scratch; None where none does."""
        _, height, _, filters = node.output.type.shape
        spare = 2 * filters if height % ROWS else 0
        return _cheapest_parts(self, node.input(0).type.shape[3], filters, spare)

    def refuse(self, node: Node) -> str:
        """Why the functions cannot compute a node; empty where they can."""
        reason = self._refuse_shape(node)
        if reason:
            return reason
        try:
            found = self.form(node)
        except ModelError as error:
            return error.summary
        return "no cheap form of its requantization" if found.lacking.any() else ""

    def lacking(self, node: Node) -> Mask | None:
        """Filters without a proven form."""
        return None if self._refuse_shape(node) else self.form(node).lacking

    def _refuse_shape(self, node: Node) -> str:
        op, (_, height, width, _) = node.op, node.input(1).type.shape
        assert isinstance(op, QConv2D)
        if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8} or op.w_zero:
            return OtherKind("not int8 with symmetric weights")
        if op.groups > 1:
            return OtherKind("not for groups")
        if (height, width) != (TAPS, TAPS) or {*op.window.strides, *op.window.dilations} != {1}:
            return OtherKind("not for other windows than 3x3 with stride 1")
        y = node.output.type.shape
        if y[0] > 1:
            return "batches"
        if node.input(0).type.shape[3] % WORD:
            return "channels that are no multiple of 4"
        if y[3] < FILTERS or y[2] < COLUMNS:
            return "few filters or columns"
        return "" if self.parts_of(node) else "more filters than scratch has room for"

    def emit(self, w: StepWriter) -> None:
        """Write a layer."""
        op, parts, form = attributes(w, QConv2D), self._parts(w.node), self.form(w.node)
        window = declare_window(w, (TAPS, TAPS), op.window)
        words = form.blocks(np.array([range(s, s + FILTERS) for s in parts.starts]))
        table = (words & 0xFFFFFFFF).astype(np.uint32).view(np.int32).ravel()
        layer = w.declare(
            "ek_conv_winograd", "winograd",
            weights=w.weights(stream(w.node.input(1).array, parts), "weights"),
            q=w.table(table, "requant"),
            fill=w.filler(np.full(parts.part, op.x_zero, np.int8), "fill"),
            channels=parts.part, blocks=parts.group, slots=self.slots // 4, code=self.code,
            unrolled=self.unrolled, tail=form.tail, **form.arguments,
        )  # fmt: skip
        columns = w.function(self.isa, self.columns(), self.columns_kernel)
        tile = w.function(self.isa, self.tile(), self.tile_kernel)
        x, y = w.read(w.node.input(0)), w.write(w.node.output)
        w.call("ek_conv_winograd_s8", window, layer, columns, tile, x, w.scratch(), y)

    def _parts(self, node: Node) -> Parts:
        parts = self.parts_of(node)
        assert parts is not None  # else refused
        return parts

    def cost(self, node: Node) -> Cost:
        """Executed by one run."""
        parts, spent = self._parts(node), self.spent
        _, height, width, _ = node.output.type.shape
        bands, tiles = -(-height // ROWS), -(-width // COLUMNS)
        # The first tile of a band, and the last one of odd width, transform all columns.
        whole = min(tiles, 1 + width % COLUMNS) if parts.is_whole else tiles
        found = whole * self.tile_cost(parts, True) + (tiles - whole) * self.tile_cost(parts, False)
        outputs = tiles * parts.blocks * spent.outputs(self.form(node).tail)
        border = Cost(borders=spent.edge * edges(node, parts), control=spent.layer)
        return bands * (found + outputs + spent.band) + border

    def tile_cost(self, parts: Parts, whole: bool) -> Cost:
        """A tile without its outputs, all its columns transformed or half of them."""
        spent, columns, found = self.spent, WIDTH if whole else COLUMNS, Cost()
        for group in parts.groups:
            for index, count in enumerate(parts.counts):
                fill = columns * (spent.word * count // WORD + spent.enter)
                fill += spent.moved * count // 2 * (not whole)
                block = spent.block(count // 2, index, index == len(parts.counts) - 1)
                found += Cost(packing=fill, control=spent.part + spent.column * columns)
                found += group * block
        rest = parts.filters % FILTERS > 0
        found += spent.tile + spent.rest * len(parts.counts) * rest
        return found - spent.less * (not whole and not rest)

    def variant(self) -> Variant:
        """Four rows and two columns of outputs, four filters at a time."""
        variant = Variant(
            self.emit,
            lambda node: self._parts(node).nbytes,
            overlap=overlap,
            name="conv winograd",
            refuse=self.refuse,
            cost=self.cost,
            stack=lambda node: self.stack,
            pays_flash=True,
        )
        return with_others(variant, self.lacking, self.isa)


@functools.cache
def _cheapest_parts(kernel: Winograd, channels: int, filters: int, spare: int) -> Parts | None:
    blocks, found = -(-filters // FILTERS), []
    for count in range(1, channels // WORD + 1):
        part = -(-channels // (WORD * count)) * WORD
        for groups in range(1, blocks + 1):
            parts = Parts(channels, filters, part, -(-blocks // groups), kernel.slots + spare)
            if parts.nbytes + kernel.stack <= MEMORY:
                found.append(parts)
                break
    return min(found, key=lambda p: kernel.tile_cost(p, not p.is_whole).total, default=None)


def overlap(node: Node) -> Declared:
    """Bands of four rows, whose outputs are written while others of the band still read."""
    op = node.op
    assert isinstance(op, QConv2D)
    pixels = ROWS * node.output.type.shape[2]
    return by_walk(node, Walk((TAPS, TAPS), op.window, pixels))

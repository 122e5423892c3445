"""What cores without vectors or dual products compute in assembly, and by which functions.

Their packages hold the blocks and their counts; when a kernel can compute a node and what it needs
is the same for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codegen.assembly import columns, dense, matmul, rows, sums, tiles
from codegen.assembly.cost import Cost
from codegen.assembly.flat import flat
from codegen.assembly.listed import ListCost, listed
from codegen.assembly.others import Mask, with_others
from codegen.assembly.tile_cost import TileCost, convolution_cost
from codegen.assembly.windows import WindowCore
from codegen.assembly.word_columns import WordColumns
from codegen.c.operators.overlap import by_element, by_row
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.op import Op
from edgekit.ir.ops import QAdd, QConv2D, QDense, QMatMul

Emit = Callable[[StepWriter], None]
Count = Callable[[Node], Cost]


@dataclass(frozen=True)
class Scalar:
    """The kernels of one instruction set.

    Attributes:
        bits: of the multipliers that its requantization takes.
        emit_sum, emit_dense, emit_dense_words, emit_matmul, emit_tiles, emit_rows: write a step.
        emit_listed_dense, emit_listed_tiles: write it without the weights that are zero.
        sum_element: instructions for an element of a sum.
        dense_cost, dense_words_cost, matmul_cost, row_cost, listed_dense_cost: instructions
            executed by one run of a node.
        word_columns: convolutions of int16.
        tile_cost, listed_tile_cost: what convolutions by tiles spend.
        tile_list: what their lists of weights take.
        tile_frame: bytes of the stack that their function takes.
        windows: depthwise convolutions with any window.
        refuse_rows: why the shape of a depthwise convolution does not suit rows.
    """

    bits: int
    emit_sum: Emit
    emit_dense: Emit
    emit_dense_words: Emit
    emit_matmul: Emit
    emit_tiles: Emit
    emit_rows: Emit
    emit_listed_dense: Emit
    emit_listed_tiles: Emit
    sum_element: Cost
    dense_cost: Count
    dense_words_cost: Count
    matmul_cost: Count
    row_cost: Count
    listed_dense_cost: Count
    word_columns: WordColumns
    tile_cost: TileCost
    listed_tile_cost: TileCost
    tile_list: ListCost
    tile_frame: int
    windows: WindowCore
    refuse_rows: Callable[[Node], str]

    def _sum_cost(self, node: Node) -> Cost:
        return self.sum_element * node.output.type.size

    def variants(self) -> Mapping[type[Op], tuple[Variant, ...]]:
        """What each operator may become, beside portable C."""
        affine = Variant(
            self.emit_sum,
            overlap=by_element,
            name="affine",
            refuse=sums.refuse,
            cost=self._sum_cost,
        )
        products = Variant(
            self.emit_matmul,
            scratch=matmul.scratch,
            name="matmul tiles",
            refuse=lambda node: matmul.refuse(node, self.bits),
            cost=self.matmul_cost,
            stack=lambda node: self.tile_frame,
        )
        by_rows = Variant(
            self.emit_rows,
            overlap=rows.overlap,
            name="rows",
            refuse=lambda node: self.refuse_rows(node) or rows.refuse_form(node, self.bits),
            cost=self.row_cost,
        )
        windows = self.windows
        by_patches = Variant(
            windows.emit,
            scratch=windows.scratch,
            overlap=windows.overlap,
            name="windows",
            refuse=lambda node: windows.refuse(node) or rows.refuse_form(node, self.bits),
            cost=windows.cost,
        )
        by_blocks = *self._by_blocks(), self._words()
        return {
            QAdd: (affine,),
            QDense: by_blocks,
            QMatMul: (products,),
            QConv2D: (
                *self._by_tiles(),
                with_others(by_rows, self._lacking_rows),
                with_others(by_patches, self._lacking_windows),
                self._by_columns(),
                *map(flat, by_blocks),
            ),
        }

    def _words(self) -> Variant:
        """Dense layers of int16."""
        return Variant(
            self.emit_dense_words,
            overlap=by_row,
            name="words",
            refuse=dense.refuse_words,
            cost=self.dense_words_cost,
        )

    def _by_columns(self) -> Variant:
        """Convolutions of int16."""
        return Variant(
            self.word_columns.emit,
            scratch=self.word_columns.scratch,
            overlap=columns.overlap,
            name="columns",
            refuse=self.word_columns.refuse,
            cost=self.word_columns.cost,
        )

    def _by_blocks(self) -> tuple[Variant, ...]:
        """Dense layers, with all weights and with those that are not zero."""
        blocks = Variant(
            self.emit_dense,
            overlap=by_row,
            name="blocks",
            refuse=lambda node: dense.refuse(node, self.bits),
            cost=self.dense_cost,
        )
        both = blocks, listed(blocks, self.emit_listed_dense, self.listed_dense_cost)
        return tuple(with_others(v, lambda node: tiles.without_form(node, self.bits)) for v in both)

    def _by_tiles(self) -> tuple[Variant, ...]:
        """The same of convolutions."""
        by_tiles = Variant(
            self.emit_tiles,
            scratch=tiles.scratch,
            overlap=tiles.overlap,
            name="tiles",
            refuse=lambda node: tiles.refuse(node, self.bits),
            cost=lambda node: convolution_cost(node, self.tile_cost),
            stack=lambda node: self.tile_frame + tiles.SEGMENTS,
        )
        both = by_tiles, listed(by_tiles, self.emit_listed_tiles, self._listed_tiles_cost)
        return tuple(with_others(v, lambda node: tiles.lacking(node, self.bits)) for v in both)

    def _listed_tiles_cost(self, node: Node) -> Cost:
        return convolution_cost(node, self.listed_tile_cost, self.tile_list)

    def _lacking_rows(self, node: Node) -> Mask | None:
        return None if self.refuse_rows(node) else tiles.without_form(node, self.bits)

    def _lacking_windows(self, node: Node) -> Mask | None:
        return None if self.windows.refuse(node) else tiles.without_form(node, self.bits)

"""What cores without vectors or dual products compute in assembly, and by which functions.

Their packages hold the blocks and their counts; when a kernel can compute a node and what it needs
is the same for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codegen.assembly import dense, matmul, rows, sums, tiles
from codegen.assembly.block import Block
from codegen.assembly.dense import DenseCost, DenseKernel
from codegen.assembly.flat import flat
from codegen.assembly.isa import Isa
from codegen.assembly.listed import ListCost, listed
from codegen.assembly.matmul import MatmulCost
from codegen.assembly.others import Mask, with_others
from codegen.assembly.rows import RowCost, RowKernel
from codegen.assembly.sums import SumCost
from codegen.assembly.tile_cost import TileCost, convolution_cost
from codegen.assembly.tiles import TileKernel
from codegen.assembly.windows import WindowCore
from codegen.c.operators.overlap import by_element, by_row
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.op import Op
from edgekit.ir.ops import QAdd, QConv2D, QDense, QMatMul


@dataclass(frozen=True)
class Scalar:
    """The kernels of one instruction set.

    Attributes:
        isa: the instruction set.
        bits: of the multipliers that its requantization takes.
        by_filter: order of the weights of tiles, see `codegen.assembly.tiles.pack`.
        flip, packed: of dense layers, see `codegen.assembly.dense.emit_words`.
        add, dense, tile, row: write the functions.
        sum_cost: what sums spend.
        dense_cost: what dense layers spend.
        tile_cost, listed_tile_cost: what convolutions by tiles spend.
        tile_list: what their lists of weights take.
        tile_frame: bytes of the stack that their function takes.
        matmul_cost: what products by tiles spend.
        row_pixels, row_reach: at once, and bytes that loads reach, see `codegen.assembly.rows`.
        row_cost: what rows spend.
        windows: depthwise convolutions with any window.
        columns: convolutions of int16.
    """

    isa: Isa
    bits: int
    by_filter: bool
    flip: int
    packed: bool
    add: Callable[[bool, int], Block]
    dense: Callable[[DenseKernel], Block]
    tile: Callable[[TileKernel], Block]
    row: Callable[[RowKernel], Block]
    sum_cost: SumCost
    dense_cost: DenseCost
    tile_cost: TileCost
    listed_tile_cost: TileCost
    tile_list: ListCost
    tile_frame: int
    matmul_cost: MatmulCost
    row_pixels: int
    row_reach: int
    row_cost: RowCost
    windows: WindowCore
    columns: Variant

    def variants(self) -> Mapping[type[Op], tuple[Variant, ...]]:
        """What each operator may become, beside portable C."""
        by_blocks = *self._by_blocks(), self._words()
        return {
            QAdd: (self._affine(),),
            QDense: by_blocks,
            QMatMul: (self._products(),),
            QConv2D: (
                *self._by_tiles(),
                self._by_rows(),
                self._by_patches(),
                self.columns,
                *map(flat, by_blocks),
            ),
        }

    def _affine(self) -> Variant:
        """Sums."""
        return Variant(
            lambda w: sums.emit(w, self.isa, self.add),
            overlap=by_element,
            name="affine",
            refuse=sums.refuse,
            cost=self.sum_cost.total,
        )

    def _products(self) -> Variant:
        """Products of matrices."""
        return Variant(
            lambda w: matmul.emit(w, self.isa, self.tile, self.bits, self.by_filter),
            scratch=matmul.scratch,
            name="matmul tiles",
            refuse=lambda node: matmul.refuse(node, self.bits),
            cost=lambda node: matmul.cost(node, self.matmul_cost, self.bits),
            stack=lambda node: self.tile_frame,
        )

    def _by_rows(self) -> Variant:
        """Depthwise convolutions of 3x3."""

        def refuse(node: Node) -> str:
            return rows.refuse(node, self.row_pixels, self.row_reach)

        variant = Variant(
            lambda w: rows.emit(w, self.isa, self.row, self.row_pixels, self.bits),
            overlap=rows.overlap,
            name="rows",
            refuse=lambda node: refuse(node) or rows.refuse_form(node, self.bits),
            cost=lambda node: self.row_cost.total(node, self.row_pixels, self.bits),
        )

        def lacking(node: Node) -> Mask | None:
            return None if refuse(node) else self._lacking(node)

        return with_others(variant, lacking, self.isa)

    def _by_patches(self) -> Variant:
        """Those with other windows."""
        windows = self.windows
        variant = Variant(
            windows.emit,
            scratch=windows.scratch,
            overlap=windows.overlap,
            name="windows",
            refuse=lambda node: windows.refuse(node) or rows.refuse_form(node, self.bits),
            cost=windows.cost,
        )

        def lacking(node: Node) -> Mask | None:
            return None if windows.refuse(node) else self._lacking(node)

        return with_others(variant, lacking, self.isa)

    def _words(self) -> Variant:
        """Dense layers of int16."""
        return Variant(
            lambda w: dense.emit_words(w, self.isa, self.dense, self.flip, self.packed),
            overlap=by_row,
            name="words",
            refuse=dense.refuse_words,
            cost=self.dense_cost.words,
        )

    def _by_blocks(self) -> tuple[Variant, ...]:
        """Dense layers, with all weights and with those that are not zero."""
        blocks = Variant(
            lambda w: dense.emit(w, self.isa, self.dense, self.bits, self.flip),
            overlap=by_row,
            name="blocks",
            refuse=lambda node: dense.refuse(node, self.bits),
            cost=self.dense_cost.blocks,
        )
        lists = listed(
            blocks,
            lambda w: dense.emit_listed(w, self.isa, self.dense, self.bits),
            lambda node: self.dense_cost.listed(node, self.bits),
        )
        return tuple(with_others(v, self._lacking, self.isa) for v in (blocks, lists))

    def _by_tiles(self) -> tuple[Variant, ...]:
        """The same of convolutions."""

        def emit(w: StepWriter, listed: bool = False) -> None:
            tiles.emit(w, self.isa, self.tile, self.bits, self.by_filter, listed)

        by_tiles = Variant(
            emit,
            scratch=tiles.scratch,
            overlap=tiles.overlap,
            name="tiles",
            refuse=lambda node: tiles.refuse(node, self.bits),
            cost=lambda node: convolution_cost(node, self.tile_cost),
            stack=lambda node: self.tile_frame + tiles.SEGMENTS,
        )
        lists = listed(
            by_tiles,
            lambda w: emit(w, listed=True),
            lambda node: convolution_cost(node, self.listed_tile_cost, self.tile_list),
        )

        def lacking(node: Node) -> Mask | None:
            return tiles.lacking(node, self.bits)

        return tuple(with_others(v, lacking, self.isa) for v in (by_tiles, lists))

    def _lacking(self, node: Node) -> Mask:
        return tiles.without_form(node, self.bits)

"""Kernels for Armv7-M (Cortex-M3)."""

from __future__ import annotations

from collections.abc import Mapping

from codegen.assembly import dense as blocks
from codegen.assembly import rows, sums, tiles
from codegen.assembly.armv7_m.add import add
from codegen.assembly.armv7_m.dense import dense
from codegen.assembly.armv7_m.row import PIXELS, row
from codegen.assembly.armv7_m.tile import FRAME, tile
from codegen.assembly.isa import ARMV7_M
from codegen.assembly.tile_cost import TileCost, instructions
from codegen.c.operators.overlap import by_element, by_row
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.op import Op
from edgekit.ir.ops import QAdd, QConv2D, QDense


def emit_tiles(w: StepWriter) -> None:
    tiles.emit(w, ARMV7_M, tile)


TILE_COST = TileCost(
    product=6, tap=8, filter=86, signed=34, call=241, row=288, waiting=14, unpacked=72
)


def emit_rows(w: StepWriter) -> None:
    rows.emit(w, ARMV7_M, row, PIXELS)


def refuse_rows(node: Node) -> str:
    """As `rows.refuse`; a load reaches 4095 bytes."""
    reason = rows.refuse(node)
    if not reason and rows.kernel_of(node, PIXELS).reach > 4095:
        return "three rows of the input are longer than 4 KiB"
    return reason


def row_instructions(node: Node) -> int:
    """Columns, products and requantization of every channel, for all shares of all rows."""
    kind = rows.kernel_of(node, PIXELS)
    _, height, width, channels = node.output.type.shape
    count = node.output.type.shape[0] * height * -(-width // kind.pixels)
    each = 3 * (kind.columns + 3 * kind.pixels + 7) + 6 * kind.pixels + 18
    return count * (channels * each + 40)


def emit_sum(w: StepWriter) -> None:
    sums.emit(w, ARMV7_M, add)


def emit_dense(w: StepWriter) -> None:
    blocks.emit(w, ARMV7_M, dense)


def dense_instructions(node: Node) -> int:
    """Inputs, products and requantization of every block, for all rows."""
    outputs, depth = node.input(1).type.shape
    size = min(blocks.FILTERS, outputs)
    each = depth * (2 * size + 1) + depth // 2 + 11 * size + 20
    return node.output.type.shape[0] * -(-outputs // size) * each


VARIANTS: Mapping[type[Op], tuple[Variant, ...]] = {
    QAdd: (
        Variant(
            emit_sum,
            overlap=by_element,
            name="affine",
            refuse=sums.refuse,
            instructions=lambda node: 8 * node.output.type.size,
        ),
    ),
    QDense: (
        Variant(
            emit_dense,
            overlap=by_row,
            name="blocks",
            refuse=blocks.refuse,
            instructions=dense_instructions,
        ),
    ),
    QConv2D: (
        Variant(
            emit_tiles,
            scratch=tiles.scratch,
            overlap=tiles.overlap,
            name="tiles",
            refuse=tiles.refuse,
            instructions=lambda node: instructions(node, TILE_COST),
            stack=lambda node: FRAME + tiles.SEGMENTS,
        ),
        Variant(
            emit_rows,
            overlap=rows.overlap,
            name="rows",
            refuse=refuse_rows,
            instructions=row_instructions,
        ),
    ),
}
"""What each operator may become, beside portable C."""

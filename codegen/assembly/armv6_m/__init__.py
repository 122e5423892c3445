"""Kernels for Armv6-M (Cortex-M0+)."""

from __future__ import annotations

from collections.abc import Mapping

from codegen.assembly import dense as blocks
from codegen.assembly import rows, sums, tiles
from codegen.assembly.armv6_m.add import add
from codegen.assembly.armv6_m.dense import dense
from codegen.assembly.armv6_m.high_word import BITS
from codegen.assembly.armv6_m.row import PIXELS, row
from codegen.assembly.armv6_m.tile import FRAME, tile
from codegen.assembly.isa import ARMV6_M
from codegen.assembly.tile_cost import TileCost, instructions
from codegen.c.operators.overlap import by_element, by_row
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.op import Op
from edgekit.ir.ops import QAdd, QConv2D, QDense


def emit_tiles(w: StepWriter) -> None:
    tiles.emit(w, ARMV6_M, tile, BITS, by_filter=True)


TILE_COST = TileCost(
    product=10, tap=32, filter=243, signed=46, call=88, row=385, waiting=64, unpacked=70
)


def emit_rows(w: StepWriter) -> None:
    rows.emit(w, ARMV6_M, row, PIXELS, BITS)


def row_instructions(node: Node) -> int:
    """Columns, products and requantization of every channel, for all shares of all rows."""
    kind = rows.kernel_of(node, PIXELS)
    _, height, width, channels = node.output.type.shape
    count = node.output.type.shape[0] * height * -(-width // kind.pixels)
    each = 3 * (kind.columns + 9 * kind.pixels + 18) + 32 * kind.pixels + 40
    return count * (channels * each + 80)


def emit_sum(w: StepWriter) -> None:
    sums.emit(w, ARMV6_M, add)


def emit_dense(w: StepWriter) -> None:
    blocks.emit(w, ARMV6_M, dense, BITS, flip=128)


def dense_instructions(node: Node) -> int:
    """Inputs, products and requantization of every block, for all rows."""
    outputs, depth = node.input(1).type.shape
    size = min(blocks.FILTERS, outputs)
    each = depth * (3 * size + 4) + 40 * size + 40
    return node.output.type.shape[0] * -(-outputs // size) * each


VARIANTS: Mapping[type[Op], tuple[Variant, ...]] = {
    QAdd: (
        Variant(
            emit_sum,
            overlap=by_element,
            name="affine",
            refuse=sums.refuse,
            instructions=lambda node: 15 * node.output.type.size,
        ),
    ),
    QDense: (
        Variant(
            emit_dense,
            overlap=by_row,
            name="blocks",
            refuse=lambda node: blocks.refuse(node, BITS),
            instructions=dense_instructions,
        ),
    ),
    QConv2D: (
        Variant(
            emit_tiles,
            scratch=tiles.scratch,
            overlap=tiles.overlap,
            name="tiles",
            refuse=lambda node: tiles.refuse(node, BITS),
            instructions=lambda node: instructions(node, TILE_COST),
            stack=lambda node: FRAME + tiles.SEGMENTS,
        ),
        Variant(
            emit_rows,
            overlap=rows.overlap,
            name="rows",
            refuse=lambda node: rows.refuse(node, BITS),
            instructions=row_instructions,
        ),
    ),
}
"""What each operator may become, beside portable C."""

"""Kernels for Armv7-M (Cortex-M3)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from codegen.assembly import rows, tiles
from codegen.assembly.armv7_m.row import row
from codegen.assembly.armv7_m.tile import FRAME, tile
from codegen.assembly.isa import ARMV7_M
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.op import Op
from edgekit.ir.ops import QConv2D


def emit_tiles(w: StepWriter) -> None:
    tiles.emit(w, ARMV7_M, tile)


def tile_instructions(node: Node) -> int:
    """Taps, spreading, requantization and the search for windows, of all tiles."""
    split = tiles.split_of(node)
    taps, calls = split.height * split.width, len(split.calls)
    filters = sum(len(f) for f in split.blocks())
    pixels = -(-math.prod(node.output.type.shape[:3]) // tiles.PIXELS)
    return pixels * (filters * (6 * taps + 12 * calls + 25) + 7 * taps + 120 * calls)


def emit_rows(w: StepWriter) -> None:
    rows.emit(w, ARMV7_M, row)


def refuse_rows(node: Node) -> str:
    """As `rows.refuse`; a load reaches 4095 bytes."""
    reason = rows.refuse(node)
    if not reason and rows.kernel_of(node).reach > 4095:
        return "three rows of the input are longer than 4 KiB"
    return reason


def row_instructions(node: Node) -> int:
    """Columns, products and requantization of every channel, for all shares of all rows."""
    kind = rows.kernel_of(node)
    _, height, width, channels = node.output.type.shape
    count = node.output.type.shape[0] * height * -(-width // kind.pixels)
    each = 3 * (kind.columns + 3 * kind.pixels + 7) + 6 * kind.pixels + 18
    return count * (channels * each + 40)


VARIANTS: Mapping[type[Op], tuple[Variant, ...]] = {
    QConv2D: (
        Variant(
            emit_tiles,
            scratch=tiles.scratch,
            overlap=tiles.overlap,
            name="tiles",
            refuse=tiles.refuse,
            instructions=tile_instructions,
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

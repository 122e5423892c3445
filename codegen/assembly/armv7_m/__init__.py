"""Kernels for Armv7-M (Cortex-M3)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from codegen.assembly import tiles
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
    ),
}
"""What each operator may become, beside portable C."""

"""Output rows in parts whose padded input fits into the scratch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from codegen.assembly.mve.patches import Patch, patch_of
from edgekit.ir import Node
from edgekit.ir.ops import Window

SCRATCH = 2048
"""Bytes that a part of a row may take, if it has more than the fewest pixels."""
TILE = 4
"""Pixels of a tile."""


@dataclass(frozen=True, eq=False)
class Part:
    """Neighbouring output pixels of one row that are computed together."""

    start: int
    width: int
    patch: Patch


def part_of(node: Node, kernel: tuple[int, int], window: Window, start: int, width: int) -> Part:
    """Output columns ``[start, start + width)``."""
    return Part(start, width, patch_of(node, kernel, window, start, width))


def parts_of(
    node: Node, kernel: tuple[int, int], window: Window, cost: Callable[[Part], int]
) -> tuple[Part, ...]:
    """A row in parts of whole tiles that fit into the scratch, the last one of at least a tile."""
    whole = node.output.type.shape[2]
    width = whole
    while width > TILE and cost(part_of(node, kernel, window, 1, width)) > SCRATCH:
        width = (width - 1) // TILE * TILE
    starts = list(range(0, whole, width))
    if len(starts) > 1 and whole - starts[-1] < TILE:
        starts[-1:] = [] if width == TILE else [starts[-1] - TILE]
    ends = [*starts[1:], whole]
    found = [part_of(node, kernel, window, a, b - a) for a, b in zip(starts, ends, strict=True)]
    pitch = max(p.patch.pitch for p in found)
    return tuple(replace(p, patch=p.patch.widened(pitch)) for p in found)

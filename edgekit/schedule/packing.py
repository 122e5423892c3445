"""Offsets for blocks with live ranges: greedy first fit in several orders, the best one kept.

Method: "Efficient Memory Management for Deep Neural Net Inference" (Pisarchyk and Lee, 2020),
greedy by size, and the same first fit in order of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """Bytes needed from step ``first`` to step ``last``, both included."""

    nbytes: int
    first: int
    last: int


def pack(blocks: Sequence[Block], align: int) -> tuple[list[int], int]:
    """Offsets so that blocks alive at the same step do not overlap.

    Args:
        blocks: any number, any order.
        align: alignment of every offset in bytes.

    Returns:
        Offset of each block, and the total in bytes (a multiple of ``align``).
    """
    orders = (
        sorted(range(len(blocks)), key=lambda i: (-blocks[i].nbytes, blocks[i].first)),
        sorted(range(len(blocks)), key=lambda i: (blocks[i].first, -blocks[i].nbytes)),
    )
    plans = [_first_fit(blocks, order, align) for order in orders]
    return min(plans, key=lambda plan: plan[1])


def peak_live(blocks: Sequence[Block], align: int) -> int:
    """Largest sum of blocks alive at one step, each rounded up to ``align``."""
    change: dict[int, int] = {}
    for block in blocks:
        size = _round_up(block.nbytes, align)
        change[block.first] = change.get(block.first, 0) + size
        change[block.last + 1] = change.get(block.last + 1, 0) - size
    live = peak = 0
    for step in sorted(change):
        live += change[step]
        peak = max(peak, live)
    return peak


def _first_fit(blocks: Sequence[Block], order: Sequence[int], align: int) -> tuple[list[int], int]:
    offsets = [0] * len(blocks)
    # Placed blocks by step, so that a block is compared only with those alive at the same time.
    placed: dict[int, list[int]] = {}
    total = 0
    for index in order:
        block = blocks[index]
        steps = range(block.first, block.last + 1)
        rivals = {i for step in steps for i in placed.get(step, ())}
        offset = 0
        for other in sorted(rivals, key=lambda i: offsets[i]):
            if offsets[other] - offset >= block.nbytes:
                break
            offset = max(offset, _round_up(offsets[other] + blocks[other].nbytes, align))
        offsets[index] = offset
        total = max(total, _round_up(offset + block.nbytes, align))
        for step in steps:
            placed.setdefault(step, []).append(index)
    return offsets, total


def _round_up(size: int, align: int) -> int:
    return -(-size // align) * align

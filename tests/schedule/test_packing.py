"""Offsets for blocks: tables with the expected peak, and properties of random ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.schedule.deadline import Deadline
from edgekit.schedule.packing import Block, pack

# (bytes, first step, last step), the best total that any placement reaches
TABLE = [
    ("nothing", [], 0),
    ("one", [(10, 0, 3)], 12),
    ("apart in time share bytes", [(16, 0, 1), (16, 2, 3)], 16),
    ("last and first step count", [(16, 0, 1), (16, 1, 2)], 32),
    ("a chain needs its two largest neighbours", [(8, 0, 1), (40, 1, 2), (24, 2, 3)], 64),
    ("the short ones fit below the long one", [(8, 0, 1), (8, 2, 3), (4, 0, 3)], 12),
    ("a diamond", [(16, 0, 2), (8, 1, 3), (8, 2, 4), (16, 3, 5)], 32),
    ("rounded to the alignment", [(1, 0, 1), (1, 0, 1), (3, 0, 1)], 12),
    ("an empty block takes nothing", [(0, 0, 9), (8, 0, 9)], 8),
    ("a skip over three layers", [(64, 0, 4), (16, 0, 1), (32, 1, 2), (16, 2, 3), (8, 3, 4)], 112),
]


@pytest.mark.parametrize(("name", "rows", "best"), TABLE, ids=[row[0] for row in TABLE])
def test_expected_total(name: str, rows: list[tuple[int, int, int]], best: int) -> None:
    blocks = [Block(*row) for row in rows]
    found = pack(blocks, 4)
    assert found.total == best == peak_live(blocks, 4)
    check(blocks, found.offsets, found.total, 4)


def peak_live(blocks: list[Block], align: int) -> int:
    """Largest sum of blocks alive at one step."""
    sizes = [-(-b.nbytes // align) * align for b in blocks]
    steps = range(-1, 40)
    return max(
        sum(n for n, b in zip(sizes, blocks, strict=True) if b.first <= s <= b.last) for s in steps
    )


def test_exact_packing_beats_first_fit() -> None:
    rows = [(16, 4, 4), (8, 0, 0), (4, 0, 3), (12, 3, 5), (8, 3, 4), (24, 1, 1)]
    blocks = [Block(*row) for row in rows]
    assert pack(blocks, 4).total == 40
    found = pack(blocks, 4, bound=peak_live(blocks, 4), deadline=Deadline.after(5))
    check(blocks, found.offsets, found.total, 4)
    assert found.total == found.bound == 36


def check(blocks: list[Block], offsets: list[int], total: int, align: int) -> None:
    """No two blocks that live at the same time overlap; everything is aligned and inside."""
    assert len(offsets) == len(blocks)
    assert total % align == 0
    for block, offset in zip(blocks, offsets, strict=True):
        assert offset >= 0
        assert offset % align == 0
        assert offset + block.nbytes <= total
    for i, a in enumerate(blocks):
        for j in range(i):
            b = blocks[j]
            together = a.first <= b.last and b.first <= a.last
            apart = offsets[i] + a.nbytes <= offsets[j] or offsets[j] + b.nbytes <= offsets[i]
            assert not together or apart


ROWS = st.lists(st.tuples(st.integers(0, 100), st.integers(-1, 20), st.integers(0, 8)), max_size=40)


@given(ROWS, st.sampled_from([1, 4, 16, 64]))
@settings(max_examples=200, deadline=None)
def test_random_blocks(rows: list[tuple[int, int, int]], align: int) -> None:
    blocks = [Block(size, first, first + length) for size, first, length in rows]
    found = pack(blocks, align)
    check(blocks, found.offsets, found.total, align)
    bound = peak_live(blocks, align)
    assert bound <= found.total <= sum(-(-b.nbytes // align) * align for b in blocks)
    assert found == pack(blocks, align)

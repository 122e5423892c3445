"""Exact packing against trying every placement."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.schedule.deadline import Deadline
from edgekit.schedule.exact import Pair, lowest_height
from edgekit.schedule.overlap import Gap
from edgekit.schedule.packing import Block, pack

UNIT = 4


def allowed(offsets: tuple[int, ...], pairs: list[Pair]) -> bool:
    return all(not p.low < offsets[p.target] - offsets[p.source] < p.high for p in pairs)


def smallest(sizes: list[int], pairs: list[Pair]) -> int:
    """The lowest height, by trying every placement in rising order of height."""
    for height in range(max(sizes), sum(sizes) + 1, UNIT):
        places = [range(0, height - s + 1, UNIT) for s in sizes]
        if any(allowed(offsets, pairs) for offsets in itertools.product(*places)):
            return height
    raise AssertionError("all in a row always fit")


@st.composite
def instances(draw: st.DrawFn) -> tuple[list[int], list[Pair]]:
    """Up to four blocks; some pairs are free, some may overlap from one side or from both."""
    count = draw(st.integers(1, 4))
    sizes = [UNIT * draw(st.integers(1, 4)) for _ in range(count)]
    pairs = []
    for i, j in itertools.combinations(range(count), 2):
        low, high = -sizes[j], sizes[i]
        kind = draw(st.sampled_from(["free", "apart", "apart", "forward", "backward", "both"]))
        if kind in ("forward", "both"):
            low += UNIT * draw(st.integers(0, sizes[j] // UNIT))
        if kind in ("backward", "both"):
            high -= UNIT * draw(st.integers(0, sizes[i] // UNIT))
        if kind != "free" and low + 1 < high:
            pairs.append(Pair(i, j, low, high))
    return sizes, pairs


@given(instances())
@settings(max_examples=100, deadline=None)
def test_the_height_is_the_smallest(instance: tuple[list[int], list[Pair]]) -> None:
    sizes, pairs = instance
    best = smallest(sizes, pairs)
    deadline = Deadline.after(60)
    top = sum(sizes) + UNIT
    found, bound = lowest_height(
        sizes, pairs, low=max(sizes), high=top, align=UNIT, deadline=deadline
    )
    assert found is not None
    assert allowed(tuple(found), pairs)
    assert min(found) >= 0
    assert max(o + s for o, s in zip(found, sizes, strict=True)) == best == bound


@given(instances())
@settings(max_examples=50, deadline=None)
def test_nothing_below_the_optimum(instance: tuple[list[int], list[Pair]]) -> None:
    sizes, pairs = instance
    best = smallest(sizes, pairs)
    deadline = Deadline.after(60)
    found, bound = lowest_height(
        sizes, pairs, low=max(sizes), high=best, align=UNIT, deadline=deadline
    )
    assert found is None
    assert bound == best


def test_the_clock_is_kept_and_the_bound_stays_valid() -> None:
    sizes = [4 * n for n in (7, 5, 9, 4, 6, 8, 3, 5, 7, 6, 9, 4)]
    pairs = [Pair(i, j, -sizes[j], sizes[i]) for i, j in itertools.combinations(range(12), 2)]
    start = time.monotonic()
    # twelve blocks that all exclude each other: their sum is the optimum, hard to prove by pairs
    found, bound = lowest_height(
        sizes, pairs, low=max(sizes), high=sum(sizes), align=4, deadline=Deadline.after(0.3)
    )
    assert time.monotonic() - start < 0.6
    assert found is None
    assert bound <= sum(sizes)


@pytest.mark.parametrize(
    ("gap", "best"),
    [
        (Gap(-8, 16), 24),  # no overlap: one after the other
        (Gap(0, 16), 16),  # in place
        (Gap(-4, 16), 20),  # the output starts at least four bytes before its input
        (Gap(-8, 12), 20),  # the kernel walks backward: at least twelve bytes after it
        (Gap(-8, 8), 16),  # it ends where its input does
    ],
)
def test_an_output_over_its_input(gap: Gap, best: int) -> None:
    blocks = [Block(16, 0, 1), Block(8, 1, 2)]
    assert pack(blocks, 4, {(0, 1): (gap,)}, deadline=Deadline.after(1)).total == best


def test_a_chain_that_walks_to_and_fro() -> None:
    """Each result lies at least 4 bytes below or above its input: two places are enough."""
    blocks = [Block(64, i, i + 1) for i in range(6)]
    both = {(i, i + 1): (Gap(-4, 4),) for i in range(5)}
    forward = {(i, i + 1): (Gap(-4, 64),) for i in range(5)}
    assert pack(blocks, 4, both, bound=68, deadline=Deadline.after(5)).total == 68
    assert pack(blocks, 4, forward, bound=68, deadline=Deadline.after(5)).total == 64 + 5 * 4

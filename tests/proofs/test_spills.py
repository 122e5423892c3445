"""Order, placement and spills together move less than half of what Belady's rule moves."""

from __future__ import annotations

from itertools import islice
from statistics import mean

import pytest

from profiles.bench.spilling import KINDS, SHAPES, measure, networks

SECONDS = 4.0
LEAST = 0.5
"""Part of the bytes beyond what is compulsory that is not moved, on average."""
WHOLE = [s for s in SHAPES if s[1] == 1]
TILES = [s for s in SHAPES if s[1] > 1]


@pytest.mark.parametrize("shapes", [WHOLE, TILES], ids=["whole tensors", "tiles"])
def test_half_of_what_belady_moves(shapes: list[tuple[int, int]]) -> None:
    """The first network of each kind and shape, as in docs/benchmarks.md, which has more of them;
    `measure` has the checker replay each plan."""
    saved = {}
    for tasks, parts in shapes:
        for kind in KINDS:
            for graph, capacity in islice(networks(kind, tasks, parts), 1):
                saved[kind, tasks, parts] = measure(graph, capacity, SECONDS).saved
    assert mean(saved.values()) >= LEAST, saved

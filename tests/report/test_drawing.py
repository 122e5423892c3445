"""Geometry of the drawings."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.report.drawing import (
    assign_lanes,
    draw_graph,
    draw_layers,
    draw_timeline,
    op_class,
    stack_parts,
)
from edgekit.report.model import GraphNode
from edgekit.report.placement import Buffer, Schedule
from tests.report.samples import full_report

SPANS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(2, 9)).map(lambda t: (t[0], t[0] + t[1])),
    unique=True,
    max_size=12,
)


@settings(deadline=None)
@given(SPANS)
def test_lines_in_one_lane_never_overlap(spans: list[tuple[int, int]]) -> None:
    lanes = assign_lanes(spans)
    assert set(lanes) == set(spans)
    for x, y in combinations(spans, 2):
        if lanes[x] == lanes[y]:
            rows = set(range(x[0], x[1])) & set(range(y[0], y[1]))
            assert not rows, f"{x} and {y} share lane {lanes[x]}"


def test_graph_has_one_line_per_edge() -> None:
    drawing = draw_graph(full_report().graph)
    assert [r.op for r in drawing.rows] == ["input", "QConv2D", "QConv2D", "QAdd", "QDense"]
    # in-a, a-b, b-sum, sum-fc are neighbours; a-sum skips a row
    assert len(drawing.paths) == 4
    assert len(drawing.skips) == 1


def test_neighbours_without_an_edge_are_not_joined() -> None:
    nodes = (
        GraphNode("a", "Conv2D", ("x",), ("t",), (1,)),
        GraphNode("b", "Conv2D", ("x",), ("u",), (1,)),
    )
    drawing = draw_graph(nodes)
    assert len(drawing.paths) == 1
    assert len(drawing.skips) == 1


def test_timeline_places_blocks_and_finds_the_peak() -> None:
    schedule = full_report().schedule
    assert schedule is not None
    drawing = draw_timeline(schedule, 768)
    assert drawing is not None
    assert drawing.live == (448, 576, 768, 266)
    assert drawing.peak == 2
    assert drawing.arena_x == 100
    block = next(b for b in drawing.blocks if b.buffer.name == "b")
    assert [block.x, block.width] == pytest.approx([33.333, 33.333])
    assert (block.y, block.height) == (drawing.row, 2 * drawing.row)
    assert block.label == schedule.steps[1], "the step that writes it"
    for b in drawing.blocks:
        assert 0 <= b.y < b.y + b.height <= drawing.height, b.buffer.name


def test_timeline_of_a_long_model_stays_bounded() -> None:
    steps = tuple(f"s{i}" for i in range(1000))
    schedule = Schedule(steps, tuple(Buffer(f"b{i}", 0, 8, i, i) for i in range(1000)))
    drawing = draw_timeline(schedule, 8)
    assert drawing is not None
    assert drawing.height <= 5000
    assert not drawing.labels


def test_nothing_to_draw() -> None:
    assert draw_timeline(Schedule((), ()), None) is None
    assert draw_graph(()).rows == ()


def test_largest_layer_fills_its_bar() -> None:
    bars = draw_layers(full_report())
    assert max(b.bar for b in bars) == 100
    assert max(b.macs_bar for b in bars) == 100
    assert bars[0].bar == pytest.approx(100 * 6912 / 9216, abs=0.001)


def test_stack_leaves_unknown_and_empty_parts_out() -> None:
    parts = stack_parts([("a", 30), ("b", None), ("c", 0), ("d", 10)])
    assert [(p.name, p.x, p.width) for p in parts] == [("a", 0, 75), ("d", 75, 25)]


@pytest.mark.parametrize(
    ("op", "family"),
    [
        ("QConv2D", "conv"),
        ("Dense", "dense"),
        ("QAvgPool2D", "pool"),
        ("Add", "elementwise"),
        ("Softmax", "other"),
    ],
)
def test_families(op: str, family: str) -> None:
    assert op_class(op) == family

"""Plans with overlaps: random declarations, every order, and corrupted plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.errors import InternalError, ModelError
from edgekit.ir import Graph, Node
from edgekit.passes.copy_state_outputs import CopyStateOutputs
from edgekit.schedule import Overlap, PlanOptions, Program, plan, verify_program
from edgekit.schedule.deadline import Deadline
from edgekit.schedule.model import MemoryModel, OverlapOf, ScratchOf, build_model
from edgekit.schedule.order import best_order
from profiles.bench.networks import cells, strands
from tests.schedule.graphs import dags, keep, resize, vector
from tests.schedule.test_order import nothing, orders

Declared = dict[str, list[Overlap | None]]
Corruption = Callable[[Program], Program]


@st.composite
def declarations(draw: st.DrawFn, graph: Graph) -> Declared:
    """Any limits that a kernel could have, and none."""
    found: Declared = {}
    for node in graph.nodes:
        size = node.output.type.nbytes
        kind = st.sampled_from(["in-place", "rows"])
        low, high = st.integers(-size, 40), st.integers(-40, 40)
        one = st.none() | st.builds(Overlap, kind, st.none() | low, st.none() | high)
        found[node.name] = draw(st.lists(one, max_size=len(node.inputs)))
    return found


@st.composite
def kernels(draw: st.DrawFn, graph: Graph) -> tuple[ScratchOf, OverlapOf]:
    """Scratch and overlaps that the kernels of a graph declare; its states become outputs."""
    CopyStateOutputs().run(graph)
    declared = draw(declarations(graph))
    scratch = {n.name: draw(st.sampled_from([0, 0, 7, 64])) for n in graph.nodes}
    return (lambda node: scratch[node.name]), (lambda node: declared[node.name])


@given(dags(), st.data())
@settings(max_examples=100, deadline=None)
def test_random_plans_pass_the_checker(graph: Graph, data: st.DataObject) -> None:
    scratch_of, overlap_of = data.draw(kernels(graph))
    try:
        simple = plan(graph, scratch_of)
    except ModelError as error:
        assert "exchange their contents" in str(error)  # noqa: PT017
        return
    program = plan(graph, scratch_of, overlap_of, PlanOptions(seconds=2))
    verify_program(program, overlap_of)
    assert program.certificate.bound_bytes <= program.arena_bytes <= simple.arena_bytes
    assert program.certificate.bound_bytes <= simple.certificate.bound_bytes


def peak_of(model: MemoryModel, order: Sequence[int]) -> int:
    """Largest need of an order, sharing found by trying every distance."""
    last = model.last_uses(order)
    alive = {i for i, t in enumerate(model.tensors) if t.writer is None and last[i] >= 0}
    peak = sum(t.size for t in model.tensors if t.writer is None)
    for position, index in enumerate(order):
        task = model.tasks[index]
        (target,) = task.writes
        size = model.tensors[target].size
        total = sum(model.tensors[i].size for i in alive) + size + task.scratch_size
        overlaps = {i: lap.overlap for lap in task.laps for i in lap.tensors}
        dying = [i for i in task.reads if last[i] == position and i in overlaps]
        assert len(dying) <= 1
        if dying:
            total -= best_sharing(model.tensors[dying[0]].size, size, overlaps[dying[0]])
        peak = max(peak, total)
        alive = {i for i in (*alive, target) if last[i] > position}
    return max(peak, sum(t.size for t in model.tensors if t.kept))


def best_sharing(source: int, target: int, overlap: Overlap) -> int:
    """Most bytes that both cover at a distance that is a multiple of four and allowed."""
    best = 0
    for distance in range(-target, source + 1, 4):
        forward = overlap.forward is not None and distance <= overlap.forward
        backward = overlap.backward is not None and distance >= overlap.backward
        if forward or backward:
            shared = min(source, distance + target) - max(0, distance)
            best = max(best, shared)
    return best


@given(dags(most=6), st.data())
@settings(max_examples=100, deadline=None)
def test_no_order_is_better_with_overlaps(graph: Graph, data: st.DataObject) -> None:
    declared = data.draw(declarations(graph))

    def overlap_of(node: Node) -> Sequence[Overlap | None]:
        return declared[node.name][:1]  # sharing of one result by several inputs is only bounded

    model = build_model(graph, nothing, overlap_of, 4)
    found = best_order(model, Deadline.after(60))
    assert found.peak == found.bound == peak_of(model, found.order)
    assert found.peak == min(peak_of(model, order) for order in orders(model))


def chain() -> Graph:
    """x -> a -> b -> c."""
    graph = Graph("chain")
    value = keep(graph, graph.add_input("x", vector(64)), "a")
    value = resize(graph, value, 48)
    graph.outputs = [keep(graph, value, "c")]
    return graph


LAGS: Declared = {
    "a": [Overlap("in-place", 0)],
    "clip": [Overlap("rows", -8, 12)],
    "c": [Overlap("rows", -8, 12)],
}


def lags(node: Node) -> Sequence[Overlap | None]:
    return LAGS[node.name]


def sound() -> Program:
    return plan(chain(), nothing, lags, PlanOptions())


def test_a_chain_with_lags_is_optimal() -> None:
    program = sound()
    verify_program(program, lags)
    assert program.arena_bytes == program.certificate.bound_bytes == 64
    names = {b.name: b.offset for b in program.buffers}
    assert names["x"] == names["a_out"]
    assert not program.steps[0].backward
    assert program.certificate.levers == ("order", "in-place", "rows")


def moved(program: Program, name: str, distance: int, below: str) -> Program:
    """The program with one buffer at a distance from another."""
    offset = program.location[below].offset + distance
    buffers = {b.name: replace(b, offset=offset) if b.name == name else b for b in program.buffers}
    return replace(
        program,
        buffers=tuple(buffers.values()),
        location={k: buffers[b.name] for k, b in program.location.items()},
        arena_bytes=256,
    )


def walking(program: Program, backward: bool) -> Program:
    steps = tuple(
        replace(s, backward=backward) if s.node.name == "clip" else s for s in program.steps
    )
    return replace(program, steps=steps)


def shifted(program: Program) -> Program:
    """Everything 64 bytes up, so that there is room below."""
    buffers = {b.name: replace(b, offset=b.offset + 64) for b in program.buffers}
    location = {k: buffers[b.name] for k, b in program.location.items()}
    return replace(program, buffers=tuple(buffers.values()), location=location, arena_bytes=256)


CORRUPTIONS: list[tuple[int, bool, str]] = [
    (-4, False, "of -4 B; allowed: up to -8 B walking forward"),
    (8, True, "of 8 B; allowed: at least 12 B walking backward"),
    (-8, True, "of -8 B; allowed: at least 12 B walking backward"),
    (12, False, "of 12 B; allowed: up to -8 B walking forward"),
]


@pytest.mark.parametrize(("distance", "backward", "message"), CORRUPTIONS)
def test_a_wrong_distance_or_walk_is_rejected(distance: int, backward: bool, message: str) -> None:
    program = walking(moved(shifted(sound()), "clip_out", distance, "a_out"), backward)
    with pytest.raises(
        InternalError, match=f"'clip_out' and 'a_out' share bytes at a distance {message}"
    ):
        verify_program(program, lags)


def test_an_overlap_that_nobody_declares_is_rejected() -> None:
    with pytest.raises(InternalError, match="'a_out' and 'x' share bytes"):
        verify_program(sound())


def test_an_input_that_is_needed_again_is_rejected() -> None:
    graph = Graph("again")
    x = graph.add_input("x", vector(64))
    graph.outputs = [keep(graph, x, "a"), keep(graph, x, "c")]
    program = plan(graph, nothing, lags, PlanOptions(("in-place", "rows")))
    verify_program(program, lags)
    wrong = moved(program, "a_out", 0, "x")
    with pytest.raises(InternalError, match="'x': was overwritten by 'a_out' before c reads it"):
        verify_program(wrong, lags)


def test_levers_limit_what_is_used() -> None:
    without = plan(chain(), nothing, lags, PlanOptions(("order", "in-place")))
    verify_program(without, lags)
    assert without.arena_bytes == without.certificate.bound_bytes == 64 + 48
    nothing_allowed = plan(chain(), nothing, lags, PlanOptions(()))
    verify_program(nothing_allowed)
    assert nothing_allowed.arena_bytes == 128


@pytest.mark.parametrize("part", range(2))
def test_branching_networks_gain_at_least_a_tenth(part: int) -> None:
    """500 of them, against first fit by size in the given order."""
    saved = []
    for seed in range(part, 500, 2):
        graph = (cells, strands)[seed // 2 % 2](12 + seed % 20, 2 + seed % 4, seed)
        simple = plan(graph, nothing)
        program = plan(graph, nothing, options=PlanOptions(("order",), 2))
        verify_program(program)
        assert program.arena_bytes <= simple.arena_bytes
        saved.append(1 - program.arena_bytes / simple.arena_bytes)
    assert mean(saved) >= 0.1

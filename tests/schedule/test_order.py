"""The order search against every order, and against the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.ir import Graph, Node
from edgekit.schedule import Overlap, PlanOptions, plan, verify_program
from edgekit.schedule.deadline import Deadline
from edgekit.schedule.model import MemoryModel, build_model
from edgekit.schedule.order import best_order
from profiles.bench.networks import cells, modules, strands
from tests.schedule.graphs import dags, diamond, join, resize, vector

ORDER = PlanOptions(("order",))


def nothing(node: Node) -> int:
    return 0


def apart(node: Node) -> Sequence[Overlap | None]:
    return ()


def orders(model: MemoryModel, done: int = 0) -> Iterator[list[int]]:
    """Every order that respects the dependencies."""
    rest = [i for i in range(len(model.tasks)) if not done >> i & 1]
    if not rest:
        yield []
    for task in rest:
        if not model.tasks[task].needs & ~done:
            for tail in orders(model, done | 1 << task):
                yield [task, *tail]


def peak_of(model: MemoryModel, order: Sequence[int]) -> int:
    """Most bytes alive at one step, from first and last uses; nothing shares bytes."""
    position = {task: i for i, task in enumerate(order)}
    spans = []
    for tensor in model.tensors:
        first = -1 if tensor.writer is None else position[tensor.writer]
        reads = [p for task, p in position.items() if tensor.readers >> task & 1]
        last = len(order) if tensor.kept else max([first, *reads])
        spans.append((tensor.size, first, last))
    spans += [(t.scratch_size, position[i], position[i]) for i, t in enumerate(model.tasks)]
    steps = range(-1, len(order) + 1)
    return max(sum(size for size, first, last in spans if first <= s <= last) for s in steps)


@given(dags(most=7), st.data())
@settings(max_examples=150, deadline=None)
def test_no_order_is_better(graph: Graph, data: st.DataObject) -> None:
    scratch = {n.name: data.draw(st.sampled_from([0, 0, 16]), n.name) for n in graph.nodes}
    model = build_model(graph, lambda node: scratch[node.name], apart, 4)
    found = best_order(model, Deadline.after(60))
    assert sorted(found.order) == list(range(len(model.tasks)))
    assert found.peak == found.bound == peak_of(model, found.order)
    assert found.peak == min(peak_of(model, order) for order in orders(model))


def test_a_better_order_is_found_and_the_given_one_is_kept_where_it_is_best() -> None:
    graph = Graph("two branches")
    x = graph.add_input("x", vector(8))
    wide = [resize(graph, x, 400), resize(graph, x, 400)]
    narrow = [resize(graph, w, 4) for w in wide]
    graph.outputs = [join(graph, narrow)]
    program = plan(graph, nothing, options=ORDER)
    verify_program(program)
    assert program.arena_bytes == program.certificate.bound_bytes == 412
    assert plan(graph, nothing).arena_bytes == 808
    names = [s.node.name for s in plan(diamond(), nothing, options=ORDER).steps]
    assert names == ["a", "b", "join", "y"]


@pytest.mark.parametrize("make", [cells, strands])
@pytest.mark.parametrize(("tasks", "seconds"), [(74, 2), (150, 5), (290, 15)])
def test_narrow_networks_are_proven(make: type[Graph], tasks: int, seconds: float) -> None:
    """Processor time, so that a busy machine does not decide; see docs/benchmarks.md."""
    for width, seed in ((3, 0), (4, 1), (4, 2)):
        model = build_model(make(tasks, width, seed), nothing, apart, 4)  # type: ignore[call-arg, arg-type]
        start = time.process_time()
        found = best_order(model, Deadline.after(10 * seconds))
        assert time.process_time() - start < seconds
        assert found.peak == found.bound == peak_of(model, found.order)
        assert found.peak <= peak_of(model, range(len(model.tasks)))


def test_what_is_not_proven_in_time_has_a_valid_gap() -> None:
    """Far from proven in seconds, and better than given after a quarter of the time."""
    graph = modules(150, 12, 0)
    start = time.process_time()
    program = plan(graph, nothing, options=PlanOptions(("order",), 2.0))
    assert time.process_time() - start < 2.4
    verify_program(program)
    assert 0 < program.certificate.bound_bytes < program.arena_bytes
    assert program.arena_bytes < plan(graph, nothing).arena_bytes
    longer = best_order(build_model(graph, nothing, apart, 4), Deadline.after(6))
    assert program.certificate.bound_bytes <= longer.peak


@given(dags())
@settings(max_examples=60, deadline=None)
def test_never_worse_than_first_fit_in_the_given_order(graph: Graph) -> None:
    model = build_model(graph, nothing, apart, 4)
    found = best_order(model, Deadline.after(5))
    assert found.bound <= found.peak <= peak_of(model, range(len(model.tasks)))

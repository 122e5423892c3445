"""Whole programs: live ranges, aliases, state, scratch; the verifier accepts every plan."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.errors import ModelError
from edgekit.ir import Graph, Node
from edgekit.passes.copy_state_outputs import CopyStateOutputs
from edgekit.schedule import plan, verify_program
from tests.codegen.states import delay_line
from tests.schedule.graphs import dags, diamond, keep, vector


def nothing(node: Node) -> int:
    return 0


def test_a_chain_uses_two_buffers() -> None:
    graph = Graph("chain")
    value = graph.add_input("x", vector(100))
    for _ in range(6):
        value = keep(graph, value)
    graph.outputs = [value]
    program = plan(graph, nothing)
    verify_program(program)
    assert program.arena_bytes == program.certificate.bound_bytes == 200
    assert {b.offset for b in program.buffers} == {0, 100}
    assert program.state_bytes == 0
    assert program.scratch_bytes == 0


def test_live_ranges() -> None:
    program = plan(diamond(), nothing)
    verify_program(program)
    found = {b.name: (b.first, b.last, b.nbytes) for b in program.buffers}
    assert found == {
        "x": (-1, 0, 8),
        "a_out": (0, 2, 8),  # read by b through the reshapes, and by join
        "b_out": (1, 2, 8),
        "join_out": (2, 3, 16),
        "y_out": (3, 4, 16),
    }
    assert [s.node.name for s in program.steps] == ["a", "b", "join", "y"]
    (a,) = (b for b in program.buffers if b.name == "a_out")
    assert len(a.aliases) == 2
    assert all(program.location[name] is a for name in a.aliases)


def test_scratch_lives_in_its_step_only() -> None:
    program = plan(diamond(), lambda node: {"b": 40, "y": 4}.get(node.name, 0))
    verify_program(program)
    sizes = {s.node.name: s.scratch.nbytes for s in program.steps if s.scratch}
    assert sizes == {"b": 40, "y": 4}
    assert program.scratch_bytes == 40
    b = program.steps[1]
    assert b.scratch is not None
    assert b.scratch.first == b.scratch.last == 1
    assert program.arena_bytes == 8 + 8 + 40  # a, b and the scratch; x is free by then


def test_unread_outputs_still_need_room() -> None:
    graph = Graph("loose")
    x = graph.add_input("x", vector(8))
    keep(graph, x, "loose")
    graph.outputs = [keep(graph, x)]
    verify_program(plan(graph, nothing))


def test_states_have_their_own_region() -> None:
    graph = delay_line(3)
    program = plan(graph, nothing)
    verify_program(program)
    kept = [b for b in program.buffers if b.region == "state"]
    assert [(b.name, b.offset) for b in kept] == [("s0", 0), ("s1", 4), ("s2", 8)]
    assert program.state_bytes == 12
    assert [m.state for m in program.moves] == ["s2", "s1", "s0"]


def test_constant_outputs_are_refused_by_name() -> None:
    graph = Graph("constant")
    x = graph.add_input("x", vector(4))
    fixed = graph.constant(np.zeros((1, 4), np.int8), "fixed")
    graph.outputs = [keep(graph, x), fixed]
    with pytest.raises(ModelError, match="output 'fixed': is a constant"):
        plan(graph, nothing)


def test_the_order_of_nodes_is_the_order_of_steps() -> None:
    graph = diamond()
    first, second = plan(graph, nothing), plan(graph.copy(), nothing)
    assert [s.node.name for s in first.steps] == [s.node.name for s in second.steps]
    assert [b.offset for b in first.buffers] == [b.offset for b in second.buffers]


@given(dags(), st.data())
@settings(max_examples=150, deadline=None)
def test_random_graphs(graph: Graph, data: st.DataObject) -> None:
    CopyStateOutputs().run(graph)
    sizes = {n.name: data.draw(st.sampled_from([0, 0, 7, 64]), n.name) for n in graph.nodes}
    try:
        program = plan(graph, lambda node: sizes[node.name])
    except ModelError as error:
        assert "exchange their contents" in str(error)  # noqa: PT017
        return
    verify_program(program)
    assert program.certificate.bound_bytes <= program.arena_bytes
    assert program.arena_bytes % program.align == 0
    largest = max(b.nbytes for b in program.buffers if b.region == "arena")
    assert program.arena_bytes >= largest

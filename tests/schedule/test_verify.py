"""The verifier rejects every kind of corruption, and names both tensors."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgekit.errors import InternalError
from edgekit.ir import Graph, Node
from edgekit.schedule import Buffer, Program, Step, plan, verify_program
from tests.codegen.states import accumulator, delay_line
from tests.schedule.graphs import diamond, keep, vector


def sound() -> Program:
    """The diamond, with scratch in step ``b``."""
    return plan(diamond(), lambda node: 16 if node.name == "b" else 0)


def edit(program: Program, name: str, **changes: int) -> Program:
    """The program with one buffer changed, wherever it is mentioned."""
    old = next(b for b in program.buffers if b.name == name)
    new = replace(old, **changes)  # type: ignore[arg-type]
    return replace(
        program,
        buffers=tuple(new if b is old else b for b in program.buffers),
        location={k: new if b is old else b for k, b in program.location.items()},
    )


def offset_of(program: Program, name: str) -> int:
    return program.location[name].offset


def edit_scratch(program: Program, **changes: int) -> Program:
    steps = tuple(
        replace(s, scratch=replace(s.scratch, **changes)) if s.scratch else s  # type: ignore[arg-type]
        for s in program.steps
    )
    return replace(program, steps=steps)


def output_over_its_input(program: Program) -> Program:
    return edit(program, "b_out", offset=offset_of(program, "a_out"))


def live_tensor_overwritten(program: Program) -> Program:
    # b_out is written while a_out is still needed by join; they overlap by a part only.
    return edit(program, "b_out", offset=offset_of(program, "a_out") + 4)


def scratch_over_an_input(program: Program) -> Program:
    return edit_scratch(program, offset=offset_of(program, "a_out"))


def scratch_over_the_output(program: Program) -> Program:
    return edit_scratch(program, offset=offset_of(program, "b_out"))


def outside(program: Program) -> Program:
    return edit(program, "y_out", offset=program.arena_bytes - 8)


def negative(program: Program) -> Program:
    return edit(program, "y_out", offset=-4)


def scratch_outside(program: Program) -> Program:
    return edit_scratch(program, offset=program.arena_bytes)


def misaligned(program: Program) -> Program:
    return edit(program, "x", offset=offset_of(program, "x") + 2)


def too_small(program: Program) -> Program:
    return edit(program, "join_out", nbytes=15)


def alias_elsewhere(program: Program) -> Program:
    name = program.location["a_out"].aliases[-1]
    return replace(program, location={**program.location, name: program.location["x"]})


def missing_step(program: Program) -> Program:
    return replace(program, steps=program.steps[:-1])


def renumbered(program: Program, steps: Sequence[Step]) -> Program:
    return replace(program, steps=tuple(replace(s, index=i) for i, s in enumerate(steps)))


def reordered(program: Program) -> Program:
    a, b, join, y = program.steps
    return renumbered(program, [a, join, b, y])


def order_without_numbers(program: Program) -> Program:
    return replace(program, steps=(*program.steps[:2], *program.steps[:1:-1]))


def duplicated(program: Program) -> Program:
    return renumbered(program, [*program.steps[:2], *program.steps[1:]])


def extra_step(program: Program) -> Program:
    stranger = diamond().nodes[0]
    return renumbered(program, [*program.steps, Step(0, stranger)])


def skipped_step(program: Program) -> Program:
    return renumbered(program, [program.steps[0], *program.steps[2:]])


CORRUPTIONS: list[tuple[Callable[[Program], Program], str]] = [
    (output_over_its_input, "'b_out' and '.*' share bytes"),
    (live_tensor_overwritten, "'a_out': was overwritten by 'b_out' before join reads it"),
    (scratch_over_an_input, "was overwritten by 'scratch of b' before b reads it"),
    (scratch_over_the_output, "'b_out' and 'scratch of b' share bytes"),
    (outside, r"y_out: lies at \d+\+16, outside \d+ B"),
    (negative, r"y_out: lies at -4\+16, outside"),
    (scratch_outside, "scratch of b: lies at"),
    (misaligned, r"x: offset \d+ is misaligned"),
    (too_small, "join_out: needs 16 B"),
    (alias_elsewhere, "'.*' and 'a_out' share bytes"),
    (missing_step, "y: has no step"),
    (skipped_step, "'b_out': was never written before join reads it"),
    (reordered, "'b_out': was never written before join reads it"),
    (order_without_numbers, "y: step 2 calls itself 3"),
    (duplicated, "b: has two steps"),
    (extra_step, "a: has two steps, or is not in the graph"),
]


def test_a_sound_program_passes() -> None:
    verify_program(sound())


@pytest.mark.parametrize(
    ("corrupt", "message"), CORRUPTIONS, ids=lambda c: getattr(c, "__name__", "")
)
def test_corruption_is_found(corrupt: Callable[[Program], Program], message: str) -> None:
    with pytest.raises(InternalError, match=message):
        verify_program(corrupt(sound()))


def test_everything_is_reported_at_once() -> None:
    with pytest.raises(InternalError, match="the memory plan is wrong") as caught:
        verify_program(scratch_outside(misaligned(too_small(sound()))))
    assert len(caught.value.problems) >= 3


def two_inputs() -> Program:
    graph = Graph("two")
    a, b = graph.add_input("a", vector(8)), graph.add_input("b", vector(8))
    graph.outputs = [keep(graph, a, "p"), keep(graph, b, "q")]
    return plan(graph, lambda node: 0)


def test_an_input_over_an_input() -> None:
    program = two_inputs()
    with pytest.raises(InternalError, match="'a': was overwritten by 'b' before p reads it"):
        verify_program(edit(program, "b", offset=offset_of(program, "a")))


def test_an_output_overwritten_before_the_caller_reads_it() -> None:
    program = two_inputs()
    where = "'p_out': was overwritten by 'q_out' before the caller reads it"
    with pytest.raises(InternalError, match=where):
        verify_program(edit(program, "q_out", offset=offset_of(program, "p_out")))


def test_states_that_overlap() -> None:
    program = plan(delay_line(2), lambda node: 0)
    with pytest.raises(InternalError, match="was overwritten by 's1'"):
        verify_program(edit(program, "s1", offset=0))


def test_moves_in_the_wrong_order() -> None:
    program = plan(delay_line(3), lambda node: 0)
    verify_program(program)
    wrong = replace(program, moves=program.moves[::-1])
    with pytest.raises(InternalError, match="'s0': was overwritten by 'the next content of s0'"):
        verify_program(wrong)


def test_a_missing_and_a_wrong_move() -> None:
    program = plan(accumulator(3), lambda node: 0)
    verify_program(program)
    with pytest.raises(InternalError, match="state 'state': is never updated"):
        verify_program(replace(program, moves=()))
    stray = replace(program.moves[0], update="x")
    with pytest.raises(InternalError, match="'x': is moved to 'state', which does not take"):
        verify_program(replace(program, moves=(stray,)))
    home = replace(program.moves[0], home=program.location["x"])
    with pytest.raises(InternalError, match="'y': is moved to 'state', which does not take"):
        verify_program(replace(program, moves=(home,)))


def test_an_output_in_the_state_region() -> None:
    graph = accumulator(3)
    graph.outputs = [graph.states[0].state]
    graph.set_state_update(graph.states[0].state, graph.states[0].state)
    with pytest.raises(InternalError, match="'state': is an output outside the arena"):
        verify_program(plan(graph, lambda node: 0))


@given(st.integers(0, 10**6), st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_two_tensors_in_one_place_never_pass(first: int, second: int) -> None:
    """Any two buffers that live together, put on the same bytes."""

    def scratch(node: Node) -> int:
        return 0

    program = plan(diamond(), scratch)
    a = program.buffers[first % len(program.buffers)]
    b = program.buffers[second % len(program.buffers)]
    assume(a is not b)
    assume(a.first <= b.last and b.first <= a.last)
    assume(min(a.nbytes, b.nbytes) > 0)
    moved = edit(program, a.name, offset=b.offset)
    larger = replace(moved, arena_bytes=max(_end(x) for x in moved.buffers))
    with pytest.raises(InternalError, match=r"share bytes|was overwritten") as caught:
        verify_program(larger)
    said = [str(p) for p in caught.value.problems]
    pairs = list(itertools.product((a.name, *a.aliases), (b.name, *b.aliases)))
    assert any(f"'{x}'" in text and f"'{y}'" in text for text in said for x, y in pairs)


def _end(buffer: Buffer) -> int:
    return -(-(buffer.offset + buffer.nbytes) // 4) * 4


def test_the_verifier_shares_nothing_with_the_planner() -> None:
    """Wrong live ranges do not matter to it: it looks at reads and writes."""
    program = sound()
    lies = tuple(replace(b, first=0, last=0) for b in program.buffers)
    by_name = {b.name: b for b in lies}
    location = {k: by_name[b.name] for k, b in program.location.items()}
    verify_program(replace(program, buffers=lies, location=location))
    assert np.all([b.first == 0 for b in lies])

"""Stages in strips: the same numbers as the whole layers, in the reference and in C, and plans
that the verifier accepts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.c.choice import PORTABLE
from edgekit.ir import DType, Graph, TensorType, verify
from edgekit.ir.ops import Concat, QMaxPool2D, Window
from edgekit.options import ALL_LEVERS
from edgekit.schedule import PlanOptions, Program, plan, verify_program
from edgekit.schedule.rolling import Carry
from edgekit.schedule.rows import refusal
from edgekit.schedule.strips import Stage, in_strips
from quantize.reference import evaluate
from tests.codegen.batch import compile_all, samples
from tests.schedule.images import network

CARRIES: tuple[Carry, ...] = ("keep", "move", "again")


def runs(graph: Graph) -> Iterator[tuple[str, ...]]:
    """Names of every longest run of nodes that work row by row."""
    names: list[str] = []
    for node in graph.nodes:
        if not refusal(node):
            names.append(node.name)
        elif names:
            yield tuple(names)
            names = []
    if names:
        yield tuple(names)


def split(graph: Graph, strips: int, carry: Carry) -> Graph | None:
    """The graph with every such run in strips; None where there is none."""
    stages = [Stage(names, strips, carry) for names in runs(graph)]
    return in_strips(graph, stages) if stages else None


def tight(graph: Graph) -> Program:
    """Every lever, views included."""
    program = plan(graph, PORTABLE.scratch_bytes, PORTABLE.overlaps, PlanOptions(ALL_LEVERS, 0.3))
    verify_program(program, PORTABLE.overlaps)
    return program


@given(st.integers(0, 10**6), st.integers(2, 9), st.sampled_from(CARRIES), st.booleans())
@settings(max_examples=60, deadline=None)
def test_strips_compute_the_same(seed: int, strips: int, carry: Carry, real: bool) -> None:
    graph = network(seed, 2 + seed % 7, real)
    found = split(graph, strips, carry)
    if found is None:
        return
    verify(found, "in_strips")
    x = samples(np.random.default_rng(seed), graph.inputs[0].type, 2)
    wanted, got = (list(evaluate(g, {"x": x}).values()) for g in (graph, found))
    for a, b in zip(wanted, got, strict=True):
        # numpy sums float32 products in an order that depends on how many rows there are
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * np.abs(a).max() if real else 0)
    if carry != "again":
        assert found.macs() <= graph.macs()  # rows that no stride reaches are left out
    program = tight(found)
    assert program.certificate.bound_bytes <= program.arena_bytes


@pytest.mark.parametrize("real", [False, True], ids=["int8", "float32"])
def test_the_c_code_of_strips(real: bool) -> None:
    wanted = []
    for seed in range(24):
        graph = network(seed, 5, real)
        found = split(graph, 2 + seed % 5, CARRIES[seed % 3])
        if found is not None:
            wanted.append(found)
    assert len(wanted) >= 20
    for compiled in compile_all(wanted, planner=tight):
        compiled.check_samples()


def test_joined_strips_move_no_bytes() -> None:
    """Where rows start at aligned addresses; only the lever that moves rows has steps for it."""
    graph = Graph("pools")
    value = graph.add_input("x", TensorType((1, 12, 4, 4), DType.INT8))
    for _ in range(3):
        pool = QMaxPool2D((3, 3), Window(padding=(1, 1, 1, 1)))
        value = graph.add_node(pool, [value], value.type).output
    graph.outputs = [value]
    expected: tuple[tuple[Carry, set[str]], ...] = (
        ("keep", {"QMaxPool2D"}),
        ("move", {"QMaxPool2D", "Slice"}),
    )
    for carry, steps in expected:
        found = split(graph, 4, carry)
        assert found is not None
        assert any(isinstance(n.op, Concat) for n in found.nodes)
        assert {s.node.op.name for s in tight(found).steps} == steps


def test_what_does_not_work_by_rows_is_refused_by_name() -> None:
    graph = network(1)
    flat = graph.nodes[-1].output
    node = graph.add_node(Concat(3), [flat, flat], flat.type, name="twice")
    with pytest.raises(ValueError, match="'twice' cannot be split: Concat does not work row by"):
        in_strips(graph, [Stage((node.name,), 2, "keep")])

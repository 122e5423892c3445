"""Graphs whose only interest is who lives how long."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from edgekit.ir import DType, Graph, TensorType, Value
from edgekit.ir.ops import Clip, Concat, Reshape


def vector(size: int) -> TensorType:
    """An int8 row."""
    return TensorType((1, size), DType.INT8)


def join(graph: Graph, values: Sequence[Value], name: str = "", size: int = 0) -> Value:
    """A node that reads several values; with a size of its own only the planner can use it."""
    size = size or sum(v.type.size for v in values)
    return graph.add_node(Concat(1), list(values), vector(size), name=name).output


def keep(graph: Graph, value: Value, name: str = "") -> Value:
    """A node that reads one value."""
    return graph.add_node(Clip(), [value], value.type, name=name).output


def resize(graph: Graph, value: Value, size: int) -> Value:
    """A node whose result has another size (nothing that the planner looks at says what it is)."""
    return graph.add_node(Clip(), [value], vector(size)).output


def alias(graph: Graph, value: Value) -> Value:
    """The same bytes under another name."""
    shape = (1, 1, value.type.size)
    return graph.add_node(Reshape(shape), [value], TensorType(shape, DType.INT8)).output


def diamond() -> Graph:
    """x -> a -> b -> join(b, a) -> y, with a reshape between."""
    graph = Graph("diamond")
    x = graph.add_input("x", vector(8))
    a = keep(graph, x, "a")
    flat = graph.add_node(Reshape((1, 8)), [alias(graph, a)], vector(8)).output
    b = keep(graph, flat, "b")
    graph.outputs = [keep(graph, join(graph, [b, a], "join"), "y")]
    return graph


@st.composite
def dags(draw: st.DrawFn, most: int = 15) -> Graph:
    """Random graphs: inputs, state, shared values, aliases, loose ends, several outputs."""
    graph = Graph("dag")
    size = st.integers(1, 30)
    values = [graph.add_input(f"x{i}", vector(draw(size))) for i in range(draw(st.integers(1, 3)))]
    states = []
    for i in range(draw(st.integers(0, 2))):
        n = draw(size)
        states.append(graph.add_state(f"s{i}", vector(n), np.zeros((1, n), np.int8)))
    rows = [*values, *states]
    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.integers(0, 2))
        x = draw(st.sampled_from(rows))
        if kind == 0:
            rows.append(keep(graph, x))
        elif kind == 1:
            others = draw(st.lists(st.sampled_from(rows), max_size=2))
            if sum(v.type.size for v in [x, *others]) < 500:
                rows.append(join(graph, [x, *others]))
        else:
            shape = (1, x.type.size)
            rows.append(graph.add_node(Reshape(shape), [alias(graph, x)], x.type).output)
    made = [v for v in rows if v.producer is not None] or values
    graph.outputs = draw(st.lists(st.sampled_from(made), min_size=1, max_size=3))
    for state in states:
        fits = [v for v in rows if v.type == state.type and v.producer is not None]
        if fits:
            graph.set_state_update(state, draw(st.sampled_from(fits)))
    return graph

"""Graph edits: use lists, producers and names stay true after every one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.ir import DType, Graph, Node, TensorType, Value, verify
from edgekit.ir.graph import node_macs
from edgekit.ir.ops import RELU, Add, Clip, Concat, Dense, Mul, Reshape

F = TensorType((1, 4), DType.FLOAT32)


def chain() -> tuple[Graph, Value, list[Node]]:
    """x -> Clip -> Clip -> Add(x)."""
    graph = Graph("chain")
    x = graph.add_input("x", F)
    first = graph.add_node(Clip(), [x], F, name="first")
    second = graph.add_node(Clip(), [first.output], F, name="second")
    last = graph.add_node(Add(), [second.output, x], F, name="last")
    graph.outputs = [last.output]
    return graph, x, [first, second, last]


def check(graph: Graph) -> None:
    """`verify`, and what it does not ask: no use list holds more than the truth."""
    verify(graph)
    values = [*graph.inputs, *(s.state for s in graph.states), *graph.constants()]
    values += [v for n in graph.nodes for v in n.outputs]
    truth = {
        (id(node), index): value
        for node in graph.nodes
        for index, value in enumerate(node.inputs)
        if value is not None
    }
    for value in values:
        uses = {(id(node), index) for node, index in value.uses}
        assert uses == {key for key, read in truth.items() if read is value}
        assert len(uses) == len(value.uses)


def test_construction() -> None:
    graph, x, (first, second, last) = chain()
    check(graph)
    assert x.uses == [(first, 0), (last, 1)]
    assert first.output.producer is first
    assert last.inputs == (second.output, x)


def test_names_are_unique() -> None:
    graph = Graph("names")
    names = [graph.unique("a") for _ in range(3)] + [graph.unique("a_1"), graph.unique("")]
    assert len(set(names)) == 5
    assert names[0] == "a"


@given(st.lists(st.sampled_from(["a", "a_1", "a_2", "b", "", "t", "a_1_1"]), max_size=40))
def test_unique_never_repeats(stems: list[str]) -> None:
    graph = Graph("names")
    names = [graph.unique(stem) for stem in stems]
    assert len(set(names)) == len(names)


def test_insert_before() -> None:
    graph, _, (first, second, _) = chain()
    new = graph.add_node(Clip(), [first.output], F, name="new", before=second)
    graph.set_input(second, 0, new.output)
    assert [n.name for n in graph.nodes] == ["first", "new", "second", "last"]
    check(graph)


def test_set_input_grows_and_clears() -> None:
    graph = Graph("dense")
    x = graph.add_input("x", F)
    weights = graph.constant(np.zeros((2, 4), np.float32))
    node = graph.add_node(Dense(), [x, weights], TensorType((1, 2), DType.FLOAT32))
    bias = graph.constant(np.zeros(2, np.float32), "bias")
    graph.set_input(node, 2, bias)
    assert node.inputs == (x, weights, bias)
    check(graph)
    graph.set_input(node, 2, None)
    assert bias.uses == []
    assert node.optional_input(2) is None
    assert node.optional_input(7) is None
    with pytest.raises(ValueError, match="Dense 'dense' has no input 2"):
        node.input(2)
    check(graph)


def test_a_value_read_twice_by_one_node() -> None:
    graph = Graph("square")
    x, z = graph.add_input("x", F), graph.add_input("z", F)
    node = graph.add_node(Mul(), [x, x], F)
    graph.outputs = [node.output]
    assert len(x.uses) == 2
    assert graph.sole_user(x) is None
    graph.replace_uses(x, z)
    assert node.inputs == (z, z)
    check(graph)


def test_replace_uses_reaches_outputs_and_states() -> None:
    graph, _, (first, second, _) = chain()
    state = graph.add_state("s", F, np.zeros((1, 4), np.float32))
    graph.set_state_update(state, second.output)
    graph.outputs = [second.output]
    graph.replace_uses(second.output, first.output)
    assert graph.outputs == [first.output]
    assert graph.states[0].update is first.output
    check(graph)


def test_remove_node() -> None:
    graph, x, (first, second, last) = chain()
    with pytest.raises(ValueError, match="'first_out' of 'first' is still read"):
        graph.remove_node(first)
    with pytest.raises(ValueError, match="is still read"):
        graph.remove_node(last)  # its output leaves the graph
    graph.outputs = [second.output]
    graph.remove_node(last)
    assert x.uses == [(first, 0)]
    check(graph)


def test_bypass_keeps_the_name_in_the_source_model() -> None:
    graph, x, (first, second, last) = chain()
    graph.bypass(second, first.output)
    assert last.inputs == (first.output, x)
    assert first.output.origin == ("first_out", "second_out")
    check(graph)


def test_replace_input() -> None:
    graph, x, _ = chain()
    type_ = TensorType((1, 4), DType.INT8)
    new = graph.replace_input(x, type_)
    assert graph.inputs == [new]
    assert new.name == "x"
    assert new.type == type_
    assert x.uses == []
    check(graph)


def test_sole_user() -> None:
    graph, x, (first, second, last) = chain()
    assert graph.sole_user(first.output) is second
    assert graph.sole_user(x) is None
    assert graph.sole_user(last.output) is None
    graph.outputs.append(first.output)
    assert graph.sole_user(first.output) is None  # it also leaves the graph


def test_is_read() -> None:
    graph, x, (first, _, last) = chain()
    loose = graph.add_node(Clip(), [x], F)
    assert not graph.is_read(loose.output)
    assert graph.is_read(last.output)
    assert graph.is_output(last.output)
    assert not graph.is_output(first.output)


def test_constants_once_in_order_of_use() -> None:
    graph = Graph("constants")
    x = graph.add_input("x", F)
    a = graph.constant(np.ones((1, 4), np.float32), "a")
    b = graph.constant(np.ones((1, 4), np.float32), "b")
    graph.constant(np.ones(9, np.float32), "unused")
    y = graph.add_node(Add(), [x, b], F).output
    graph.outputs = [graph.add_node(Concat(1), [a, y, b], TensorType((1, 12), F.dtype)).output]
    assert [v.name for v in graph.constants()] == ["b", "a"]
    assert graph.parameters() == 8


def test_constants_cannot_be_written() -> None:
    data = np.zeros(3, np.float32)
    value = Graph("g").constant(data)
    with pytest.raises(ValueError, match="read-only"):
        value.array[0] = 1.0
    scalar = Graph("g").constant(np.float32(2.0))  # type: ignore[arg-type]
    assert scalar.array.shape == ()


def test_macs() -> None:
    graph = Graph("dense")
    x = graph.add_input("x", F)
    weights = graph.constant(np.zeros((3, 4), np.float32))
    node = graph.add_node(Dense(), [x, weights], TensorType((1, 3), DType.FLOAT32))
    graph.outputs = [graph.add_node(Clip(), [node.output], node.output.type).output]
    assert node_macs(node) == graph.macs() == 12


def test_a_copy_is_independent() -> None:
    graph, x, nodes = chain()
    state = graph.add_state("s", F, np.zeros((1, 4), np.float32))
    graph.set_state_update(state, nodes[0].output)
    graph.bind_ports(["y"])
    before = str(graph)
    copy = graph.copy()
    check(copy)
    assert str(copy) == before
    assert copy.inputs[0] is not x
    assert copy.input_bindings == graph.input_bindings
    copy.bypass(copy.nodes[1], copy.nodes[0].output)
    copy.set_op(copy.nodes[0], Clip(RELU))
    copy.set_type(copy.inputs[0], TensorType((1, 4), DType.INT8))
    copy.inputs[0].origin = ("other",)
    copy.unique("fresh")
    assert str(graph) == before
    assert x.origin == ("x",)
    assert graph.unique("fresh") == "fresh"
    check(graph)


def test_a_copy_shares_constant_arrays() -> None:
    graph = Graph("g")
    x = graph.add_input("x", F)
    big = graph.constant(np.ones((1, 4), np.float32))
    graph.outputs = [graph.add_node(Add(), [x, big], F).output]
    copied = next(iter(graph.copy().constants()))
    assert copied is not big
    assert np.shares_memory(copied.array, big.array)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 99), st.integers(0, 99)), max_size=30))
def test_random_edits_keep_the_graph_consistent(edits: list[tuple[int, int, int]]) -> None:
    graph, x, _ = chain()
    for kind, a, b in edits:
        nodes = graph.nodes
        values = [x, *(v for n in nodes for v in n.outputs)]
        value = values[a % len(values)]
        node = nodes[b % len(nodes)] if nodes else None
        if kind == 0:
            graph.add_node(Add(), [value, x], F)
        elif kind == 1 and node is not None and node.inputs[0] is not None:
            graph.bypass(node, node.inputs[0])
        elif kind == 2:
            graph.outputs = [value]
        elif kind == 3 and node is not None and not graph.is_read(node.output):
            graph.remove_node(node)
        elif kind == 4 and node is not None:
            graph.set_input(node, 0, x)
        check(graph)


def test_reshape_of_a_batch() -> None:
    graph = Graph("g")
    x = graph.add_input("x", F)
    y = graph.add_node(Reshape((2, 2)), [x], TensorType((2, 2), DType.FLOAT32)).output
    graph.outputs = [y]
    check(graph)

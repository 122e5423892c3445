"""What C emission refuses: every node at once, by name."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.c.choice import PORTABLE
from codegen.c.emit import Source, Vectors, emit
from edgekit.errors import ModelError
from edgekit.ir import Binding, Graph
from edgekit.ir.ops import Add, Softmax, Transpose
from edgekit.schedule import plan
from tests.codegen.graphs import float32


def emitted(graph: Graph) -> None:
    graph.input_bindings = [Binding(v.name, v.type) for v in graph.inputs]
    graph.output_bindings = [Binding(v.name, v.type) for v in graph.outputs]
    shapes = [v.type.shape for v in graph.inputs], [v.type.shape for v in graph.outputs]
    zeros = [tuple(np.zeros(s, np.float32) for s in each) for each in shapes]
    emit(plan(graph, PORTABLE.scratch_bytes), "m", "host", Source("m", ""), Vectors(*zeros))


def test_every_node_that_cannot_be_written_is_named() -> None:
    graph = Graph("refused")
    x = graph.add_input("x", float32(1, 3, 4))
    first = graph.add_node(Softmax(1), [x], x.type, name="first").output
    fine = graph.add_node(Add(), [first, x], x.type, name="fine").output
    graph.outputs = [graph.add_node(Softmax(1), [fine], x.type, name="second").output]
    with pytest.raises(ModelError, match="unsupported softmax") as caught:
        emitted(graph)
    assert [p.where for p in caught.value.problems] == ["first", "second"]


def test_different_reasons_have_one_summary() -> None:
    graph = Graph("refused")
    x = graph.add_input("x", float32(1, 1, 1, 1, 1, 3, 4))
    soft = graph.add_node(Softmax(5), [x], x.type, name="soft").output
    same = tuple(range(7))
    graph.outputs = [graph.add_node(Transpose(same), [soft], x.type, name="turn").output]
    with pytest.raises(ModelError, match="some operators cannot be written as C") as caught:
        emitted(graph)
    assert [p.where for p in caught.value.problems] == ["soft", "Transpose 'turn'"]

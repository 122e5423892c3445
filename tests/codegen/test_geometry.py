"""Shapes as the kernels want them, against numpy's own broadcasting and reductions."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from codegen.c.operators.geometry import AXES, braces, broadcast_fields, collapse_mean
from edgekit.errors import ModelError
from edgekit.ir import DType, Graph, TensorType
from edgekit.ir.ops import Mean


def numbers(text: str) -> list[int]:
    return [int(n) for n in re.findall(r"-?\d+", text)]


@given(
    npst.mutually_broadcastable_shapes(num_shapes=2, min_dims=1, max_dims=5, min_side=1, max_side=3)
)
def test_broadcast_steps_address_what_numpy_does(shapes: npst.BroadcastableShapes) -> None:
    (a, b), out = shapes.input_shapes, shapes.result_shape
    try:
        size, a_step, b_step = (numbers(f) for f in broadcast_fields(a, b, out))
    except ModelError:
        assert len(out) == AXES + 1  # four axes are always enough for four
        return
    assert len(size) == len(a_step) == len(b_step) == AXES
    index = np.indices(size).reshape(AXES, -1)
    for shape, step in ((a, a_step), (b, b_step)):
        source = np.arange(np.prod(shape)).reshape(shape)
        wanted = np.broadcast_to(source, out).ravel()
        np.testing.assert_array_equal(np.array(step) @ index, wanted)


def test_neighbouring_axes_are_joined() -> None:
    size, a_step, b_step = (numbers(f) for f in broadcast_fields((1, 4, 5, 8), (8,), (1, 4, 5, 8)))
    assert size == [1, 1, 20, 8]
    assert a_step[2:] == [8, 1]
    assert b_step[2:] == [0, 1]


def test_too_many_axes_are_refused() -> None:
    with pytest.raises(ModelError, match="broadcasting"):
        broadcast_fields((2, 1, 2, 1, 2), (1, 2, 1, 2, 1), (2, 2, 2, 2, 2))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.data())
def test_collapsed_means(shape: list[int], data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))
    axes = tuple(sorted(chosen))
    graph = Graph("mean")
    x = graph.add_input("x", TensorType(tuple(shape), DType.FLOAT32))
    op = Mean(axes, True)
    (out,) = op.infer([tuple(shape)])
    node = graph.add_node(op, [x], TensorType(out, DType.FLOAT32))
    array = np.arange(float(np.prod(shape))).reshape(shape)
    try:
        outer, count, inner = collapse_mean(node, axes)
    except ModelError:
        wide = [a for a in axes if shape[a] != 1]
        between = set(range(wide[0], wide[-1] + 1)) - set(axes)
        assert any(shape[a] != 1 for a in between)
        return
    found = array.reshape(outer, count, inner).mean(axis=1).ravel()
    np.testing.assert_allclose(found, array.mean(axis=axes).ravel())


def test_braces() -> None:
    assert braces([1, -2, 3]) == "{1, -2, 3}"

"""Biases with the zero point folded in: exact, or refused by name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from codegen.c.operators.accumulators import fold_zero_point
from edgekit.errors import ModelError
from edgekit.ir import Graph
from edgekit.ir.ops import QDense, Rounding
from quantize.requantize import make_requant, requantize
from tests.codegen.batch import compile_all
from tests.codegen.graphs import int8, single

INT32 = 2**31 - 1


def dense(weights: list[list[int]], bias: list[int], x_zero: int, scale: float = 2.0**-8) -> Graph:
    data = np.array(weights, np.int8)
    op = QDense(make_requant([scale], Rounding.SINGLE), x_zero)
    return single(op, [int8(1, data.shape[1]), data, np.array(bias, np.int32)])


def folded(graph: Graph) -> NDArray[np.int32]:
    node = graph.nodes[0]
    op = node.op
    assert isinstance(op, QDense)
    return fold_zero_point(node, node.input(1).array, op.x_zero, op.requant)


def test_the_zero_point_is_folded_in() -> None:
    assert folded(dense([[1, 2], [-3, 4]], [10, 20], 5)).tolist() == [10 - 15, 20 - 5]


def test_a_saturated_channel_is_moved_and_stays_what_it_was() -> None:
    graph = dense([[127] * 9, [1] * 9], [INT32 - 5, -INT32 + 5], -128)
    moved = folded(graph)
    room = INT32 - 128 * 127 * 9
    assert moved[0] == room  # every partial sum now stays inside int32
    (case,) = compile_all([graph])
    case.check_samples()
    found = case.run([np.array([[-128] * 9, [127] * 9], np.int8)])[0]
    assert found.tolist() == [[127, -128]] * 2


def test_a_channel_that_could_overflow_is_refused_by_name() -> None:
    # The output lies at 64 and varies by 3: a moved bias would change it.
    graph = dense([[127] * 3000], [INT32 - 5], -128, 2.0**-25)
    with pytest.raises(ModelError, match=r"channels \[0\] can overflow int32") as caught:
        folded(graph)
    assert graph.nodes[0].name in str(caught.value)


@given(
    st.lists(st.integers(-128, 127), min_size=1, max_size=6),
    st.integers(-INT32, INT32),
    st.integers(-128, 127),
    st.integers(1, 20),
)
@settings(max_examples=300, deadline=None)
def test_a_folded_bias_gives_the_same_outputs(
    row: list[int], bias: int, x_zero: int, exponent: int
) -> None:
    graph = dense([row], [bias], x_zero, 2.0**-exponent)
    try:
        moved = int(folded(graph)[0])
    except ModelError:
        return
    weights = np.array(row, np.int64)
    worst = 128 * int(np.abs(weights).sum())
    assert abs(moved) + worst <= INT32
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, (50, len(row)))
    x[0], x[1] = -128, 127
    x[2], x[3] = np.where(weights > 0, 127, -128), np.where(weights > 0, -128, 127)
    op = graph.nodes[0].op
    assert isinstance(op, QDense)
    exact = np.clip(bias + (x - x_zero) @ weights, -(2**40), 2**40)
    inside = np.abs(exact) <= INT32  # the reference is defined there
    wanted = requantize(exact[inside], op.requant)
    np.testing.assert_array_equal(requantize(moved + x[inside] @ weights, op.requant), wanted)

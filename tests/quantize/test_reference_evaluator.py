"""Samples, state, kept values and refusals of the evaluator."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import DataError, ModelError
from edgekit.ir import DType, Graph, Quant, TensorType
from edgekit.ir.ops import Add, Concat, Conv2D, Dense, Mean, Op, Reshape, Transpose, Window
from quantize.reference import Evaluator, evaluate

FLOAT = DType.FLOAT32
RNG = np.random.default_rng(5)


def chain(*steps: tuple[Op, tuple[int, ...]], shape: tuple[int, ...] = (1, 4, 6)) -> Graph:
    """A graph of one-input operators."""
    graph = Graph("chain")
    value = graph.add_input("x", TensorType(shape, FLOAT))
    for op, out in steps:
        value = graph.add_node(op, [value], TensorType(out, FLOAT)).output
    graph.outputs = [value]
    return graph


@pytest.mark.parametrize(
    "steps",
    [
        [(Reshape((24,)), (24,)), (Reshape((2, 12)), (2, 12))],
        [(Transpose((1, 0, 2)), (4, 1, 6)), (Reshape((1, 24)), (1, 24))],
        [(Mean((0, 1), True), (1, 1, 6))],
        [(Reshape((4, 6)), (4, 6)), (Transpose((1, 0)), (6, 4)), (Reshape((1, 24)), (1, 24))],
    ],
)
def test_many_samples_equal_one_by_one(steps: list[tuple[Op, tuple[int, ...]]]) -> None:
    graph = chain(*steps)
    x = RNG.normal(size=(7, 4, 6)).astype(np.float32)
    name = graph.outputs[0].name
    together = evaluate(graph, {"x": x}, keep="all")[name]
    single = [evaluate(graph, {"x": x[i : i + 1]})[name] for i in range(7)]
    np.testing.assert_array_equal(together, np.concatenate(single))


def test_rows_beside_the_batch() -> None:
    # A dense layer over 4 time steps: the leading axis holds 4 rows of each sample.
    graph = Graph("rows")
    x = graph.add_input("x", TensorType((1, 4, 6), FLOAT))
    flat = graph.add_node(Reshape((4, 6)), [x], TensorType((4, 6), FLOAT)).output
    weights = RNG.normal(size=(3, 6)).astype(np.float32)
    dense = graph.add_node(Dense(), [flat, graph.constant(weights)], TensorType((4, 3), FLOAT))
    offset = RNG.normal(size=(4, 3)).astype(np.float32)
    added = graph.add_node(Add(), [dense.output, graph.constant(offset)], TensorType((4, 3), FLOAT))
    out = graph.add_node(Reshape((1, 12)), [added.output], TensorType((1, 12), FLOAT)).output
    graph.outputs = [out]
    data = RNG.normal(size=(5, 4, 6)).astype(np.float32)
    expected = (data @ weights.T + offset).reshape(5, 12)
    np.testing.assert_allclose(evaluate(graph, {"x": data})[out.name], expected, rtol=1e-5)


def test_chunks_do_not_show() -> None:
    graph = Graph("conv")
    x = graph.add_input("x", TensorType((1, 32, 32, 4), FLOAT, "NHWC"))
    weights = RNG.normal(size=(8, 3, 3, 4)).astype(np.float32)
    op = Conv2D(Window(padding=(1, 1, 1, 1)))
    type_ = TensorType((1, 32, 32, 8), FLOAT, "NHWC")
    node = graph.add_node(op, [x, graph.constant(weights)], type_)
    graph.outputs = [node.output]
    size = Evaluator(graph).chunk
    data = RNG.normal(size=(size + 3, 32, 32, 4)).astype(np.float32)
    assert evaluate(graph, {"x": data})[node.output.name].shape[0] == size + 3
    last = evaluate(graph, {"x": data[-1:]})[node.output.name]
    np.testing.assert_allclose(evaluate(graph, {"x": data})[node.output.name][-1:], last, rtol=1e-5)


def accumulator() -> Graph:
    """Output = state + x, which becomes the state."""
    graph = Graph("sum")
    x = graph.add_input("x", TensorType((1, 2), FLOAT))
    state = graph.add_state("s", TensorType((1, 2), FLOAT), np.array([[10.0, 20.0]], np.float32))
    total = graph.add_node(Add(), [x, state], TensorType((1, 2), FLOAT)).output
    graph.set_state_update(state, total)
    graph.outputs = [total]
    return graph


def test_state_is_carried_between_runs_and_reset() -> None:
    graph = accumulator()
    name = graph.outputs[0].name
    runner = Evaluator(graph)
    x = np.array([[1, 2], [3, 4]], np.float32)
    assert runner.run({"x": x})[name].tolist() == [[11, 22], [13, 24]]
    assert runner.run({"x": x})[name].tolist() == [[12, 24], [16, 28]]
    with pytest.raises(DataError, match="reset"):
        runner.run({"x": x[:1]})
    runner.reset()
    assert runner.run({"x": x[:1]})[name].tolist() == [[11, 22]]


def test_state_is_carried_where_samples_are_looped() -> None:
    graph = accumulator()
    total = graph.outputs[0]
    mixed = graph.add_node(Concat(0), [total, total], TensorType((2, 2), FLOAT)).output
    graph.outputs = [mixed]
    runner = Evaluator(graph)
    x = np.array([[1, 2], [3, 4]], np.float32)
    runner.run({"x": x})
    assert runner.run({"x": x})[mixed.name].tolist() == [[12, 24], [12, 24], [16, 28], [16, 28]]


def test_evaluate_starts_every_sample_from_the_initial_state() -> None:
    graph = accumulator()
    x = np.zeros((300, 2), np.float32)
    found = evaluate(graph, {"x": x})[graph.outputs[0].name]
    assert (found == [10, 20]).all()


def test_every_problem_of_the_feeds_is_reported() -> None:
    graph = Graph("two")
    graph.outputs = [
        graph.add_input("a", TensorType((1, 3), FLOAT)),
        graph.add_input("b", TensorType((1, 2), FLOAT)),
    ]
    with pytest.raises(DataError) as caught:
        evaluate(graph, {"a": np.zeros((2, 4), np.float32), "c": np.zeros(1)})
    text = str(caught.value)
    assert "'c'" in text
    assert "input 'a': found float32[2, 4]; allowed: float32[n, 3]" in text
    assert "input 'b': no array" in text
    with pytest.raises(DataError, match="different numbers"):
        evaluate(graph, {"a": np.zeros((2, 3), np.float32), "b": np.zeros((3, 2), np.float32)})
    with pytest.raises(DataError, match="no samples"):
        evaluate(graph, {"a": np.zeros((0, 3), np.float32), "b": np.zeros((0, 2), np.float32)})


class Unknown(Op):
    """An operator nobody defined."""


def test_operators_without_definition_are_all_named() -> None:
    graph = chain((Unknown(), (1, 4, 6)), (Unknown(), (1, 4, 6)))
    with pytest.raises(ModelError) as caught:
        evaluate(graph, {"x": np.zeros((1, 4, 6), np.float32)})
    assert len(caught.value.problems) == 2
    assert "Unknown" in str(caught.value)


def test_a_quantized_model_level_graph_must_be_lowered_first() -> None:
    graph = Graph("q")
    quant = Quant.per_tensor(0.1, 0)
    x = graph.add_input("x", TensorType((1, 4), DType.INT8, quant=quant))
    node = graph.add_node(Add(), [x, x], TensorType((1, 4), DType.INT8, quant=quant), name="sum")
    graph.outputs = [node.output]
    with pytest.raises(ModelError, match="Lower a quantized graph"):
        evaluate(graph, {"x": np.zeros((1, 4), np.int8)})

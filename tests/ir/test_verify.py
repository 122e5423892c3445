"""The structural check finds each kind of damage, names it, and reports all of them at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgekit.errors import InternalError
from edgekit.ir import DType, Graph, TensorType, Value, verify
from edgekit.ir.ops import Add, AvgPool2D, Clip, Conv2D, MaxPool2D, Window

F = TensorType((1, 4), DType.FLOAT32)


def sound() -> Graph:
    graph = Graph("g")
    x = graph.add_input("x", F)
    first = graph.add_node(Clip(), [x], F, name="first")
    constant = graph.constant(np.ones((1, 4), np.float32), "c")
    second = graph.add_node(Add(), [first.output, constant], F, name="second")
    graph.outputs = [second.output]
    return graph


def duplicate_name(graph: Graph) -> None:
    graph.nodes[1].output.name = "x"


def lost_use(graph: Graph) -> None:
    graph.nodes[0].output.uses.clear()


def wrong_order(graph: Graph) -> None:
    graph.nodes.reverse()


def foreign_value(graph: Graph) -> None:
    stranger = Value("stranger", F)
    graph.set_input(graph.nodes[1], 0, stranger)


def wrong_producer(graph: Graph) -> None:
    graph.nodes[1].output.producer = graph.nodes[0]


def wrong_shape(graph: Graph) -> None:
    graph.set_type(graph.nodes[0].output, TensorType((1, 5), DType.FLOAT32))


def impossible_shapes(graph: Graph) -> None:
    graph.set_type(graph.inputs[0], TensorType((1, 3), DType.FLOAT32))
    graph.set_type(graph.nodes[0].output, TensorType((1, 3), DType.FLOAT32))


def wrong_data(graph: Graph) -> None:
    graph.nodes[1].input(1).data = np.ones((1, 4), np.float64)


def lost_output(graph: Graph) -> None:
    graph.outputs = [Value("gone", F)]


def lost_update(graph: Graph) -> None:
    state = graph.add_state("s", F, np.zeros((1, 4), np.float32))
    graph.set_state_update(state, Value("gone", F))


DAMAGE: list[tuple[Callable[[Graph], None], str]] = [
    (duplicate_name, "value name 'x' occurs twice"),
    (lost_use, "'first_out' does not list this use"),
    (wrong_order, "reads 'first_out' before it is produced"),
    (foreign_value, "reads 'stranger' before it is produced"),
    (wrong_producer, "'second_out' names another producer"),
    (wrong_shape, r"first: declares outputs \(\(1, 5\),\), inputs imply \(\(1, 4\),\)"),
    (impossible_shapes, r"Add 'second': shapes \(1, 3\) and \(1, 4\) do not broadcast"),
    (wrong_data, r"'c' holds float64\(1, 4\)"),
    (lost_output, "'gone' is never produced"),
    (lost_update, "'gone' is never produced"),
]


def test_a_sound_graph_passes() -> None:
    verify(sound())


@pytest.mark.parametrize(("damage", "message"), DAMAGE, ids=lambda d: getattr(d, "__name__", ""))
def test_damage_is_found(damage: Callable[[Graph], None], message: str) -> None:
    graph = sound()
    damage(graph)
    with pytest.raises(InternalError, match=message):
        verify(graph)


def test_the_culprit_is_named_and_everything_is_listed() -> None:
    graph = sound()
    lost_use(graph)
    lost_output(graph)
    with pytest.raises(InternalError, match="pass 'folding' left an inconsistent graph") as caught:
        verify(graph, "pass 'folding'")
    assert len(caught.value.problems) == 2


def image(*shape: int) -> TensorType:
    return TensorType(shape, DType.FLOAT32, "NHWC")


@pytest.mark.parametrize(
    ("size", "kernel", "window", "meets"),
    [
        ((3, 3), (2, 2), Window(), True),
        ((1, 1), (3, 3), Window(padding=(1, 1, 1, 1)), True),
        ((3, 3), (2, 2), Window(padding=(2, 0, 0, 0)), False),
        ((3, 3), (1, 1), Window(padding=(0, 0, 0, 1)), False),
        ((1, 1), (2, 2), Window(padding=(1, 1, 1, 1), dilations=(2, 2)), False),
        ((2, 2), (2, 2), Window(padding=(1, 1, 1, 1), dilations=(2, 2)), True),
        ((4, 4), (2, 2), Window((4, 4), (0, 0, 3, 3)), False),
    ],
)
def test_pools_over_nothing_are_refused(
    size: tuple[int, int], kernel: tuple[int, int], window: Window, meets: bool
) -> None:
    shape = (1, *size, 2)
    for op in (MaxPool2D(kernel, window), AvgPool2D(kernel, window)):
        if meets:
            op.infer([shape])
        else:
            with pytest.raises(ValueError, match="lies in the padding alone"):
                op.infer([shape])
    # A convolution over padding alone is the bias.
    Conv2D(window).infer([shape, (3, *kernel, 2)])

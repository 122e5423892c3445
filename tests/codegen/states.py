"""Graphs with persistent state, and the same in plain Python."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import DType, Graph, Quant, TensorType
from edgekit.ir.ops import Add, Concat, Reshape, Transpose

ONE = Quant.per_tensor(1.0, 0)


def plain(*shape: int) -> TensorType:
    """int8 whose integers are the real numbers themselves."""
    return TensorType(shape, DType.INT8, "", ONE)


def accumulator(width: int) -> Graph:
    """``y = clamp(x + state)``, the next state is ``y``; it starts at 10, 20, 30, ..."""
    graph = Graph("accumulator")
    x = graph.add_input("x", plain(1, width))
    start = (10 * np.arange(1, width + 1, dtype=np.int8)).reshape(1, width)
    state = graph.add_state("state", plain(1, width), start)
    y = graph.add_node(Add(), [x, state], plain(1, width), outputs=["y"]).output
    graph.outputs = [y]
    graph.set_state_update(state, y)
    graph.bind_ports(["y"])
    return graph


def accumulate(x: NDArray[np.int8], carry: bool) -> NDArray[np.int8]:
    """What `accumulator` computes."""
    start = 10 * np.arange(1, x.shape[1] + 1)
    state, rows = start, []
    for row in x.astype(np.int64):
        state = np.clip((state if carry else start) + row, -128, 127)
        rows.append(state)
    return np.array(rows, np.int8)


def float_accumulator(width: int) -> Graph:
    """The same in float32, starting at 0."""
    graph = Graph("float_accumulator")
    kind = TensorType((1, width), DType.FLOAT32)
    x = graph.add_input("x", kind)
    state = graph.add_state("state", kind, np.zeros((1, width), np.float32))
    y = graph.add_node(Add(), [x, state], kind, outputs=["y"]).output
    graph.outputs = [y]
    graph.set_state_update(state, y)
    graph.bind_ports(["y"])
    return graph


def delay_line(length: int, swap: bool = False) -> Graph:
    """States in a row: each takes the old content of the one before; the output is the last.

    With ``swap`` the input is left out of the row and the states move in a circle.
    """
    graph = Graph("delay_line")
    x = graph.add_input("x", plain(1, 3))
    states = [
        graph.add_state(f"s{i}", plain(1, 3), np.full((1, 3), i, np.int8)) for i in range(length)
    ]
    sources = [states[-1] if swap else x, *states[:-1]]
    for state, source in zip(states, sources, strict=True):
        graph.set_state_update(state, source)
    graph.outputs = [
        graph.add_node(Transpose((0, 1)), [states[-1]], plain(1, 3)).output,
        graph.add_node(Add(), [x, states[0]], plain(1, 3)).output,
    ]
    graph.bind_ports(["last", "sum"])
    return graph


def window_buffer() -> Graph:
    """A streaming window of three rows: the newest is appended, the oldest falls out."""
    graph = Graph("window_buffer")
    x = graph.add_input("x", plain(1, 2))
    older = graph.add_state("older", plain(1, 2), np.zeros((1, 2), np.int8))
    newer = graph.add_state("newer", plain(1, 1, 2), np.zeros((1, 1, 2), np.int8))
    row = graph.add_node(Reshape((1, 1, 2)), [x], plain(1, 1, 2)).output
    first = graph.add_node(Reshape((1, 1, 2)), [older], plain(1, 1, 2)).output
    rows = graph.add_node(Concat(1), [first, newer, row], plain(1, 3, 2)).output
    flat = graph.add_node(Reshape((1, 6)), [rows], plain(1, 6)).output
    graph.outputs = [flat]
    graph.set_state_update(older, graph.add_node(Reshape((1, 2)), [newer], plain(1, 2)).output)
    graph.set_state_update(newer, row)
    graph.bind_ports(["rows"])
    return graph

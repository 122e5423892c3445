"""Graphs on disk and as text."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import DataError, InternalError
from edgekit.ir import DType, FixedPoint, Graph, Quant, TensorType
from edgekit.ir.ops import (
    OPS,
    Add,
    Concat,
    ConvTranspose,
    QConv2D,
    Requant,
    Rescale,
    Rounding,
    Window,
)
from edgekit.ir.printer import node_text
from edgekit.ir.serialize import _decode, _encode, load_graph, save_graph
from tests.codegen import states
from tests.codegen.graphs import conv, dense


def rich() -> Graph:
    """State, quantization of every kind, an absent input, a device, several origins."""
    graph = Graph("rich")
    quant = Quant.per_tensor(0.1, -7)
    kind = TensorType((1, 2, 2, 1), DType.INT8, "NHWC", quant, None, (-5, 100))
    x = graph.add_input("x", kind, ("first", "second"))
    state = graph.add_state("s", kind, np.arange(4, dtype=np.int8).reshape(1, 2, 2, 1))
    per_channel = Quant((0.5, 0.25), (0, 0), 0)
    data = np.arange(-4, 4, dtype=np.int8).reshape(2, 2, 2, 1)
    weights = graph.constant(data, "w", TensorType((2, 2, 2, 1), DType.INT8, "", per_channel))
    spec = Requant((2**30, 2**31 - 1), (0, -3), Rounding.DOUBLE, 1, -100, 100)
    fixed = TensorType((1, 1, 1, 2), DType.INT8, "NHWC", None, FixedPoint(5))
    op = QConv2D(spec, -7, Window((2, 1), (0, 0, 0, 0), (1, 1)))
    node = graph.add_node(op, [x, weights, None], fixed, name="conv", origin=("a", "b"))
    node.device = "npu"
    moved = graph.add_node(Add(), [x, state], kind).output
    graph.set_state_update(state, moved)
    graph.outputs = [node.output, moved]
    graph.bind_ports(["scores", "kept"])
    return graph


def same(a: Graph, b: Graph) -> None:
    assert str(a) == str(b)
    assert a.input_bindings == b.input_bindings
    assert a.output_bindings == b.output_bindings
    for left, right in zip(a.nodes, b.nodes, strict=True):
        assert (left.op, left.name, left.origin, left.device) == (
            right.op,
            right.name,
            right.origin,
            right.device,
        )
        assert [v and v.origin for v in left.inputs] == [v and v.origin for v in right.inputs]
        assert [v.type for v in left.outputs] == [v.type for v in right.outputs]
    for mine, yours in zip(a.constants(), b.constants(), strict=True):
        assert mine.array.dtype == yours.array.dtype
        np.testing.assert_array_equal(mine.array, yours.array)
    for one, other in zip(a.states, b.states, strict=True):
        assert one.update.name == other.update.name
        np.testing.assert_array_equal(one.initial, other.initial)


def graphs() -> list[Graph]:
    rng = np.random.default_rng(0)
    made = [
        conv(rng, (3, 4), 2, 3, (2, 2), Window(), 1, Rounding.FLOAT),
        dense(rng, 1, 4, 3, Rounding.HIGH),
    ]
    for graph in made:
        graph.bind_ports()
    return [rich(), states.window_buffer(), *made]


@pytest.mark.parametrize("graph", graphs(), ids=lambda g: str(g.name))
def test_round_trip(graph: Graph, tmp_path: Path) -> None:
    save_graph(graph, tmp_path)
    same(graph, load_graph(tmp_path))


def test_a_constant_output(tmp_path: Path) -> None:
    graph = Graph("g")
    graph.outputs = [graph.constant(np.arange(3, dtype=np.float32), "c")]
    graph.bind_ports()
    save_graph(graph, tmp_path)
    np.testing.assert_array_equal(load_graph(tmp_path).outputs[0].array, [0.0, 1.0, 2.0])


def test_the_same_graph_gives_the_same_text(tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_graph(rich(), tmp_path / name)
        texts.append((tmp_path / name / "graph.json").read_text())
    assert texts[0] == texts[1]


def example(kind: Any) -> Any:
    """An operator with its defaults, or with something where a field has none."""
    spec = Requant((1,), (0,), Rounding.SINGLE)
    given: dict[str, Any] = {
        "requant": spec,
        "kernel": (2, 3),
        "multiplier": 5,
        "factor": 7,
        "factor_bits": 3,
        "zero_point": -1,
        "left_shift": 1,
        "diff_min": -9,
        "right_shift": 4,
        "x_zero": -2,
        "slope_zero": 3,
        "positive": spec,
        "negative": spec,
        "function": "less",
        "layer": ConvTranspose(channels_last=True),
    }
    names = {f.name for f in fields(kind)}
    given |= dict.fromkeys(("from_x", "from_h", "hidden"), spec)
    given |= {"first": Rescale(1, 2, 3), "second": Rescale(4, 5, 6)}
    return kind(**{k: v for k, v in given.items() if k in names})


@pytest.mark.parametrize("name", OPS)
def test_every_operator_can_be_stored(name: str) -> None:
    op = example(OPS[name])
    assert is_dataclass(op)
    assert _decode(json.loads(json.dumps(_encode(op)))) == op


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"format": 1', '"format": 99'),
        lambda text: text.replace("QConv2D", "Loop"),
        lambda text: text.replace('"name": "conv"', '"nom": "conv"'),
        lambda text: "[]",
        lambda text: "",
    ],
)
def test_damaged_structure_is_refused(damage: Any, tmp_path: Path) -> None:
    save_graph(rich(), tmp_path)
    path = tmp_path / "graph.json"
    path.write_text(damage(path.read_text()))
    with pytest.raises(DataError, match=r"graph\.json is (damaged|not JSON)|'Loop': is not known"):
        load_graph(tmp_path)


def test_damaged_arrays_are_refused(tmp_path: Path) -> None:
    save_graph(rich(), tmp_path)
    path = tmp_path / "graph.npz"
    data = path.read_bytes()
    for length in (0, 10, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(DataError, match=r"graph\.npz is damaged"):
            load_graph(tmp_path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    for name in ("graph.json", "graph.npz"):
        save_graph(rich(), tmp_path)
        (tmp_path / name).unlink()
        with pytest.raises(DataError, match=rf"{re.escape(name)} is missing"):
            load_graph(tmp_path)


def test_what_was_stored_is_verified(tmp_path: Path) -> None:
    save_graph(rich(), tmp_path)
    np.savez(tmp_path / "graph.npz", c0=np.zeros((9, 9), np.int8), s0=np.zeros((1, 2, 2, 1)))
    with pytest.raises((DataError, InternalError), match="graph"):
        load_graph(tmp_path)


def test_as_text() -> None:
    text = str(rich())
    assert text.splitlines()[0] == "graph rich"
    assert "  input x: int8[1x2x2x1] NHWC q(0.1, -7)" in text
    assert "  state s <- add_out: int8[1x2x2x1] NHWC q(0.1, -7)" in text
    assert "= QConv2D(x, w, -) {" in text
    assert "  output conv_out: int8[1x1x1x2] NHWC" in text


def test_a_node_as_text() -> None:
    graph = Graph("g")
    a = graph.add_input("a", TensorType((1, 2), DType.FLOAT32))
    node = graph.add_node(Concat(1), [a, a], TensorType((1, 4), DType.FLOAT32), name="both")
    assert node_text(node) == "both_out: float32[1x4] = Concat(a, a) {axis=1}"
    assert repr(node) == "<Concat 'both'(a, a) -> both_out>"
    assert repr(a) == "<a: float32[1x2]>"

"""``edgekit inspect``: the model as it is, and what a target makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit import api
from edgekit.errors import ModelError, UsageError
from edgekit.ir import DType, Graph, Quant, TensorType
from edgekit.ir.ops import Binary, Conv2D, Op, Softmax
from edgekit.npz import load_arrays
from edgekit.report.answers import inspection_view
from edgekit.report.codec import to_json
from tests.conversions import Conversions
from tests.proofs.data import INT8_MODELS, int8_model
from tests.runners.support import emulator

DIGITS = Path(__file__).parents[2] / "examples" / "digits"


def float_graph(op: Op, *shapes: tuple[int, ...]) -> Graph:
    """One float operator between a convolution and the output."""
    graph = Graph("small")
    x = graph.add_input("x", TensorType((1, 6, 6, 3), DType.FLOAT32, "NHWC"))
    w = graph.constant(np.ones((4, 3, 3, 3), np.float32), "w")
    conv = Conv2D()
    kind = TensorType((1, 4, 4, 4), DType.FLOAT32, "NHWC")
    value = graph.add_node(conv, [x, w], kind, name="conv").output
    others = [graph.constant(np.full(s, 0.5, np.float32), "c") for s in shapes]
    inputs = [value, *others]
    out = op.infer([v.type.shape for v in inputs])[0]
    node = graph.add_node(op, inputs, TensorType(out, DType.FLOAT32), name="last")
    graph.outputs = [node.output]
    graph.bind_ports()
    return graph


def test_the_digits_model() -> None:
    found = api.inspect(DIGITS / "digits.onnx")
    assert found.precision == "float32"
    assert found.model.macs == 80_896 == sum(n.macs for n in found.nodes)
    assert found.model.parameters == 3_818 == sum(n.parameters for n in found.nodes)
    assert found.weights_bytes == 3_818 - 34 + 4 * 34, "int8 weights and 34 int32 biases"
    # conv2: 8 and 16 channels of 8x8 in int8. When pixels 60 and 61 are written (to 62 * 16), pixel
    # (6, 5) is the first that is still to be read: the input lies that much above the output.
    lag = 62 * 16 - (6 * 8 + 5) * 8
    assert found.ram_lower_bound_bytes == lag + 8 * 64 + 2 * 9 * 8  # two windows of scratch
    assert [(t.name, t.dtype, t.shape) for t in found.inputs] == [
        ("image", "float32", (1, 1, 8, 8))
    ]
    assert found.target is None
    assert all(n.supported is None and n.instructions is None for n in found.nodes)


def test_what_it_expects_is_close_to_what_is_counted(conversions: Conversions) -> None:
    emulator("unicorn", "cortex-m4")
    samples = load_arrays(DIGITS / "calibration.npz")
    made = conversions(DIGITS / "digits.onnx", api.ConvertOptions("cortex-m4"), samples)
    found = api.inspect(DIGITS / "digits.onnx", "cortex-m4")
    assert found.target is not None
    assert found.target.core == "cortex-m4"
    assert all(n.supported for n in found.nodes)
    assert {n.cost_origin for n in found.nodes} == {"measured", "modelled"}
    expected = sum(n.instructions or 0 for n in found.nodes)
    counted = made.report.latency.instructions
    assert counted is not None
    assert expected == pytest.approx(counted, rel=0.1)


@pytest.mark.parametrize("name", INT8_MODELS)
def test_int8_models(name: str, conversions: Conversions) -> None:
    emulator("unicorn", "cortex-m4")
    made = conversions(int8_model(name), api.ConvertOptions("cortex-m4", vectors=1))
    found = api.inspect(int8_model(name), "cortex-m4")
    assert found.precision == "int8"
    assert found.model.macs == made.report.model.macs
    assert found.model.sha256 == made.report.model.sha256
    assert all(n.supported for n in found.nodes)
    assert found.ram_lower_bound_bytes is not None
    assert found.ram_lower_bound_bytes <= made.manifest.arena_bytes
    expected = sum(n.instructions or 0 for n in found.nodes)
    assert expected == pytest.approx(made.report.latency.instructions, rel=0.1)


def test_a_board_has_its_core_s_costs() -> None:
    board = api.inspect(DIGITS / "digits.onnx", "nucleo-l4r5zi")
    core = api.inspect(DIGITS / "digits.onnx", "cortex-m4")
    assert board.nodes == core.nodes
    assert board.target is not None
    assert board.target.board == "nucleo-l4r5zi"


def test_the_host_supports_but_does_not_count() -> None:
    found = api.inspect(DIGITS / "digits.onnx", "host")
    assert all(n.supported for n in found.nodes)
    assert {n.instructions for n in found.nodes} == {None, 0}


def test_an_operator_without_integer_form_stays_in_float() -> None:
    found = api.inspect(float_graph(Binary("atan2"), (1, 4, 4, 4)), "cortex-m4")
    assert found.figures_for == "int8"
    assert all(n.supported for n in found.nodes), "it has a float32 kernel"
    assert found.weights_bytes == 108 + 4 * 4 + 64 * 4, "int8 weights, int32 biases, floats"


@pytest.mark.parametrize(
    ("op", "reason"),
    [(Softmax(1), "last")],
)
def test_a_refused_operator_says_why(op: Op, reason: str) -> None:
    found = api.inspect(float_graph(op), "cortex-m4")
    by_name = {n.name: n for n in found.nodes}
    assert by_name["conv"].supported
    assert by_name["last"].supported is False
    assert reason in by_name["last"].reason
    assert by_name["last"].instructions is None
    samples = {"x": np.random.default_rng(0).random((4, 6, 6, 3), np.float32)}
    options = api.ConvertOptions("cortex-m4", emulator="none")
    with pytest.raises(ModelError):
        api.convert(float_graph(op), None, options, calibration=samples)


def test_every_refused_node_of_an_int8_model_is_listed() -> None:
    graph = Graph("int8")
    kind = TensorType((1, 8), DType.INT8, "", Quant.per_tensor(0.1, 0))
    value = graph.add_input("x", kind)
    for name in ("first", "second"):
        value = graph.add_node(Binary("atan2"), [value, value], kind, name=name).output
    graph.outputs = [value]
    graph.bind_ports()
    found = api.inspect(graph, "cortex-m4")
    assert [(n.name, n.supported) for n in found.nodes] == [("first", False), ("second", False)]
    assert all("no integer form" in n.reason for n in found.nodes)


def test_unknown_target() -> None:
    with pytest.raises(UsageError, match="cortex-m9"):
        api.inspect(DIGITS / "digits.onnx", "cortex-m9")


def test_unreadable_model(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"\x08\x07nonsense")
    with pytest.raises(ModelError):
        api.inspect(tmp_path / "m.onnx")


def test_it_can_be_written_and_shown() -> None:
    found = api.inspect(DIGITS / "digits.onnx", "cortex-m4")
    assert '"cost_origin"' in to_json(found)
    inspection_view(found)

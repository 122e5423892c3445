"""The integer LSTM against LiteRT's: every step identical, in numpy and in C."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import api
from edgekit.errors import ModelError
from edgekit.ir.ops import QLstm
from quantize.oracle import litert_interpreter
from quantize.reference.fixedpoint16 import logistic, tanh
from tests.differential.litert import import_bytes
from tests.tflite_builder import O, T, build, const, q8

WIDTH, UNITS, STEPS, RUNS = 7, 5, 4, 6
FIELDS: dict[str, Any] = {"fusedActivationFunction": 4, "cellClip": 10.0, "timeMajor": False}


def lstm(
    seed: int = 0, batch: int = 1, cell: float = 2.0**-12, zero: int = 0, extra: bool = False,
    loud: float = 1.0, **fields: Any,
) -> bytes:  # fmt: skip
    """A layer with random weights; ``extra`` gives it peepholes, ``loud`` saturates its gates."""
    rng = np.random.default_rng(seed)
    time_major = fields.get("timeMajor", False)
    lead = (STEPS, batch) if time_major else (batch, STEPS)
    tensors = [q8("x", (*lead, WIDTH), 0.02, -7)]
    inputs = [0]

    def add(tensor: T) -> None:
        inputs.append(len(tensors))
        tensors.append(tensor)

    for width in (WIDTH, UNITS):
        for gate in range(4):
            data = rng.integers(-127, 128, (UNITS, width), dtype=np.int8)
            add(const(f"w{width}_{gate}", data, scale=(loud * 0.005 * (gate + 1),)))
    if extra:
        peephole = rng.integers(-99, 99, UNITS).astype(np.int16)
        for gate in range(3):
            add(const(f"p{gate}", peephole, scale=(0.001,)))
    else:
        inputs += [-1] * 3
    for gate in range(4):
        data = rng.integers(-9000, 9000, UNITS).astype(np.int32)
        add(const(f"b{gate}", data, scale=(0.0001 * (gate + 1),)))
    inputs += [-1] * 2
    add(T("h", (batch, UNITS), "INT8", (1 / 128,), (zero,), variable=True))
    add(T("c", (batch, UNITS), "INT16", (cell,), (0,), variable=True))
    inputs += [-1] * 4
    first = len(tensors)
    tensors += [T(f"i{i}", (), "INT16", (2.0**-12,), (0,)) for i in range(4)]
    tensors += [q8("hidden", (), 1 / 128, zero), q8("y", (*lead, UNITS), 1 / 128, zero)]
    name = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    options = tuple({**FIELDS, **fields}.items())
    op = O(name, tuple(inputs), (len(tensors) - 1,), "UnidirectionalSequenceLSTMOptions", options,
           tuple(range(first, first + 5)))  # fmt: skip
    return build(tensors, [op])


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"seed": 1, "batch": 3, "zero": 9},
        {"seed": 2, "cell": 2.0**-15, "cellClip": 0.0},
        {"seed": 3, "cell": 2.0**-9, "cellClip": 0.0, "zero": -4},
        {"seed": 4, "cellClip": 0.5},
        {"seed": 6, "loud": 8.0, "zero": -128},
        {"seed": 5, "timeMajor": True, "batch": 2},
    ],
)
def test_every_step_equals_litert(form: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(lstm(**form))
    interpreter = litert_interpreter(path)
    port, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    shape = tuple(int(n) for n in port["shape"])
    x = np.random.default_rng(8).integers(-128, 128, (RUNS, *shape), dtype=np.int8)
    wanted = []
    for one in x:
        interpreter.set_tensor(port["index"], one)
        interpreter.invoke()
        wanted.append(interpreter.get_tensor(result["index"]))
    deployment = api.convert(path, tmp_path / "out", api.ConvertOptions("host", toolchain="gcc"))
    for place in ("reference", "host"):
        found = deployment.run({"x": np.concatenate(x)}, on=place, carry_state=True)["y"]
        np.testing.assert_array_equal(found, np.concatenate(wanted))


def test_what_is_imported() -> None:
    graph = import_bytes(lstm(zero=3))
    (node,) = graph.nodes
    assert isinstance(node.op, QLstm)
    assert (node.op.cell_bits, node.op.cell_clip, node.op.hidden.zero_point) == (3, 32767, 3)
    assert [s.state.name for s in graph.states] == ["h", "c"]
    assert set(graph.states[0].initial.ravel().tolist()) == {3}


@pytest.mark.parametrize(
    ("form", "reason"),
    [({"extra": True}, "peepholes is not supported"), ({"cell": 0.001}, "the cell's scale is")],
)
def test_what_is_refused(form: dict[str, Any], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        import_bytes(lstm(**form))


def test_fixed_point_functions_follow_the_real_ones() -> None:
    x = np.arange(-(2**15), 2**15)
    real = x / 2.0**12
    assert np.abs(logistic(x) / 2.0**15 - 1 / (1 + np.exp(-real))).max() < 2e-4
    for bits in range(7):
        gap = tanh(x, bits) / 2.0**15 - np.tanh(x / 2.0 ** (15 - bits))
        assert np.abs(gap).max() < 4e-4

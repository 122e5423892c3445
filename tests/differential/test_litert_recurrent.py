"""LSTM and SVDF in float32 against LiteRT's reference kernels, step by step in C."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit import api
from edgekit.errors import ModelError
from quantize.oracle import litert_interpreter
from tests.differential.litert import import_bytes
from tests.tflite_builder import NONE, RELU, O, T, build, const

WIDTH, UNITS, STEPS, RUNS = 6, 5, 4, 5
TANH = 4


def noise(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return rng.normal(0.0, 0.8, shape).astype(np.float32)


def lstm(
    coupled: bool = False, peepholes: bool = False, projection: bool = False, batch: int = 1,
    **fields: Any,
) -> bytes:  # fmt: skip
    """A float32 layer with random weights."""
    rng = np.random.default_rng(3)
    options = {"fusedActivationFunction": TANH, "cellClip": 0.0, "timeMajor": False, **fields}
    lead = (STEPS, batch) if options["timeMajor"] else (batch, STEPS)
    tensors = [T("x", (*lead, WIDTH), "FLOAT32")]
    inputs = [0]

    def add(name: str, data: NDArray[np.float32] | None) -> None:
        inputs.append(-1 if data is None else len(tensors))
        if data is not None:
            tensors.append(const(name, data))

    for width in (WIDTH, UNITS):
        for gate in range(4):
            absent = coupled and gate == 0
            add(f"w{width}_{gate}", None if absent else noise(rng, UNITS, width))
    for gate in range(3):
        absent = not peepholes or (coupled and gate == 0)
        add(f"p{gate}", None if absent else noise(rng, UNITS))
    for gate in range(4):
        add(f"b{gate}", None if coupled and gate == 0 else noise(rng, UNITS))
    add("projection", noise(rng, UNITS, UNITS) if projection else None)
    add("projection_bias", None)
    for name in ("h", "c"):
        inputs.append(len(tensors))
        tensors.append(T(name, (batch, UNITS), "FLOAT32", variable=True))
    inputs += [-1] * 4
    tensors.append(T("y", (*lead, UNITS), "FLOAT32"))
    name, table = "UNIDIRECTIONAL_SEQUENCE_LSTM", "UnidirectionalSequenceLSTMOptions"
    op = O(name, tuple(inputs), (len(tensors) - 1,), table, tuple(options.items()))
    return build(tensors, [op])


def svdf(rank: int = 1, memory: int = 3, activation: int = NONE, bias: bool = True) -> bytes:
    """Filters over the last steps."""
    rng = np.random.default_rng(4)
    filters, batch = 4 * rank, 2
    tensors = [
        T("x", (batch, WIDTH), "FLOAT32"), const("feature", noise(rng, filters, WIDTH)),
        const("time", noise(rng, filters, memory)), const("b", noise(rng, 4)),
        T("state", (batch, filters * memory), "FLOAT32", variable=True),
        T("y", (batch, 4), "FLOAT32"),
    ]  # fmt: skip
    fields = (("rank", rank), ("fusedActivationFunction", activation))
    return build(tensors, [O("SVDF", (0, 1, 2, 3 if bias else -1, 4), (5,), "SVDFOptions", fields)])


def assert_steps_equal(model: bytes, folder: Path) -> None:
    path = folder / "model.tflite"
    path.write_bytes(model)
    interpreter = litert_interpreter(path)
    port, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    x = noise(np.random.default_rng(5), RUNS, *map(int, port["shape"]))
    wanted = []
    for one in x:
        interpreter.set_tensor(port["index"], one)
        interpreter.invoke()
        wanted.append(interpreter.get_tensor(result["index"]))
    options = api.ConvertOptions("host", precision="float32", toolchain="gcc")
    deployment = api.convert(path, folder / "out", options)
    found = deployment.run({"x": np.concatenate(x)}, on="host", carry_state=True)["y"]
    np.testing.assert_allclose(found, np.concatenate(wanted), rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    "form",
    [
        {}, {"peepholes": True, "batch": 2}, {"coupled": True, "peepholes": True},
        {"cellClip": 0.3}, {"timeMajor": True, "batch": 2}, {"fusedActivationFunction": RELU},
    ],
)  # fmt: skip
def test_lstm(form: dict[str, Any], tmp_path: Path) -> None:
    assert_steps_equal(lstm(**form), tmp_path)


@pytest.mark.parametrize(
    "form",
    [{}, {"rank": 2, "activation": RELU}, {"memory": 1, "bias": False}, {"rank": 3, "memory": 5}],
)
def test_svdf(form: dict[str, Any], tmp_path: Path) -> None:
    assert_steps_equal(svdf(**form), tmp_path)


def test_what_is_refused() -> None:
    with pytest.raises(ModelError, match="a projection is not supported"):
        import_bytes(lstm(projection=True))
    with pytest.raises(ModelError, match="activation 3; allowed: NONE, RELU, TANH"):
        import_bytes(lstm(fusedActivationFunction=3))

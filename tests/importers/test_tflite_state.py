"""Variables of TFLite models: state from run to run, equal to LiteRT's, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit import api
from edgekit.errors import ModelError
from edgekit.importers.tflite import load_tflite
from quantize.oracle import litert_interpreter
from tests.differential.litert import samples
from tests.tflite_builder import O, T, build, const, q8

STEPS = 20
SHAPE = (1, 4)
FIRST = np.array([[3, -5, 100, -128]], np.int8)
HANDLE = O("VAR_HANDLE", (), (0,), "VarHandleOptions", (("sharedName", "level"),))


def model(first: T | None = None, operators: list[O] | None = None) -> bytes:
    """``level = x + level``; the output is the old level plus the new one."""
    tensors = [
        T("level", (), "RESOURCE"), q8("x", SHAPE, 0.1, 0), q8("old", SHAPE, 0.1, 0),
        q8("new", SHAPE, 0.1, 0), q8("again", SHAPE, 0.1, 0), q8("y", SHAPE, 0.2, 0),
    ]  # fmt: skip
    body = operators or [
        O("CALL_ONCE", (), (), "CallOnceOptions", (("initSubgraphIndex", 1),)),
        HANDLE,
        O("READ_VARIABLE", (0,), (2,), "ReadVariableOptions"),
        O("ADD", (1, 2), (3,), "AddOptions"),
        O("ASSIGN_VARIABLE", (0, 3), (), "AssignVariableOptions"),
        O("READ_VARIABLE", (0,), (4,), "ReadVariableOptions"),
        O("ADD", (2, 4), (5,), "AddOptions"),
    ]
    start = first or const("first", FIRST, scale=(0.1,))
    init = [HANDLE, O("ASSIGN_VARIABLE", (0, 1), (), "AssignVariableOptions")]
    return build(tensors, body, (1,), further=[([T("h", (), "RESOURCE"), start], init)])


def test_variables_equal_litert_step_by_step(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(model())
    x = samples(SHAPE, STEPS, 3)
    interpreter = litert_interpreter(path)
    wanted = []
    for row in x:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], row[None])
        interpreter.invoke()
        wanted.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    deployment = api.convert(path, tmp_path / "out", api.ConvertOptions("host", toolchain="gcc"))
    for place in ("reference", "host"):
        found = deployment.run({"x": x}, on=place, carry_state=True)["y"]
        np.testing.assert_array_equal(found, wanted)


def refusal(content: bytes, folder: Path) -> str:
    path = folder / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load_tflite(path)
    return str(caught.value)


def test_what_is_refused(tmp_path: Path) -> None:
    read = O("READ_VARIABLE", (0,), (5,), "ReadVariableOptions")
    assert "is read before anything is assigned" in refusal(model(None, [HANDLE, read]), tmp_path)
    assert "is not a variable" in refusal(model(None, [read]), tmp_path)
    assert "is not a constant" in refusal(model(q8("first", SHAPE, 0.1, 0)), tmp_path)
    wrong = const("first", FIRST.astype(np.int16), scale=(0.1,))
    assert "starts as int16[1, 4]" in refusal(model(wrong), tmp_path)
    call = O("CALL_ONCE", (), (), "CallOnceOptions", (("initSubgraphIndex", 7),))
    assert "calls subgraph 7 of 2" in refusal(model(None, [call, read]), tmp_path)

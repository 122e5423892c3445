"""Files with several signatures: each is a model of its own, equal to LiteRT's runner."""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from edgekit import api
from edgekit.errors import ModelError, UsageError
from edgekit.importers import load_model
from tests.tflite_builder import O, T, build

SHAPE = (1, 4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """``double``: x + x, and ``square``: x * x, in subgraphs 0 and 1."""
    tensors = [T("x", SHAPE, "FLOAT32"), T("y", SHAPE, "FLOAT32")]
    double = [O("ADD", (0, 0), (1,), "AddOptions")]
    square = [O("MUL", (0, 0), (1,), "MulOptions")]
    content = build(tensors, double, further=[(tensors, square)])
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    model.subgraphs[1].inputs, model.subgraphs[1].outputs = [0], [1]
    model.signatureDefs = [signature(name, i) for i, name in enumerate(("double", "square"))]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    file = tmp_path / "two.tflite"
    file.write_bytes(bytes(builder.Output()))
    return file


def signature(name: str, subgraph: int) -> schema.SignatureDefT:
    def port(label: str, index: int) -> schema.TensorMapT:
        made = schema.TensorMapT()
        made.name, made.tensorIndex = label, index
        return made

    made = schema.SignatureDefT()
    made.signatureKey, made.subgraphIndex = name, subgraph
    made.inputs, made.outputs = [port("x", 0)], [port("y", 1)]
    return made


@pytest.mark.parametrize("name", ["double", "square"])
def test_each_signature_equals_the_runner_of_litert(name: str, path: Path) -> None:
    x = np.random.default_rng(1).normal(0, 2, (5, 4)).astype(np.float32)
    runner = Interpreter(str(path)).get_signature_runner(name)
    wanted = np.stack([runner(x=row[None])["y"][0] for row in x])
    options = api.ConvertOptions(
        "host", precision="float32", signature=name, name="two", toolchain="gcc"
    )
    found = api.convert(path, None, options).run({"x": x}, on="host")["y"]
    np.testing.assert_allclose(found.reshape(wanted.shape), wanted, rtol=1e-6)


def test_the_first_subgraph_by_default(path: Path) -> None:
    assert [n.op.name for n in load_model(path).nodes] == ["Add"]


def test_an_unknown_signature_is_answered_with_those_there_are(path: Path) -> None:
    with pytest.raises(ModelError, match=r"no signature 'train'; its signatures: double, square"):
        load_model(path, signature="train")


def test_other_formats_have_no_signatures(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"not read")
    with pytest.raises(UsageError, match="--signature is for TFLite models"):
        api.inspect(tmp_path / "m.onnx", signature="main")

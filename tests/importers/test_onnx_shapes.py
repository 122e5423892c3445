"""Inputs whose axes the model leaves open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit import api
from edgekit.errors import ModelError, UsageError
from edgekit.importers.onnx import load_onnx
from edgekit.ir import Graph
from tests.onnx_models import noise, onnx_model, run_graph, run_onnxruntime, save

TWO = "float[batch,seq,2] a, float[batch,seq,2] b"


def sized(folder: Path, inputs: str, shapes: dict[str, tuple[int, ...]]) -> Graph:
    body = "y = Add(a, b)" if "b" in inputs.split()[-1] else "y = Relu(a)"
    return load_onnx(save(onnx_model(body, inputs), folder), shapes=shapes)


def shape_texts(graph: Graph) -> list[tuple[int, ...]]:
    return [v.type.shape for v in graph.inputs]


def test_an_open_batch_is_one_and_names_are_shared(tmp_path: Path) -> None:
    assert shape_texts(sized(tmp_path, "float[n,2] a", {})) == [(1, 2)]
    assert shape_texts(sized(tmp_path, "float[n,2] a", {"a": (3, 2)})) == [(3, 2)]
    assert shape_texts(sized(tmp_path, TWO, {"a": (1, 7, 2)})) == [(1, 7, 2)] * 2


@pytest.mark.parametrize(
    ("inputs", "shapes", "expected"),
    [
        (TWO, {}, "--shape a=1,seq,2 (numbers instead of names)"),
        (TWO, {}, "--shape b=1,seq,2 (numbers instead of names)"),
        (TWO, {"a": (1, 7, 3)}, "--shape a=1,7,3 contradicts the model; allowed: batch,seq,2"),
        (TWO, {"a": (7, 2)}, "contradicts the model"),
        (TWO, {"a": (1, 7, 2), "b": (1, 8, 2)}, "contradicts the model; allowed: batch,seq,2"),
        ("float[n,2] a", {"c": (1, 2)}, "--shape c: no input has this name; allowed: a"),
        ("float[n,0] a", {}, "its shape is (1, 0): it holds nothing"),
    ],
)
def test_what_does_not_fit_names_the_option(
    inputs: str, shapes: dict[str, tuple[int, ...]], expected: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError) as caught:
        sized(tmp_path, inputs, shapes)
    assert expected in str(caught.value)


def test_a_model_of_unknown_rank(tmp_path: Path) -> None:
    model = onnx_model("y = Relu(a)", "float[n] a")
    model.graph.input[0].type.tensor_type.ClearField("shape")
    path = save(model, tmp_path)
    with pytest.raises(ModelError, match="--shape a=1,3,224,224"):
        load_onnx(path)
    assert shape_texts(load_onnx(path, shapes={"a": (2, 3, 4)})) == [(2, 3, 4)]


def test_shapes_reach_every_entry(tmp_path: Path) -> None:
    path = save(onnx_model("y = Relu(a)", "float[n,c,h,w] a", "float[] y"), tmp_path)
    shapes = {"a": (1, 2, 4, 4)}
    assert api.inspect(path, shapes=shapes).inputs[0].shape == (1, 2, 4, 4)
    options = api.ConvertOptions("host", precision="float32", shapes=shapes, toolchain="gcc")
    feeds = {"a": noise(1, 2, 4, 4)}
    found = api.convert(path, tmp_path / "out", options).run(feeds, on="host")
    np.testing.assert_array_equal(found["y"], run_onnxruntime(path, feeds)["y"])
    with pytest.raises(UsageError, match="--shape is for ONNX"):
        api.inspect(load_onnx(path, shapes=shapes), shapes=shapes)


def test_inputs_nobody_reads_and_inputs_as_outputs(tmp_path: Path) -> None:
    inputs = "float[n,2] a, float[n,3] unused"
    graph = load_onnx(save(onnx_model("y = Relu(a)", inputs, "float[] y, float[] a"), tmp_path))
    arrays = {"a": noise(1, 2), "unused": noise(1, 3)}
    found = run_graph(graph, arrays)
    np.testing.assert_array_equal(found["a"], arrays["a"])
    np.testing.assert_array_equal(found["y"], np.maximum(arrays["a"], 0))

"""Whole int8 models: identical to LiteRT's reference kernels, and to TFLite Micro's arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.importers.tflite import load_tflite
from edgekit.ir import Graph
from edgekit.passes.infra import run_passes
from quantize.lower import LowerInteger
from quantize.lowering.common import RoundingName
from quantize.oracle import litert_interpreter, run_litert
from quantize.reference import evaluate
from tests.support import material

pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")

TINY = "mlperf_tiny/models/"
MODELS = {
    TINY + "pretrainedResnet_quant": "ic01_200",
    TINY + "kws_ref_model": "kws01_A500",
    TINY + "vww_96_int8": "vww_coco_train2017_128",
    TINY + "ad01_int8": "",
    TINY + "str_ww_ref_model": "",
    "tinymaix/mnist_valid_q": "mnist_A1000",
    "tinymaix/mnist_dw_q": "mnist_A1000",
    "mltk/image_classification": "ic01_200",
    "mltk/keyword_spotting_on_off": "",
    "tflm/models/micro_speech_quantized": "",
    "tflm/models/hello_world_int8": "",
    "tflm/models/simple_add_model": "",
}


def lowered(path: Path, rounding: RoundingName) -> Graph:
    return run_passes(load_tflite(path), [LowerInteger(rounding)])


def data(name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Labelled samples; image bytes become int8 by subtracting 128."""
    arrays = np.load(material() / "datasets" / f"{name}.npz")
    x = arrays["x96"] if "x96" in arrays else arrays["x"]
    if x.dtype == np.uint8:
        x = (x.astype(np.int16) - 128).astype(np.int8)
    return x, arrays["y"]


def inputs_of(graph: Graph, dataset: str, count: int) -> list[NDArray[Any]]:
    """Random int8 samples, half of them replaced by real data where there is some."""
    rng = np.random.default_rng(7)
    result = []
    for value in graph.inputs:
        x = rng.integers(-128, 128, (count, *value.type.shape[1:]), dtype=np.int8)
        if dataset:
            real = data(dataset)[0][: count // 2]
            x[: len(real)] = real.reshape(-1, *x.shape[1:])
        result.append(x)
    return result


@pytest.mark.parametrize("name", MODELS)
def test_litert_rounding_is_identical_on_100_inputs(name: str) -> None:
    path = material() / f"{name}.tflite"
    graph = lowered(path, "litert")
    x = inputs_of(graph, MODELS[name], 100)
    found = evaluate(graph, {v.name: a for v, a in zip(graph.inputs, x, strict=True)})
    for value, theirs in zip(graph.outputs, run_litert(path, x), strict=True):
        np.testing.assert_array_equal(found[value.name], theirs)


@pytest.mark.parametrize("name", [n for n in MODELS if n.startswith(TINY)])
def test_every_intermediate_tensor_is_identical(name: str) -> None:
    # Outputs alone could hide differences behind a softmax.
    path = material() / f"{name}.tflite"
    graph = lowered(path, "litert")
    x = inputs_of(graph, MODELS[name], 4)
    ours = evaluate(graph, {graph.inputs[0].name: x[0]}, keep="all")
    theirs = litert_interpreter(path, keep_all=True)
    source = theirs.get_input_details()[0]
    compared = 0
    for index in range(4):
        theirs.set_tensor(source["index"], x[0][index].reshape(source["shape"]))
        theirs.invoke()
        for detail in theirs.get_tensor_details():
            if detail["name"] in ours and detail["dtype"] is np.int8:
                tensor = theirs.get_tensor(detail["index"])
                np.testing.assert_array_equal(ours[detail["name"]][index], tensor[0])
                compared += 1
    assert compared >= 4 * len(graph.nodes)


@pytest.mark.parametrize(
    "name", ["pretrainedResnet_quant", "kws_ref_model", "vww_96_int8", "ad01_int8"]
)
def test_tflm_rounding_is_identical_to_stored_outputs(name: str) -> None:
    folder = material()
    stored = np.load(folder / "tflm_rounding" / f"{name}.npz")
    graph = lowered(folder / TINY / f"{name}.tflite", "tflm")
    source = graph.inputs[0]
    x = stored["x"].reshape(-1, *source.type.shape[1:])
    found = evaluate(graph, {source.name: x})[graph.outputs[0].name]
    np.testing.assert_array_equal(found.reshape(stored["y"].shape), stored["y"])


def test_the_two_references_differ_on_the_autoencoder() -> None:
    # Guards against both modes silently doing the same.
    path = material() / TINY / "ad01_int8.tflite"
    x = inputs_of(lowered(path, "litert"), "", 4)[0]
    results = []
    for rounding in ("litert", "tflm"):
        graph = lowered(path, rounding)
        results.append(evaluate(graph, {graph.inputs[0].name: x})[graph.outputs[0].name])
    assert (results[0] != results[1]).sum() > 100


@pytest.mark.parametrize(
    ("name", "dataset", "correct"),
    [
        (TINY + "pretrainedResnet_quant", "ic01_200", 173),
        (TINY + "pretrainedResnet_quant", "cifar10_jpg_A1000", 749),
        (TINY + "kws_ref_model", "kws01_A500", 449),
        (TINY + "vww_96_int8", "vww_coco_train2017_128", 110),
        ("tinymaix/mnist_valid_q", "mnist_A1000", 958),
        ("tinymaix/mnist_dw_q", "mnist_A1000", 906),
    ],
)
def test_labelled_accuracy_is_reproduced(name: str, dataset: str, correct: int) -> None:
    x, y = data(dataset)
    graph = lowered(material() / f"{name}.tflite", "litert")
    source = graph.inputs[0]
    found = evaluate(graph, {source.name: x.reshape(-1, *source.type.shape[1:])})
    assert int((found[graph.outputs[0].name].argmax(axis=1) == y).sum()) == correct


@pytest.mark.parametrize(
    ("name", "dataset", "divisor", "correct"),
    [
        (TINY + "pretrainedResnet", "ic01_200", 1.0, 171),
        (TINY + "pretrainedResnet", "cifar10_jpg_A1000", 1.0, 751),
        (TINY + "vww_96_float", "vww_coco_train2017_128", 255.0, 110),
        ("tinymaix/mnist_valid_f", "mnist_A1000", 255.0, 960),
        ("tinymaix/mnist_dw_f", "mnist_A1000", 255.0, 903),
    ],
)
def test_float_accuracy_is_reproduced(
    name: str, dataset: str, divisor: float, correct: int
) -> None:
    arrays = np.load(material() / "datasets" / f"{dataset}.npz")
    graph = load_tflite(material() / f"{name}.tflite")
    source = graph.inputs[0]
    x = (arrays["x96"] if "x96" in arrays else arrays["x"]).astype(np.float32) / divisor
    feeds = {source.name: x.reshape(-1, *source.type.shape[1:]).astype(np.float32)}
    found = evaluate(graph, feeds)[graph.outputs[0].name]
    assert int((found.argmax(axis=1) == arrays["y"]).sum()) == correct


@pytest.mark.parametrize("name", ["pretrainedResnet", "vww_96_float", "ad01_fp32"])
def test_float_models_agree_with_litert(name: str) -> None:
    path = material() / TINY / f"{name}.tflite"
    graph = load_tflite(path)
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 1, (4, *graph.inputs[0].type.shape[1:])).astype(np.float32)
    ours = evaluate(graph, {graph.inputs[0].name: x})[graph.outputs[0].name]
    np.testing.assert_allclose(ours, run_litert(path, [x])[0], rtol=1e-3, atol=1e-4)

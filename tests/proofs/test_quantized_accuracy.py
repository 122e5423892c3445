"""Float models quantized by edgekit: the accuracy that is left, in generated C."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit import api
from edgekit.deployment import Deployment
from edgekit.importers import load_model
from profiles.runners import EMULATORS
from quantize.oracle import run_litert
from targets.load import load_core
from tests.conversions import Conversions
from tests.proofs.data import FLOAT_TASKS, FloatTask
from tests.runners.support import skip_unless

Array = NDArray[Any]
M4 = load_core("cortex-m4")
VWW_IMAGES = 2
"""What VWW may lose: 100 images are too few for tenths of a point."""


@functools.cache
def task(name: str) -> FloatTask:
    return FLOAT_TASKS[name]()


@functools.cache
def oracle_scores(name: str) -> Array:
    """Scores of every sample by LiteRT's reference kernels or unoptimised ONNX Runtime."""
    return oracle(task(name), task(name).x)


def oracle(what: FloatTask, x: Array) -> Array:
    if what.model.suffix == ".tflite":
        pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")
        return run_litert(what.model, [x])[0]
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(what.model, options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {source: x[i : i + 1]})[0] for i in range(len(x))])


def correct(scores: Array, y: Array) -> int:
    return int((scores.reshape(len(y), -1).argmax(axis=1) == y).sum())


def labelled(what: FloatTask) -> dict[str, Array]:
    return {"x": what.x, "y": what.y}


def quantized(name: str, conversions: Conversions) -> Deployment:
    what = task(name)
    options = api.ConvertOptions("host", vectors=2)
    return conversions(what.model, options, {"x": what.calibration})


@pytest.mark.parametrize("name", FLOAT_TASKS)
def test_float_accuracy_is_the_oracles(name: str) -> None:
    what = task(name)
    found = api.evaluate(what.model, labelled(what))
    assert found.samples == len(what.y)
    assert found.correct == correct(oracle_scores(name), what.y)


@pytest.mark.parametrize("name", FLOAT_TASKS)
def test_int8_accuracy_in_host_c(name: str, conversions: Conversions) -> None:
    what = task(name)
    assert len(what.calibration) == (28 if name.startswith("vww") else 100)
    deployment = quantized(name, conversions)
    assert deployment.manifest.precision == "int8"
    found = deployment.evaluate(labelled(what), on="host")
    float_correct = correct(oracle_scores(name), what.y)
    assert found.correct is not None
    lost = float_correct - found.correct
    assert lost <= (VWW_IMAGES if name.startswith("vww") else 0.01 * len(what.y))


@pytest.mark.parametrize("name", FLOAT_TASKS)
def test_int8_in_host_c_is_the_integer_reference(name: str, conversions: Conversions) -> None:
    deployment = quantized(name, conversions)
    x = task(name).x[:20]
    (wanted,) = deployment.run({"x": x}).values()
    (found,) = deployment.run({"x": x}, on="host").values()
    assert wanted.dtype == np.float32  # a float model stays one for its caller
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", ["digits", "tinymaix", "resnet"])
def test_float32_code_agrees_with_the_oracle(name: str, conversions: Conversions) -> None:
    what = task(name)
    options = api.ConvertOptions(M4.name, precision="float32", vectors=1)
    deployment = conversions(what.model, options)
    x = what.x[:3]
    wanted = oracle(what, x)
    limit = 1e-4 * float(np.abs(wanted).max())
    (on_host,) = deployment.run({"x": x}, on="host").values()
    np.testing.assert_allclose(on_host, wanted, rtol=0, atol=limit)
    skip_unless(EMULATORS["unicorn"].missing(M4))
    (emulated,) = deployment.run({"x": x}, on="emulator").values()
    np.testing.assert_array_equal(emulated, on_host)  # no fused operations on either side


def test_load_model_sees_float_models() -> None:
    # The tasks must not have become int8 by accident: then nothing would be quantized here.
    for name in FLOAT_TASKS:
        graph = load_model(task(name).model)
        assert graph.inputs[0].type.dtype.value == "float32", name

"""Compare our integer reference with LiteRT's reference kernels on small generated models."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit import api
from edgekit.importers.tflite import load_tflite
from edgekit.ir import Graph
from edgekit.options import Precision
from edgekit.passes.infra import run_passes
from edgekit.pipeline.lowering import is_quantized
from quantize.lower import LowerInteger
from quantize.lowering.common import RoundingName
from quantize.oracle import run_litert
from quantize.reference import evaluate

pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")


def import_bytes(model: bytes) -> Graph:
    """Import a model from memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(model)
        return load_tflite(path)


def run_ours(
    model: bytes, inputs: Sequence[NDArray[Any]], rounding: RoundingName = "litert"
) -> list[NDArray[Any]]:
    """Outputs of the lowered graph."""
    graph = run_passes(import_bytes(model), [LowerInteger(rounding)])
    feeds = {v.name: x for v, x in zip(graph.inputs, inputs, strict=True)}
    found = evaluate(graph, feeds)
    return [found[v.name] for v in graph.outputs]


def assert_equal_to_litert(model: bytes, inputs: Sequence[NDArray[Any]]) -> None:
    """Every output is identical to BUILTIN_REF's."""
    for ours, theirs in zip(run_ours(model, inputs), run_litert(model, inputs), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def samples(shape: tuple[int, ...], count: int, seed: int) -> NDArray[np.int8]:
    """Random int8 samples, the extremes among them."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-128, 128, (count, *shape[1:]), dtype=np.int8)
    x[0] = -128
    x[-1] = 127
    return x


def assert_c_equals_litert(
    model: bytes, inputs: Sequence[NDArray[Any]], folder: Path, tolerance: float = 0.0
) -> None:
    """Compiled for this machine, the model gives BUILTIN_REF's outputs: identical, or float ones
    within ``tolerance`` of the largest magnitude."""
    path = folder / "model.tflite"
    path.write_bytes(model)
    graph = load_tflite(path)
    precision: Precision | None = None if is_quantized(graph) else "float32"
    options = api.ConvertOptions("host", precision=precision, toolchain="gcc", vectors=1)
    deployment = api.convert(graph, folder / "out", options)
    named = {b.name: x for b, x in zip(graph.input_bindings, inputs, strict=True)}
    found = deployment.run(named, on="host")
    for ours, theirs in zip(found.values(), run_litert(model, inputs), strict=True):
        assert ours.dtype == theirs.dtype
        largest = float(np.abs(theirs.astype(np.float64)).max(initial=0.0))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * largest)

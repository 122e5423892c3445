"""What the tests of passes share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.importers.onnx import load_onnx
from edgekit.ir import Graph
from edgekit.passes import Pass, run_passes
from tests.onnx_models import Arrays, noise, operators, run_graph, run_onnxruntime, save


def check(
    model: Any, passes: Sequence[Pass], expected: list[str], folder: Path, samples: int = 2
) -> Graph:
    """Run passes on a model: the operators that remain, and the numbers of ONNX Runtime."""
    path = save(model, folder)
    graph = load_onnx(path)
    arrays: Arrays = {}
    for index, binding in enumerate(graph.input_bindings):
        arrays[binding.name] = noise(samples, *binding.outer.shape[1:], seed=index)
    result = run_passes(graph, passes)
    assert operators(result) == expected
    wanted = run_onnxruntime(path, arrays)
    for name, array in run_graph(result, arrays).items():
        np.testing.assert_allclose(array, wanted[name], rtol=0, atol=2e-5, err_msg=name)
    return result


def check_refused(
    model: Any,
    rewrite: Pass,
    reason: str,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The pass leaves the model as it is and logs why."""
    graph = load_onnx(save(model, folder))
    before = str(graph)
    with caplog.at_level("DEBUG", logger="edgekit.passes"):
        assert not rewrite.run(graph)
    assert str(graph) == before
    assert reason in caplog.text

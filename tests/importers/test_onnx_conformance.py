"""The node tests that come with onnx: what is imported gives their stored outputs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.importers.onnx.registry import HANDLERS
from tests.onnx_models import run_graph, save, stages

MUST_PASS = {
    "test_averagepool_2d_ceil", "test_averagepool_2d_default",
    "test_averagepool_2d_pads_count_include_pad", "test_averagepool_2d_same_lower",
    "test_averagepool_2d_same_upper", "test_averagepool_2d_strides",
    "test_basic_conv_with_padding", "test_basic_conv_without_padding",
    "test_conv_with_autopad_same", "test_conv_with_strides_padding", "test_globalaveragepool",
    "test_maxpool_2d_ceil", "test_maxpool_2d_dilations", "test_maxpool_2d_pads",
    "test_maxpool_2d_same_lower", "test_maxpool_2d_same_upper", "test_maxpool_2d_strides",
}  # fmt: skip


def cases() -> list[Any]:
    """Node tests made of known operators only."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = collect_testcases(None)
    return [c for c in found if all(n.op_type in HANDLERS for n in c.model.graph.node)]


def with_constants(case: Any) -> Any:
    """The model with every input but the first as an initializer."""
    from onnx.numpy_helper import from_array

    model = type(case.model)()
    model.CopyFrom(case.model)
    for info, data in list(zip(model.graph.input, case.data_sets[0][0], strict=False))[1:]:
        if isinstance(data, np.ndarray | np.generic):
            model.graph.initializer.append(from_array(np.asarray(data), info.name))
    return model


def test_node_tests_of_onnx(tmp_path: Path) -> None:
    passed = set()
    for case in cases():
        path = save(with_constants(case), tmp_path)
        try:
            graphs = stages(path)
        except ModelError:
            continue
        inputs, outputs = case.data_sets[0]
        if not isinstance(inputs[0], np.ndarray):
            continue
        first = {case.model.graph.input[0].name: np.asarray(inputs[0])}
        for stage, graph in graphs.items():
            try:
                found = run_graph(graph, first)
            except ModelError:
                break
            for info, wanted in zip(case.model.graph.output, outputs, strict=True):
                np.testing.assert_allclose(
                    found[info.name], wanted, rtol=case.rtol, atol=1e-6,
                    err_msg=f"{case.name} {stage}",
                )  # fmt: skip
        else:
            passed.add(case.name)
    missing = MUST_PASS - passed
    if missing:
        pytest.fail(f"no longer imported: {sorted(missing)}")

"""The loader of LiteRT's reference kernels."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from edgekit.errors import ModelError, ToolError
from quantize import oracle
from tests.tflite_builder import O, build, q8


def test_runs_each_sample() -> None:
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")
    model = build([q8("x", (1, 3), 0.1, 4), q8("y", (1, 3), 0.1, 4)], [O("RELU", (0,), (1,))])
    x = np.array([[-128, 3, 5], [4, 127, 0]], np.int8)
    assert oracle.run_litert(model, [x])[0].tolist() == [[4, 4, 5], [4, 127, 4]]
    assert oracle.oracle_version().startswith("ai-edge-litert 2")


def test_a_rejected_model_is_a_model_error() -> None:
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")
    with pytest.raises(ModelError, match="LiteRT rejects"):
        oracle.litert_interpreter(b"nonsense")


def test_a_missing_interpreter_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str, *rest: Any) -> ModuleType:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ToolError, match="pip install ai-edge-litert"):
        oracle.litert_interpreter(b"")

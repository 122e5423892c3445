"""A few files of the material through the whole conversion (``make material`` runs all)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.material.cases import Case
from tests.material.files import find, not_counted
from tests.material.verify import MATCH, verify
from tests.support import material

FEW = [
    "deeploy/kernels/FP32_Add_Regular/network.onnx",
    "microwakeword/v2_vad.tflite",
    "onnx2c/simple_networks/conv_k2_maxpool_k2.onnx",
    "onnx2c/simple_networks/fp_float16.onnx",
    "tflm/models/hello_world_int8.tflite",
    "tflm/models/simple_add_model.tflite",
    "tflm/models/trained_lstm_int8.tflite",
    "tflm/seanet/add/add0.tflite",
    "tflm/seanet/conv/conv0.tflite",
]


@pytest.mark.parametrize("name", FEW)
def test_files_match_their_oracle(name: str) -> None:
    folder = material()
    row = verify(folder / name, folder)
    assert row.status == MATCH, row.detail
    assert not row.not_counted


def test_tree_ensembles_do_not_count() -> None:
    (path,) = find(material(), "ml_trees/treecl.onnx")
    assert not_counted(path) == "tree ensemble (TreeEnsembleClassifier)"


def test_a_difference_is_found() -> None:
    whole = Case(Path("m"), {}, [np.array([1, 2, 3], np.int8)], "oracle")
    assert whole.compare([np.array([1, 2, 3], np.int8)]) == ""
    assert "1 of 3 integers differ, by up to 2" in whole.compare([np.array([1, 0, 3], np.int8)])
    assert "int8" in whole.compare([np.array([1, 2, 3], np.int16)])
    real = Case(Path("m"), {}, [np.array([1.0, -2.0], np.float32)], "oracle")
    assert real.compare([np.array([1.0, -2.0001], np.float32)]) == ""
    assert "differs" in real.compare([np.array([1.0, -2.001], np.float32)])
    assert real.compare([]) == "0 outputs instead of 1"

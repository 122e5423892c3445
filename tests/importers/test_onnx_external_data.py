"""Weights in files beside the model: read where they belong, refused everywhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgekit.errors import ModelError
from edgekit.importers.onnx import load_onnx
from tests.onnx_models import noise, onnx_model, run_graph, run_onnxruntime, save

W = noise(4, 5)


def external(folder: Path, **entries: object) -> Path:
    """``y = Gemm(x, w)`` whose ``w`` has these entries of external data."""
    model = onnx_model("y = Gemm<transB=1>(x, w)", "float[1,5] x", "float[1,4] y", w=W)
    tensor: Any = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in entries.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    return save(model, folder)


def test_data_with_an_offset_in_a_folder_below(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "w.bin").write_bytes(b"????" + W.tobytes() + b"!")
    path = external(tmp_path, location="data/w.bin", offset=4, length=80)
    feeds = {"x": noise(1, 5, seed=1)}
    np.testing.assert_allclose(
        run_graph(load_onnx(path), feeds)["y"], run_onnxruntime(path, feeds)["y"], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ({"location": "/etc/passwd"}, "lie at '/etc/passwd'"),
        ({"location": "../w.bin"}, "lie at '../w.bin'"),
        ({"location": "a/../w.bin"}, "lie at"),
        ({"location": "link.bin"}, "linked to elsewhere"),
        ({"location": "none.bin"}, "'none.bin' are missing"),
        ({"location": "x" * 5000}, "lie at 'xxxx"),
        ({}, "have no place"),
        ({"location": "w.bin", "offset": 4}, "76 bytes"),
        ({"location": "w.bin", "length": 79}, "79 bytes"),
        ({"location": "w.bin", "offset": 8, "length": 80}, "bytes 8 to 88 of 'w.bin'"),
        ({"location": "w.bin", "offset": -4, "length": 80}, "bytes -4"),
        ({"location": "w.bin", "offset": "x"}, "no numbers"),
    ],
)
def test_data_elsewhere_or_of_another_size(
    entries: dict[str, object], expected: str, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for place in (folder, tmp_path):
        (place / "w.bin").write_bytes(W.tobytes())
    (folder / "link.bin").symlink_to(tmp_path / "w.bin")
    with pytest.raises(ModelError) as caught:
        load_onnx(external(folder, **entries))
    assert "initializer 'w'" in str(caught.value)
    assert expected in str(caught.value)

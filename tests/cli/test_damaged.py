"""A converted model with damaged or missing files: which one, and what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.artefact import manifest_to_json
from edgekit.deployment import Deployment
from edgekit.errors import DataError
from edgekit.ir import DType
from edgekit.ir.ops import Softmax
from edgekit.ir.serialize import save_graph
from edgekit.report.codec import to_json
from tests.cli.conftest import FakeApi, FakeDeployment, Runner
from tests.codegen.graphs import float32, single
from tests.report.samples import full_report


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A converted model without its code."""
    out = tmp_path / "out"
    store = out / "edgekit"
    store.mkdir(parents=True)
    manifest = manifest_to_json(FakeDeployment(FakeApi()).manifest)
    (out / "manifest.json").write_text(manifest, encoding="utf-8")
    (out / "report.json").write_text(to_json(full_report()), encoding="utf-8")
    save_graph(single(Softmax(), [float32(1, 2)], DType.FLOAT32), store)
    np.savez(store / "vectors.npz", input_0=np.zeros((1, 2), np.float32))
    return out


def read(folder: Path) -> None:
    """Everything that the commands read of it."""
    deployment = Deployment.load(folder)
    assert deployment.graph.nodes
    deployment.vectors()


def test_whole(folder: Path) -> None:
    read(folder)


@pytest.mark.parametrize("content", ["garbage", "{}", "[]", '{"schema_version": 1}', "\xff", None])
@pytest.mark.parametrize(
    "name",
    [
        "manifest.json",
        "report.json",
        "edgekit/graph.json",
        "edgekit/graph.npz",
        "edgekit/vectors.npz",
    ],
)
def test_damage_is_told_with_what_to_do(name: str, content: str | None, folder: Path) -> None:
    path = folder / name
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="latin-1")
    with pytest.raises(DataError) as caught:
        read(folder)
    text = str(caught.value)
    assert name in text
    if name == "manifest.json" and content is None:
        assert f"{folder} is not a converted model" in text
    else:
        assert f"edgekit convert MODEL --target T -o {folder} --force" in text
    for alien in ("pickle", "object", "indices", "codec", "savez", "None"):
        assert alien not in text


def test_out_is_a_file(edgekit_cli: Runner, samples: Path) -> None:
    result = edgekit_cli("profile", samples)
    assert result.exit_code == 3
    assert f"{samples} is a file; a converted model is a folder" in result.stderr
    result = edgekit_cli("debug", samples)  # takes models too
    assert result.exit_code == 3
    assert f"{samples} is not an ONNX model" in result.stderr
    result = edgekit_cli("report", samples)
    assert result.exit_code == 3
    assert "A report is the folder that convert made" in result.stderr

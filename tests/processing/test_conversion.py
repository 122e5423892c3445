"""A conversion with helpers: what it checks, keeps and refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit import api
from edgekit.artefact import Manifest
from edgekit.deployment import Deployment
from edgekit.errors import CheckFailed, DataError, UsageError
from edgekit.ir import DType
from edgekit.pipeline import helpers
from targets.load import load_core
from targets.toolchains import get_toolchain
from tests.processing.helpers import Array, graph
from tests.runners.support import skip_unless

OPTIONS = api.ConvertOptions("host", toolchain="gcc", vectors=1, name="net")
SHAPES = {"image": ((1, 5, 7, 3), DType.INT8), "rest": ((1, 4), DType.INT8)}
PROCESSING = api.Processing(
    {"image": api.ImageInput(9, 11, mean=(3.0,))}, {"rest_out": api.Ranking(("a", "b", "c", "d"))}
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    skip_unless(get_toolchain("gcc").missing(load_core("host")))
    out = tmp_path_factory.mktemp("conversion") / "out"
    api.convert(graph(SHAPES), out, OPTIONS, processing=PROCESSING)
    return out


def test_helpers_are_known_again_when_loaded(folder: Path) -> None:
    deployment = Deployment.load(folder)
    assert helpers.processing_of(deployment.manifest) == PROCESSING
    (before,), (after,) = deployment.report.preprocessing, deployment.report.postprocessing
    assert before.settings["mean"] == (3.0,)
    assert (before.shape, before.compared) == ((1, 9, 11, 3), ("host gcc",))
    assert before.instructions is None, "nothing counts instructions natively"
    assert after.labels == ("a", "b", "c", "d")
    assert "Before and after the model" in (folder / "report.html").read_text(encoding="utf-8")


def test_raw_and_plain_inputs_together(folder: Path) -> None:
    deployment = Deployment.load(folder)
    rng = np.random.default_rng(0)
    inputs: dict[str, Array] = {
        "image": rng.integers(0, 256, (3, 9, 11, 3)).astype(np.uint8),
        "rest": rng.integers(-128, 128, (3, 4)).astype(np.int8),
    }
    wanted = deployment.run(inputs, raw=True)
    for name, found in deployment.run(inputs, on="host", raw=True).items():
        np.testing.assert_array_equal(found, wanted[name])
    with pytest.raises(DataError, match="no array is given"):
        deployment.run({"image": inputs["image"]}, raw=True)
    with pytest.raises(DataError, match=r"uint8\[n, 9, 11, 3\]"):
        deployment.run({**inputs, "image": inputs["image"][:, :4]}, raw=True)


def test_a_helper_that_differs_fails_the_conversion(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    skip_unless(get_toolchain("gcc").missing(load_core("host")))

    right = helpers.processed

    def other(manifest: Manifest, raws: list[Array]) -> list[Array]:
        (found,) = right(manifest, raws)
        found[0, 2, 3, 1] ^= 1
        return [found]

    monkeypatch.setattr(helpers, "processed", other)
    with pytest.raises(CheckFailed, match="the preprocessing does not compute") as caught:
        api.convert(graph(SHAPES), tmp_path / "out", OPTIONS, processing=PROCESSING)
    assert "host gcc" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_names_of_no_input_are_refused(tmp_path: Path) -> None:
    wrong = api.Processing({"imag": api.ImageInput(9, 11)})
    with pytest.raises(UsageError, match=r"processing\.imag: the model has no input"):
        api.convert(graph(SHAPES), tmp_path / "out", OPTIONS, processing=wrong)


def test_raw_inputs_need_helpers(tmp_path: Path) -> None:
    skip_unless(get_toolchain("gcc").missing(load_core("host")))
    plain = api.convert(graph(SHAPES), tmp_path / "out", OPTIONS)
    with pytest.raises(DataError, match="converted without processing"):
        plain.run({}, raw=True)

"""Stored images: used while they fit the sources, also without their compiler; else made anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgekit import api
from edgekit.deployment import Deployment
from edgekit.errors import Problem, ToolError, UsageError
from edgekit.ir import Binding, DType, Graph, TensorType
from edgekit.ir.ops import Clip
from edgekit.options import Place
from edgekit.pipeline.builds import STAMP, firmware_path, library_path
from targets.load import load_core
from targets.toolchains import TOOLCHAINS, get_toolchain
from tests.runners.support import skip_unless

X = {"x": np.array([[-1.0, 2.0, -3.0]], np.float32)}
Y = [[0.0, 2.0, 0.0]]
CORE = load_core("cortex-m4")
HOST = load_core("host")


def relu() -> Graph:
    graph = Graph("relu")
    row = TensorType((1, 3), DType.FLOAT32)
    graph.outputs = [graph.add_node(Clip(), [graph.add_input("x", row)], row, name="relu").output]
    graph.input_bindings, graph.output_bindings = [Binding("x", row)], [Binding("y", row)]
    return graph


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    skip_unless(get_toolchain("zig").missing(CORE))
    out = tmp_path_factory.mktemp("builds") / "out"
    options = api.ConvertOptions("cortex-m4", precision="float32", toolchain="zig")
    api.convert(relu(), out, options)
    return out


@pytest.fixture
def deployment(original: Path, tmp_path: Path) -> Deployment:
    """A copy that a test may edit."""
    shutil.copytree(original, tmp_path / "out")
    return api.load(tmp_path / "out")


def image(deployment: Deployment, on: Place) -> Path:
    if on == "host":
        return library_path(deployment.folder, deployment.manifest.name, "zig")
    return firmware_path(deployment.folder, CORE, "zig")


def run(deployment: Deployment, on: Place) -> None:
    (y,) = deployment.run(X, on=on, toolchain="zig").values()
    assert y.tolist() == Y


@pytest.mark.parametrize("on", ["host", "emulator"])
@pytest.mark.parametrize("edited", ["relu.c", "relu_kernels.h"])
def test_an_edited_source_is_built_anew(edited: str, on: Place, deployment: Deployment) -> None:
    path = image(deployment, on)
    before = path.stat().st_mtime_ns
    run(deployment, on)
    assert path.stat().st_mtime_ns == before, "nothing was edited"
    with (deployment.folder / edited).open("a", encoding="utf-8") as file:
        file.write("/* edited */\n")
    run(deployment, on)
    after = path.stat().st_mtime_ns
    assert after != before
    run(deployment, on)
    assert path.stat().st_mtime_ns == after, "once is enough"
    with (deployment.folder / edited).open("a", encoding="utf-8") as file:
        file.write("#error no more\n")
    with pytest.raises(ToolError, match="no more"):
        run(deployment, on)


@pytest.mark.parametrize("stamp", [None, "", "[]", '{"sources": "0"}'])
def test_an_image_without_a_stamp_is_built_anew(stamp: str | None, deployment: Deployment) -> None:
    path = image(deployment, "host")
    path.write_bytes(b"no library")
    path.with_name(STAMP).unlink()
    if stamp is not None:
        path.with_name(STAMP).write_text(stamp, encoding="utf-8")
    run(deployment, "host")


def test_a_traced_image_has_a_stamp_of_its_own(deployment: Deployment) -> None:
    deployment.debug(on="host", toolchain="zig")
    traced = library_path(deployment.folder, deployment.manifest.name, "zig", trace=True)
    shutil.copyfile(image(deployment, "host").with_name(STAMP), traced.with_name(STAMP))
    traced.write_bytes(b"no library")
    assert deployment.debug(on="host", toolchain="zig").first_difference is None


def test_a_stored_image_runs_without_its_compiler(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = deployment.profile().toolchain
    for tool in TOOLCHAINS.values():
        monkeypatch.setattr(type(tool), "missing", lambda self, core: Problem("is gone"))
    for on in ("host", "emulator"):
        run(deployment, on)
    assert deployment.run(X, on="host").keys() == deployment.run(X, on="emulator").keys()
    assert deployment.profile().toolchain == version
    image(deployment, "host").unlink()
    with pytest.raises(ToolError, match="is gone"):
        run(deployment, "host")


def test_the_host_takes_the_compiler_that_was_asked_for(deployment: Deployment) -> None:
    skip_unless(get_toolchain("gcc").missing(HOST))
    library = library_path(deployment.folder, deployment.manifest.name, "gcc")
    shutil.rmtree(library.parent)
    run(deployment, "host")
    assert not library.exists()
    deployment.evaluate({**X, "y": np.array([1])}, on="host", toolchain="gcc")
    assert library.is_file()
    traced = library_path(deployment.folder, deployment.manifest.name, "gcc", trace=True)
    deployment.debug(on="host", toolchain="gcc")
    assert traced.is_file()


@pytest.mark.parametrize("on", ["host", "reference"])
def test_only_emulated_cores_are_profiled(on: Place, deployment: Deployment) -> None:
    with pytest.raises(UsageError, match="--on emulator"):
        deployment.profile(on=on)

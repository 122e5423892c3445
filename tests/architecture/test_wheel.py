"""The built wheel from an empty folder: its package data is complete."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from edgekit import __version__
from tests.proofs.program import environment, small_model

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("edgekit", "quantize", "codegen", "targets", "profiles")
SETUPTOOLS = 77


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources."""
    try:
        found = int(version("setuptools").split(".")[0])
    except PackageNotFoundError:
        found = 0
    if found < SETUPTOOLS:
        pytest.skip(f"building a wheel needs setuptools>={SETUPTOOLS}; there is {found}")
    source = tmp_path_factory.mktemp("source")
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    out = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "-w", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content, as pip would install it."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed: Path, folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgekit.cli.main", *map(str, arguments)],
        cwd=folder,
        env=environment(PYTHONPATH=str(installed)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_file_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    missing = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and "__pycache__" not in name and name not in inside:
                missing.append(name)
    assert not missing


def test_nothing_else_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert {t for t in tops if not t.endswith(".dist-info")} == set(PACKAGES)


def test_the_version(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"edgekit {__version__}")


def test_a_conversion(installed: Path, tmp_path: Path) -> None:
    """Templates, kernels, targets, firmware and native helpers are all found."""
    small_model(tmp_path)
    arguments = ("--target", "cortex-m4", "-o", "out", "--calibration", "calibration.npz")
    done = run(installed, tmp_path, "convert", "model.onnx", *arguments)
    assert done.returncode == 0, done.stderr
    for name in ("model.c", "model.h", "report.json", "report.html", "CMakeLists.txt"):
        assert (tmp_path / "out" / name).is_file()
    done = run(installed, tmp_path, "targets")
    assert done.returncode == 0, done.stderr
    assert "raspberry-pi-pico" in done.stdout


def test_a_user_module_that_hides_ours_is_named(installed: Path, tmp_path: Path) -> None:
    small_model(tmp_path)
    (tmp_path / "quantize.py").write_text("print('not edgekit')\n")
    done = run(installed, tmp_path, "inspect", "model.onnx")
    assert done.returncode != 0
    assert "quantize" in done.stderr
    assert "Traceback" not in done.stderr

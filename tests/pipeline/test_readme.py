"""Examples can be pasted: the README's commands, Python and C, and those of the Python API."""

from __future__ import annotations

import doctest
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgekit import api
from edgekit.cli.app import cli

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FILES = {
    "digits.onnx": "model.onnx",
    "calibration.npz": "calibration.npz",
    "test.npz": "labelled.npz",
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.M | re.S)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, wanted in FILES.items():
        shutil.copy(ROOT / "examples" / "digits" / name, tmp_path / wanted)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands_and_the_call(folder: Path) -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [line.split()[1:] for line in lines if line.startswith("edgekit ")]
    assert len(commands) > 8
    for command in commands:
        result = CliRunner().invoke(cli, command)
        assert result.exit_code == 0, f"{command}: {result.output}"
    (code,) = blocks("c")
    (folder / "call.c").write_text(code, encoding="utf-8")
    flags = ("-std=c11", "-Wall", "-Wextra", "-Wno-unused", "-Werror", "-c")
    zig = [sys.executable, "-m", "ziglang", "cc", *flags, "-Ifirmware", "call.c"]
    subprocess.run(zig, cwd=folder, check=True)


def test_python(folder: Path) -> None:
    (code,) = blocks("python")
    found: dict[str, object] = {}
    exec(code, found)
    (probabilities,) = found["outputs"].values()  # type: ignore[attr-defined]
    assert probabilities.shape == (2, 10)


def test_examples_of_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = doctest.testmod(api)
    assert found.attempted
    assert not found.failed

"""A user's own module with the name of one of edgekit's packages: a clear error, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = "import sys; from edgekit.cli.main import main; sys.argv[0] = 'edgekit'; main()"


def python(folder: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program whose working folder comes first in the search path."""
    paths = [str(folder), str(ROOT), *filter(None, sys.path)]
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments", [("targets",), ("doctor",), ("convert", "m.onnx", "--target", "host", "-o", "o")]
)
def test_a_hidden_package_is_named(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "targets.py").write_text("raise SystemExit('not edgekit')\n", encoding="utf-8")
    done = python(tmp_path, RUN, *arguments)
    assert done.returncode == 2, done.stderr
    assert f"package 'targets': is {tmp_path / 'targets.py'}" in done.stderr
    assert "Rename it" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_works_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "targets.py").write_text("raise SystemExit('not edgekit')\n", encoding="utf-8")
    assert python(tmp_path, RUN, "--help").returncode == 0


def test_the_python_api_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "quantize.py").write_text("", encoding="utf-8")
    code = (
        "from edgekit.errors import UsageError\n"
        "try:\n    from edgekit import api\nexcept UsageError as error:\n    print(error)\n"
    )
    assert str(tmp_path / "quantize.py") in python(tmp_path, code).stdout

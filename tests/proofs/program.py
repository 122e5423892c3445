"""Run the program as a user does, and see what it leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.onnx_models import onnx_model

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "edgekit.cli.main")
SECONDS = 120


def environment(**changes: str) -> dict[str, str]:
    """This process' environment, edgekit importable from any folder, no terminal colours."""
    kept = {k: v for k, v in os.environ.items() if k != "EDGEKIT_DEBUG"}
    return {**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200", **changes}


def edgekit(
    folder: Path, *arguments: str | Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``edgekit`` with ``folder`` as the current one."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        env=dict(env or environment()),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def listing(folder: Path) -> dict[str, int]:
    """Everything below a folder, hidden files too, with sizes."""
    return {
        str(p.relative_to(folder)): p.lstat().st_size if p.is_file() else -1
        for p in sorted(folder.rglob("*"))
    }


def refused(folder: Path, code: int, *arguments: str | Path, **kwargs: Any) -> str:
    """Run a command that must be refused: right exit code, a clear message, nothing changed.

    Returns:
        The message.
    """
    before = listing(folder)
    done = edgekit(folder, *arguments, **kwargs)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert "edgekit: " in done.stderr
    assert listing(folder) == before
    return done.stderr


def small_model(folder: Path, name: str = "model.onnx") -> Path:
    """A float ONNX model with one convolution, and calibration samples beside it."""
    weights = np.random.default_rng(0).normal(0, 1, (4, 2, 3, 3)).astype(np.float32)
    model = onnx_model("c = Conv<pads=[1,1,1,1]>(x, w) y = Relu(c)", w=weights)
    path = folder / name
    path.write_bytes(model.SerializeToString())
    save(folder / "calibration.npz", x=samples(8))
    return path


def samples(count: int) -> NDArray[np.float32]:
    """Inputs of `small_model`."""
    return np.random.default_rng(1).normal(0, 1, (count, 2, 6, 6)).astype(np.float32)


def save(path: Path, **arrays: NDArray[Any]) -> Path:
    """Write an .npz."""
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path

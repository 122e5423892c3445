"""Helpers of tests that need what the repository does not hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def material() -> Path:
    """The folder with models and data made by others; skips the test where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "material"
    folder = Path(os.environ.get("EDGEKIT_MATERIAL", default))
    if not folder.is_dir():
        pytest.skip(f"no test material at {folder}; set EDGEKIT_MATERIAL to its folder")
    return folder

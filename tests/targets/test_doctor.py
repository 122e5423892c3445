"""The doctor finds what is there and says how to get what is not."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from targets.doctor import diagnose


def test_it_reports_what_is_installed() -> None:
    found = {f.tool: f for f in diagnose()}
    assert found["numpy"].present
    assert found["numpy"].version == np.__version__
    for program in ("gcc", "arm-none-eabi-gcc", "qemu-system-arm", "qemu-system-riscv32"):
        assert found[program].present == (shutil.which(program) is not None)
    assert all(f.install and f.needed_for for f in found.values())


def test_without_programs_it_still_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    found = {f.tool: f for f in diagnose()}
    assert not found["gcc"].present
    assert found["gcc"].version == ""
    assert "apt-get install" in found["qemu-system-arm"].install
    assert "cortex-m55" in found["qemu-system-arm"].needed_for

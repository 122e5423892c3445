"""Which runner serves a core, and why none does."""

from __future__ import annotations

import pytest

from edgekit.errors import Problem, UsageError
from profiles.runners import EMULATORS, HOST, select
from targets.load import load_core


def test_select_finds_a_runner_or_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert select(load_core("host")) is HOST
    assert select(load_core("cortex-m4")) is EMULATORS["unicorn"]
    with pytest.raises(UsageError, match="allowed: auto, unicorn, qemu"):
        select(load_core("cortex-m4"), "renode")
    refused = select(load_core("cortex-m55"), "unicorn")
    assert isinstance(refused, Problem)
    assert refused.where == "cortex-m55"
    monkeypatch.setenv("PATH", "/nonexistent")
    nothing = select(load_core("cortex-m55"))
    assert isinstance(nothing, Problem)
    assert "qemu-system-arm is not installed" in nothing.what
    assert "apt-get install" in nothing.hint

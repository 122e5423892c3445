"""A few hundred mutants in seconds; ``make fuzz`` tries 50,000."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.campaign import run, summary
from tests.fuzz.target import attempt

COUNT = 400


def test_mutants_are_imported_or_refused() -> None:
    result = run(COUNT, 7, 1, lambda _: None)
    assert not result.failures, summary(result) + "\n" + result.failures[0][2]
    assert result.tried == COUNT
    assert 2 * result.parsed >= result.tried
    assert result.accepted > 0


def test_a_failure_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The net itself: a bug in an importer does not pass as a refusal."""

    def broken(path: Path) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("tests.fuzz.target.load_model", broken)
    assert "ZeroDivisionError" in attempt(b"", tmp_path / "m.onnx").failure

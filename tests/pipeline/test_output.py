"""The output folder: whole or not at all, and never one that someone works in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgekit import api
from edgekit.artefact import MANIFEST_NAME
from edgekit.errors import ModelError, UsageError
from edgekit.pipeline.output import refuse_existing, staged


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("out", [".", "..", "../..", "/", "../here", "sub/.."])
def test_the_working_folder_is_never_replaced(
    out: str, force: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "above" / "here"
    (here / "sub").mkdir(parents=True)
    for folder in (here, here.parent):
        (folder / MANIFEST_NAME).write_text("{}", encoding="utf-8")
    monkeypatch.chdir(here)
    with pytest.raises(UsageError, match="cannot be replaced"):
        refuse_existing(Path(out), force)


def test_what_is_read_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / MANIFEST_NAME).write_text("{}", encoding="utf-8")
    model = tmp_path / "model.onnx"
    with pytest.raises(UsageError, match="would be replaced with what is read"):
        api.convert(model, tmp_path, api.ConvertOptions("cortex-m4", force=True))


def test_a_refusal_comes_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="cannot be replaced"):
        api.convert("no_such_model.onnx", ".", api.ConvertOptions("cortex-m4"))


def fail(out: Path) -> None:
    with staged(out) as folder:
        (folder / "half").write_text("written", encoding="utf-8")
        raise ModelError("refused")


def test_a_failure_removes_the_folders_it_made(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(ModelError):
        fail(tmp_path / "mine" / "a" / "b" / "out")
    assert os.listdir(tmp_path) == ["mine"]
    assert os.listdir(tmp_path / "mine") == []


def test_a_failure_leaves_what_others_put_there(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"

    def interrupted() -> None:
        with staged(folder / "out"):
            (folder.parent / "theirs").write_text("", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.listdir(folder.parent) == ["theirs"]


def test_success_keeps_them(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b" / "out"
    with staged(out) as folder:
        (folder / "whole").write_text("", encoding="utf-8")
    assert os.listdir(out) == ["whole"]
    assert os.listdir(out.parent) == ["out"]

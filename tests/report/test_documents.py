"""Documents made from code are fresh, and every key is explained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgekit import docs
from edgekit.report.answers import ANSWERS
from edgekit.report.codec import json_fields, to_json
from edgekit.report.model import Report
from edgekit.report.schema import attribute_docs, json_schema, used_classes
from tests.report.samples import full_report


def test_documents_are_fresh() -> None:
    assert docs.stale() == []


def test_stale_documents_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    docs.write(folder)
    assert docs.stale(folder) == []
    (folder / "cli.md").write_text("old", encoding="utf-8")
    (folder / "exit-codes.md").unlink()
    assert docs.stale(folder) == ["cli.md", "exit-codes.md"]


@pytest.mark.parametrize("root", ANSWERS.values(), ids=lambda c: c.__name__)
def test_every_key_is_explained(root: type) -> None:
    for cls in used_classes(root):
        if cls.__module__.startswith("edgekit."):
            names = {f.name for f in json_fields(cls)}
            assert names - attribute_docs(cls).keys() == set(), cls.__name__


def test_schema_describes_what_is_written() -> None:
    schema = json_schema(Report)
    raw = json.loads(to_json(full_report()))
    assert raw.keys() == schema["properties"].keys()
    assert raw["memory"].keys() == schema["$defs"]["Memory"]["properties"].keys()
    assert schema["$defs"]["Memory"]["properties"]["arena_bytes"]["description"]

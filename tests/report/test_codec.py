"""report.json: stable keys, unknown as null, damaged files refused with every problem."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.report.codec import from_json, load_report, plain, to_json
from edgekit.report.model import LayerError
from tests.report.samples import bare_report, full_report


def test_round_trip() -> None:
    for report in (full_report(), bare_report()):
        assert from_json(to_json(report)) == report


def test_keys_that_scripts_rely_on() -> None:
    raw = json.loads(to_json(full_report()))
    assert next(iter(raw)) == "schema_version"
    assert {"name", "sha256", "macs", "parameters"} <= raw["model"].keys()
    names = "arena state static stack ram weights code flash".split()
    assert {f"{n}_bytes" for n in names} <= raw["memory"].keys()
    assert {"instructions", "layers", "cycles"} <= raw["latency"].keys()
    assert {"name", "op", "macs", "instructions"} <= raw["latency"]["layers"][0].keys()
    assert {"low", "typical", "high", "method"} <= raw["latency"]["cycles"].keys()
    keys = {"reference", "vectors", "bit_exact", "max_abs_diff", "emulator"}
    assert keys <= raw["verification"].keys()
    assert {"toolchain", "emulator"} <= raw["versions"].keys()


def test_unknown_is_null_and_not_zero() -> None:
    raw = json.loads(to_json(bare_report()))
    assert raw["memory"]["ram_bytes"] is None
    assert raw["latency"]["instructions"] is None
    assert raw["latency"]["cycles"] is None


def test_numbers_that_json_lacks_become_null() -> None:
    report = dataclasses.replace(
        full_report(), quantization=(LayerError("x", float("inf"), float("nan"), 0.5),)
    )
    line = json.loads(to_json(report))["quantization"][0]
    assert line == {"layer": "x", "sqnr_db": None, "max_abs_error": None, "mean_abs_error": 0.5}


def test_numpy_scalars_and_paths() -> None:
    assert plain({"a": np.int64(3), "b": (np.float32(0.5), Path("x/y"))}) == {
        "a": 3,
        "b": [0.5, "x/y"],
    }


def test_unknown_keys_of_later_versions_are_ignored() -> None:
    raw = json.loads(to_json(full_report()))
    raw["later"] = 1
    raw["memory"]["later"] = 2
    assert from_json(json.dumps(raw)) == full_report()


@pytest.mark.parametrize("text", ["", "[1]", "null", "{", '{"schema_version": 99}', "[" * 100_000])
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(DataError):
        from_json(text)


def test_every_damage_is_named() -> None:
    raw = json.loads(to_json(full_report()))
    del raw["model"]["macs"]
    raw["memory"]["ram_bytes"] = "much"
    with pytest.raises(DataError) as caught:
        from_json(json.dumps(raw))
    assert {p.where for p in caught.value.problems} == {"model.macs", "memory.ram_bytes"}


def test_missing_report_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="edgekit convert"):
        load_report(tmp_path)
    (tmp_path / "report.json").write_text(to_json(bare_report()), encoding="utf-8")
    assert load_report(tmp_path) == bare_report() == load_report(tmp_path / "report.json")

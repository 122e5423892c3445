"""Cores and boards load, and damaged or unknown ones are refused with everything that is wrong."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from edgekit.errors import UsageError
from targets.load import (
    DATA,
    board_names,
    core_names,
    load_board,
    load_core,
    resolve,
)
from targets.model import Board, Core
from targets.toml import TableError, from_table


def table(name: str) -> dict[str, Any]:
    return tomllib.loads((DATA / "cores" / f"{name}.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", core_names())
def test_every_core_loads_under_its_own_name(name: str) -> None:
    core = load_core(name)
    assert core.name == name
    assert core.gcc is not None
    assert core.zig is not None
    assert core.is_host == (core.memory is None)


@pytest.mark.parametrize("name", board_names())
def test_every_board_loads_with_its_core(name: str) -> None:
    target = resolve(name)
    assert target.board is not None
    assert target.name == name
    assert target.core.name == target.board.core


def test_every_data_file_is_registered() -> None:
    assert {p.stem for p in (DATA / "cores").iterdir()} == set(core_names())
    assert {p.stem for p in (DATA / "boards").iterdir()} == set(board_names())


def test_the_reference_board_has_the_published_figures() -> None:
    board = load_board("nucleo-l4r5zi")
    assert (board.flash_bytes, board.sram_bytes) == (2 << 20, 640 << 10)
    assert board.clock_hz == 120_000_000


@pytest.mark.parametrize("ask", [load_core, load_board, resolve])
def test_an_unknown_name_lists_the_known_ones(ask: Any) -> None:
    with pytest.raises(UsageError) as caught:
        ask("cortex-m99")
    known = board_names() if ask is load_board else core_names()
    assert all(name in str(caught.value) for name in known)
    assert caught.value.exit_code == 2


def test_a_damaged_table_reports_every_key() -> None:
    raw = table("cortex-m4")
    raw["lowerin"] = "nhwc-int8"
    del raw["title"]
    raw["features"] = "dsp"
    raw["memory"]["ram_bytes"] = "4K"
    with pytest.raises(TableError) as caught:
        from_table(Core, raw)
    assert len(caught.value.findings) == 4
    for key in ("lowerin: unknown", "title: missing", "features", "memory.ram_bytes"):
        assert any(finding.startswith(key) for finding in caught.value.findings)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("features", ["dps"], "features 'dps' is unknown"),
        ("lowering", "nchw", "lowering 'nchw' is unknown"),
        ("memory", None, "needs a .memory. table"),
    ],
)
def test_values_outside_the_vocabulary_are_refused(key: str, value: object, message: str) -> None:
    raw = table("cortex-m4")
    raw[key] = value
    if value is None:
        del raw[key]
    with pytest.raises(TableError, match=message):
        from_table(Core, raw)


def test_a_board_cannot_have_more_contiguous_sram_than_sram() -> None:
    with pytest.raises(ValueError, match="contiguous_sram_bytes"):
        Board("b", "B", "host", 1, 10, 11, 1, "nowhere")

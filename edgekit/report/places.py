"""Targets and tools as rich renderables."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from edgekit.report import format as fmt
from edgekit.report.layout import Column, Facts, Table
from edgekit.report.results import Diagnosis, TargetFacts, TargetList
from targets.model import Core

if TYPE_CHECKING:
    from rich.console import RenderableType


def targets_view(found: TargetList) -> RenderableType:
    """Cores and boards as two tables."""
    from rich.console import Group

    cores = Table("Cores", "core", Column("description", spare=1), "compilers", "emulators")
    for core in found.cores:
        compilers = [n for n, x in (("zig", core.zig), ("gcc", core.gcc)) if x is not None]
        cores.add_row(core.name, core.title, ", ".join(compilers), _emulators(core))
    figures = (Column(c, figure=True) for c in ("flash", "RAM", "model RAM", "clock"))
    names = ("board", Column("description", spare=2), Column("core", spare=1))
    boards = Table("Boards", *names, *figures)
    for board in found.boards:
        clock = f"{board.clock_hz / 1e6:g} MHz"
        sizes = map(
            fmt.bytes_short, (board.flash_bytes, board.sram_bytes, board.contiguous_sram_bytes)
        )
        boards.add_row(board.name, board.title, board.core, *sizes, clock)
    note = "model RAM: the largest piece with consecutive addresses, which a model can use"
    return Group(cores, "", boards, "", note)


def target_view(found: TargetFacts) -> RenderableType:
    """Every fact about one core or board, by name."""
    grid = Facts()
    if found.board is not None:
        _add_fields(grid.add_row, "board", found.board)
    _add_fields(grid.add_row, "core", found.core)
    return grid


def doctor_view(found: Diagnosis) -> RenderableType:
    """Every tool with what it is needed for, and how to install what is missing."""
    from rich.text import Text

    made = Table("Tools", "", "tool", "version", Column("needed for"), "install with")
    for line in found.findings:
        mark = Text("✔", style="green") if line.present else Text("✘", style="yellow")
        install = "" if line.present else line.install
        made.add_row(mark, line.tool, line.version or "-", line.needed_for, install)
    return made


def _emulators(core: Core) -> str:
    if core.is_host:
        return "runs here"
    return ", ".join(n for n, x in (("unicorn", core.unicorn), ("qemu", core.qemu)) if x) or "-"


def _add_fields(add_row: object, prefix: str, value: object) -> None:
    assert callable(add_row)
    assert dataclasses.is_dataclass(value)
    for field in dataclasses.fields(value):
        inner, name = getattr(value, field.name), f"{prefix}.{field.name}"
        if dataclasses.is_dataclass(inner):
            _add_fields(add_row, name, inner)
        elif inner is None:
            add_row(name, "-")
        elif name == "board.memories":
            sizes = [f"{m.name} {fmt.bytes_exact(m.nbytes)}" for m in inner]
            add_row(name, ", ".join(sizes) or "-")
        elif isinstance(inner, tuple):
            add_row(name, ", ".join(map(str, inner)) or "-")
        elif name.endswith("_bytes") and inner > 64:
            add_row(name, fmt.bytes_exact(inner))
        elif name.endswith("_address"):
            add_row(name, f"{inner:#010x}")
        else:
            add_row(name, fmt.count(inner) if name.endswith("_hz") else str(inner))

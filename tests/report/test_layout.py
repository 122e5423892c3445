"""Tables fit the terminal: no line is too long, no figure is cut or lost."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console, RenderableType

from edgekit.report.answers import debug_view, inspection_view, profile_view
from edgekit.report.diff import compare, diff_view
from edgekit.report.layout import Column, Facts, Table
from edgekit.report.model import LayerCost, Report
from edgekit.report.places import target_view, targets_view
from edgekit.report.results import (
    DebugResult,
    DebugStep,
    InspectedNode,
    Inspection,
    Profile,
    TargetFacts,
    TargetList,
)
from edgekit.report.terminal import report_view
from targets.load import board_names, load_board, load_core
from tests.report.samples import full_report

LONG = "model/block_1/depthwise/BiasAdd;model/block_1/batch_normalization/FusedBatchNormV3"
FIGURES = ("123,456,789", "98,765,432", "1.25")


def report() -> Report:
    """A report with large figures and long names."""
    layers = tuple(LayerCost(f"{LONG}_{i}", "QConv2D", 98_765_432, 123_456_789) for i in range(3))
    full = full_report()
    return dataclasses.replace(full, latency=dataclasses.replace(full.latency, layers=layers))


def views() -> dict[str, tuple[RenderableType, tuple[str, ...]]]:
    """What each command shows, and the figures that must be in it."""
    layers = report().latency.layers
    nodes = tuple(
        InspectedNode(LONG, "Conv2D", (1, 96, 96, 32), 98_765_432, 4_321, 123_456_789, "measured",
                      i == 0, "" if i == 0 else "dilation (2, 2) is not supported")
        for i in range(2)
    )  # fmt: skip
    inspection = Inspection(full_report().model, "int8", (), (), nodes, target=report().target)
    steps = (DebugStep(0, LONG, "QConv2D", LONG, 98_765_432, 123_456_789, 1.25),)
    other = dataclasses.replace(report(), memory=dataclasses.replace(report().memory, ram_bytes=9))
    boards = tuple(map(load_board, board_names()))
    return {
        "report": (report_view(report()), (*FIGURES, "38,186", "41.5 dB")),
        "profile": (profile_view(Profile("emulator", 1234, layers)), (*FIGURES, "1,234")),
        "inspect": (inspection_view(inspection), (*FIGURES[:2], "4,321")),
        "debug": (debug_view(DebugResult("host", steps, LONG)), FIGURES),
        "diff": (diff_view(compare(report(), other, (LONG, "b"))), ("1,068", "-1,059", "-99.2 %")),
        "targets": (targets_view(TargetList((load_core("cortex-m55"),), boards)), ("1.00 MiB",)),
        "board": (
            target_view(TargetFacts(load_core("cortex-m7"), load_board("nucleo-h743zi2"))),
            ("480,000,000", "524,288 B"),
        ),
    }


def text_of(view: RenderableType, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False)
    with console.capture() as capture:
        console.print(view)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


@pytest.mark.parametrize("width", [20, 40, 49, 50, 60, 80, 100, 160])
@pytest.mark.parametrize("name", list(views()))
def test_fits_and_keeps_every_figure(name: str, width: int) -> None:
    view, figures = views()[name]
    text = text_of(view, width)
    assert max(map(len, text.splitlines())) <= width
    for figure in figures:
        assert figure in text, figure


def test_what_is_spare_goes_first() -> None:
    def made() -> Table:
        columns = (Column("name", name=True), Column("text", spare=1), Column("n", figure=True))
        table = Table("T", *columns, Column("", spare=2, bar=True))
        table.add_row("a" * 18, "b" * 18, "1" * 10, "█" * 12)
        return table

    assert list(made().widths(64) or ()) == [0, 1, 2, 3]
    assert list(made().widths(63) or ()) == [0, 1, 2]
    assert list(made().widths(49) or ()) == [0, 2]
    assert made().widths(29) == {0: 17, 2: 10}, "names wrap when nothing is spare any more"
    assert made().widths(19) is None


def test_narrow_terminals_get_lists() -> None:
    table = Table("T", "name", Column("n", figure=True), Column("", spare=1, bar=True))
    table.add_row("a", "1", "█")
    assert text_of(table, 50).splitlines()[1].split() == ["name", "n"]
    assert text_of(table, 49).split("\n\n")[1].splitlines() == ["name  a", "n     1"]


def test_long_names_lose_their_middle_and_other_text_nothing() -> None:
    table = Table("T", Column("name", name=True), "reason", Column("n", figure=True))
    table.add_row("first" + "x" * 400 + "last", "y" * 400, "7")
    text = text_of(table, 60)
    assert text.count("y") == 400
    assert text.count("x") < 100
    assert "…" in text


def test_facts_go_below_long_names() -> None:
    facts = Facts()
    facts.add_row("a.long.name.of.a.fact", "12,345")
    assert text_of(facts, 60) == "a.long.name.of.a.fact  12,345"
    assert text_of(facts, 40) == "a.long.name.of.a.fact\n  12,345"

"""The report as rich renderables. Rich is imported on use.

Names come from models, so nothing here is markup: print with a console made with ``markup=False``
and ``emoji=False`` (`edgekit.cli.ui` does).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgekit.report import format as fmt
from edgekit.report.layout import Column, Facts, Table
from edgekit.report.model import LayerCost, LayerError, Report

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_STYLE = {"good": "green", "warn": "yellow"}
_MARK = {"good": "✔", "warn": "!"}
_BAR_CELLS = 12


def report_view(report: Report, *, layers: bool = True) -> RenderableType:
    """The whole report.

    Args:
        report: the report.
        layers: whether the table of layers is part of it.
    """
    from rich.console import Group

    parts: list[RenderableType] = [summary(report)]
    if layers and report.latency.layers:
        parts += ["", *layer_tables(report.latency.layers, report.latency.other_instructions)]
    if layers and report.quantization:
        parts += ["", error_table(report.quantization)]
    parts += [warning(text) for text in report.warnings]
    return Group(*parts)


def warning(text: str) -> RenderableType:
    """A warning that cannot be overlooked."""
    from rich.text import Text

    return Text.assemble(("warning: ", "bold yellow"), (text, "yellow"))


def summary(report: Report) -> Facts:
    """The lines that answer: how big, how fast, how right."""
    from rich.text import Text

    grid = Facts()
    target = report.target
    board = f"{target.board} ({target.core})" if target.board else target.core
    precision = report.options.get("precision") or ""
    grid.add_row("Model", f"{report.model.name}, {fmt.macs(report)}")
    grid.add_row("Target", f"{board} {precision}".strip())
    fit = report.fit
    grid.add_row(
        "RAM",
        _memory_line(
            report,
            report.memory.ram_bytes,
            fmt.ram_parts(report.memory),
            fit.ram_available_bytes if fit else None,
        ),
    )
    grid.add_row("Arena", _arena_line(report))
    grid.add_row(
        "Flash",
        _memory_line(
            report,
            report.memory.flash_bytes,
            fmt.flash_parts(report.memory),
            fit.flash_available_bytes if fit else None,
        ),
    )
    grid.add_row("Instructions", _instruction_line(report))
    time = fmt.milliseconds(report.latency.cycles, target.clock_hz)
    estimate = report.latency.cycles
    method = f"  {estimate.method}" if estimate else ""
    cycles = fmt.cycles(estimate) + (f", {time}" if time else "")
    grid.add_row("Cycles", Text.assemble(cycles, (method, "dim")))
    for line in report.accuracy:
        figure = f"{line.value:.4f}" if line.metric != "mse" else fmt.number(line.value)
        grid.add_row(line.metric, f"{figure}  {line.subject}, {line.samples:,} samples")
    for made in report.preprocessing:
        cost = "" if made.instructions is None else f", {fmt.count(made.instructions)} instructions"
        same = f"identical to numpy on {', '.join(made.compared)}" if made.compared else ""
        grid.add_row("Input", Text.assemble(made.input, " from ", fmt.helper(made), cost))
        grid.add_row("", Text(same, style="dim"))
    for after in report.postprocessing:
        grid.add_row("Output", f"{after.output}, the best {after.top} of it")
    level, sentence = fmt.verdict(report)
    grid.add_row("Verified", Text(f"{_MARK[level]} {sentence}", style=_STYLE[level]))
    runs = f"{report.verification.reference} against {fmt.compared(report)}"
    grid.add_row("", Text(runs, style="dim"))
    for tried in report.toolchain:
        if tried.chosen:
            why = f": {tried.why}" if tried.why else ""
            grid.add_row("Compiler", f"{fmt.compiler(tried.name, tried.version)}{why}")
    if fit is not None and fit.fits:
        text = f"{_MARK['good']} fits {fit.board}"
        grid.add_row("Board", Text(text, style=_STYLE["good"]))
    return grid


def layer_tables(
    layers: Sequence[LayerCost], other: int | None = None
) -> tuple[RenderableType, ...]:
    """Instructions per layer with bars, and below it what they are spent on."""
    table = layer_table(layers, other)
    return (table, "", layer_limits(layers)) if any(x.limit for x in layers) else (table,)


def layer_limits(layers: Sequence[LayerCost]) -> Facts:
    """What the kernels in assembly spend their instructions on, and why others have none."""
    facts = Facts()
    spent: Counter[str] = Counter()
    refused: dict[str, list[str]] = {}
    for layer in layers:
        spent.update(layer.parts)
        if layer.limit and not layer.parts:
            refused.setdefault(layer.limit, []).append(layer.name)
    if spent:
        shares = (f"{name} {fmt.percent(n, spent.total())}" for name, n in spent.most_common())
        facts.add_row("Spent on", ", ".join(shares))
        facts.add_row(
            "", "; ".join(f"{name}: {fmt.PARTS[name]}" for name, _ in spent.most_common())
        )
    for reason, names in refused.items():
        every = len(names) == len(layers) > 1
        which = "every layer" if every else ", ".join(map(fmt.abbreviate, names))
        facts.add_row("Portable C", f"{which}: {reason}")
    return facts


def layer_table(layers: Sequence[LayerCost], other: int | None = None) -> Table:
    """Instructions per layer with bars."""
    total = sum(layer.instructions or 0 for layer in layers) + (other or 0)
    figures = (Column(c, figure=True) for c in ("MACs", "instructions", "share", "per MAC"))
    assembled = any(layer.variant for layer in layers)
    # Where the terminal is narrow a kernel says more than an operator or a bar.
    names = [Column("layer", name=True), Column("op", spare=4 if assembled else 1)]
    names += [Column("kernel", spare=1)] if assembled else []
    limits = [Column("limit", spare=2)] if assembled else []
    bars = Column("", spare=3, bar=True)
    made = Table("Layers", Column("#", figure=True), *names, *figures, *limits, bars)
    largest = max((layer.instructions or 0 for layer in layers), default=0)
    for index, layer in enumerate(layers):
        made.add_row(
            str(index),
            layer.name,
            layer.op,
            *([layer.variant or "C"] if assembled else []),
            fmt.count(layer.macs) if layer.macs else "-",
            fmt.count(layer.instructions),
            fmt.percent(layer.instructions, total),
            fmt.ratio(layer.instructions, layer.macs),
            *([fmt.limit(layer)] if assembled else []),
            bar(layer.instructions, largest),
        )
    if other is not None:
        empty = [""] * (len(names) - 1)
        text = fmt.count(other), fmt.percent(other, total)
        made.add_row("", "outside the layers", *empty, "", *text)
    return made


def error_table(errors: Sequence[LayerError]) -> Table:
    """Quantization error per layer."""
    figures = (Column(c, figure=True) for c in ("SQNR", "max error", "mean error"))
    title = "Quantization error against the float model"
    made = Table(title, Column("layer", name=True), *figures)
    for line in errors:
        made.add_row(
            line.layer,
            fmt.sqnr(line.sqnr_db, line.max_abs_error),
            fmt.number(line.max_abs_error),
            fmt.number(line.mean_abs_error),
        )
    return made


def bar(value: float | None, largest: float, cells: int = _BAR_CELLS) -> str:
    """A bar of block characters, ``cells`` wide for ``largest``."""
    if not value or largest <= 0:
        return ""
    eighths = max(1, round(8 * cells * value / largest))
    return "█" * (eighths // 8) + (" ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else "")


def _memory_line(
    report: Report,
    whole: int | None,
    parts: tuple[tuple[str, int | None], ...],
    available: int | None,
) -> Text:
    from rich.text import Text

    text = fmt.unknown(report) if whole is None else fmt.bytes_exact(whole)
    if fmt.natively(report):
        parts = tuple(part for part in parts if part[1] is not None)
    if available is not None:
        text += f", {fmt.percent(whole, available)} of {fmt.bytes_short(available)}"
    named = [f"{name} {fmt.count(size)}" for name, size in parts if size != 0]
    return Text.assemble(text, (f"  {' + '.join(named)}" if named else "", "dim"))


def _arena_line(report: Report) -> Text:
    from rich.text import Text

    schedule, arena = report.schedule, report.memory.arena_bytes
    bound = schedule.lower_bound_bytes if schedule else None
    note = ""
    if schedule and bound is not None:
        levers = f" with {', '.join(schedule.levers)}" if schedule.levers else ""
        note = f"  lower bound {fmt.bytes_exact(bound)}{levers}"
    if schedule and schedule.stages:
        note += f"; {'; '.join(schedule.stages)}, {fmt.count(schedule.extra_macs)} extra MACs"
    if schedule and schedule.split is not None:
        note = f"  {fmt.memories(schedule.split)}"
    return Text.assemble(fmt.bytes_exact(arena), (note, "dim"))


def _instruction_line(report: Report) -> str:
    executed = report.latency.instructions
    if executed is None:
        return fmt.unknown(report) if fmt.natively(report) else "not counted"
    text = f"{fmt.count(executed)} per inference"
    if report.model.macs:
        text += f", {fmt.ratio(executed, report.model.macs)} per MAC"
    return text

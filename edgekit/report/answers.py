"""The answers of commands other than ``convert`` and ``report``, as rich renderables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.report import format as fmt
from edgekit.report.diff import Difference
from edgekit.report.layout import Column, Facts, Table
from edgekit.report.model import Report
from edgekit.report.results import (
    Combination,
    DebugResult,
    Diagnosis,
    Evaluation,
    Inspection,
    MemoryPlan,
    Profile,
    QuantizeSummary,
    RunSummary,
    TargetFacts,
    TargetList,
    TensorInfo,
)
from edgekit.report.terminal import error_table, layer_tables

if TYPE_CHECKING:
    from rich.console import RenderableType

ANSWERS: dict[str, type] = {
    "report.json": Report,
    "edgekit inspect": Inspection,
    "edgekit plan": MemoryPlan,
    "edgekit combine": Combination,
    "edgekit quantize": QuantizeSummary,
    "edgekit run": RunSummary,
    "edgekit evaluate": Evaluation,
    "edgekit profile": Profile,
    "edgekit debug": DebugResult,
    "edgekit diff": Difference,
    "edgekit targets": TargetList,
    "edgekit targets show": TargetFacts,
    "edgekit doctor": Diagnosis,
}


def inspection_view(found: Inspection) -> RenderableType:
    """Facts about the model, and a table of its operators."""
    from rich.console import Group

    grid = Facts()
    model = found.model
    origin = f" ({model.format}, {found.precision})" if model.format else f" ({found.precision})"
    grid.add_row("Model", model.name + origin)
    for label, tensors in (("Inputs", found.inputs), ("Outputs", found.outputs)):
        grid.add_row(label, "\n".join(map(_tensor, tensors)))
    grid.add_row("MACs", fmt.count(model.macs))
    grid.add_row("Parameters", fmt.count(model.parameters))
    grid.add_row("Weights", fmt.bytes_exact(found.weights_bytes))
    least = fmt.bytes_exact(found.ram_lower_bound_bytes)
    note = "with layers as a whole; edgekit plan --ram says what strips take"
    grid.add_row("Arena, at least", f"{least}  as {found.figures_for} {note}")
    operators = ", ".join(f"{op} x{n}" for op, n in sorted(model.operators.items()))
    grid.add_row("Operators", operators or "-")
    if found.target is not None:
        refused = sum(node.supported is False for node in found.nodes)
        answer = f"{refused} operators not supported" if refused else "every operator supported"
        grid.add_row("Target", f"{found.target.name}: {answer}")
        costs = [node.instructions for node in found.nodes]
        if costs and None not in costs:
            total = sum(cost or 0 for cost in costs)
            grid.add_row("Instructions", f"about {fmt.count(total)} per inference")
    if found.shortage:
        grid.add_row("Fits", f"no: {found.shortage}")
    return Group(grid, "", _operator_table(found))


def _operator_table(found: Inspection) -> RenderableType:
    with_target = found.target is not None
    columns = [
        Column("#", figure=True),
        Column("layer", name=True),
        Column("op"),
        Column("shape", spare=1),
        Column("MACs", figure=True),
        Column("parameters", figure=True),
    ]
    if with_target:
        columns += [Column("instructions", figure=True), Column("supported")]
    title = "Operators (~ modelled, not counted)" if with_target else "Operators"
    made = Table(title, *columns)
    for index, node in enumerate(found.nodes):
        cells = [str(index), node.name, node.op, fmt.shape(node.shape)]
        cells += [fmt.count(node.macs) if node.macs else "-", _dash(node.parameters)]
        if with_target:
            supported = "yes" if node.supported else f"no: {node.reason}"
            mark = "~" if node.cost_origin == "modelled" and node.instructions else ""
            cells.append(mark + fmt.count(node.instructions))
            cells.append("-" if node.supported is None else supported)
        made.add_row(*cells)
    return made


def plan_view(found: MemoryPlan, *, tables: bool = True) -> RenderableType:
    """The certificate and, with ``tables``, every step."""
    from rich.console import Group

    grid = Facts()
    grid.add_row("Model", f"{found.model} as {found.figures_for}")
    total = found.lower_bound_bytes + found.gap_bytes  # of all memories
    saved = fmt.percent(found.first_fit_bytes - total, found.first_fit_bytes)
    simple = fmt.bytes_exact(found.first_fit_bytes)
    beside = f"  {saved} less than first fit in the given order, {simple}"
    grid.add_row("Arena", fmt.bytes_exact(total) + beside)
    if found.state_bytes:
        grid.add_row("State", fmt.bytes_exact(found.state_bytes))
    grid.add_row("Allowed", ", ".join(found.levers) or "placement alone")
    if found.schedule.stages:
        grid.add_row("Strips", "\n".join(found.schedule.stages))
        grid.add_row("Extra MACs", fmt.count(found.schedule.extra_macs))
    if found.schedule.split is not None:
        grid.add_row("Memories", fmt.memories(found.schedule.split))
    gap = f"gap {fmt.bytes_exact(found.gap_bytes)}" if found.gap_bytes else "proven optimal"
    gap += " for these strips" if found.schedule.stages else ""
    grid.add_row("Bound", f"{fmt.bytes_exact(found.lower_bound_bytes)}  {gap}")
    grid.add_row("Peak at", found.peak_step or "the model's inputs and outputs")
    grid.add_row("Planned in", f"{fmt.number(found.seconds, 3)} s")
    front = ("", _front_table(found)) if found.schedule.front else ()
    return Group(grid, *front, "", _plan_table(found)) if tables else Group(grid, *front)


def _front_table(found: MemoryPlan) -> RenderableType:
    made = Table(
        "RAM against work",
        Column("arena", figure=True),
        Column("extra MACs", figure=True),
        Column("extra instructions", figure=True),
        Column("strips", spare=1, name=True),
    )
    for point in found.schedule.front:
        work = _dash(point.extra_macs), _dash(point.extra_instructions)
        made.add_row(fmt.count(point.arena_bytes), *work, "; ".join(point.stages) or "none")
    return made


def _plan_table(found: MemoryPlan) -> RenderableType:
    made = Table(
        "Steps",
        Column("#", figure=True),
        Column("layer", name=True),
        Column("op"),
        Column("in use", figure=True),
        Column("offset", figure=True),
        Column("bytes", figure=True),
        Column("scratch", figure=True, spare=1),
        Column("lies over", name=True),
    )
    for index, step in enumerate(found.steps):
        over = ", ".join(step.over) + (", backward" if step.backward else "")
        where = f"{step.offset:,}" + ("" if step.region == "arena" else f" {step.region}")
        cells = [str(index), step.name, step.op, fmt.count(step.used_bytes), where]
        cells.append(fmt.count(step.size))
        cells += [_dash(step.scratch_bytes), over or "-"]
        made.add_row(*cells)
    return made


def combination_view(found: Combination) -> RenderableType:
    """What the models need together and apart, and what running them showed."""
    grid = Facts()
    grid.add_row("Combined", f"{', '.join(m.name for m in found.models)} for {found.target}")
    saved = fmt.percent(found.apart_bytes - found.arena_bytes, found.apart_bytes)
    alone = ", ".join(f"{m.name} {fmt.bytes_exact(m.arena_bytes)}" for m in found.models)
    grid.add_row("Arena", f"{fmt.bytes_exact(found.arena_bytes)}  {saved} less than {alone}")
    if found.state_bytes:
        grid.add_row("State", fmt.bytes_exact(found.state_bytes))
    if found.flash_bytes is not None:
        less = fmt.bytes_exact(found.shared_bytes) if found.shared_bytes else ""
        saved = f"  {less} less, as equal assembly functions are linked once" if less else ""
        grid.add_row("Flash", f"{fmt.bytes_exact(found.flash_bytes)}{saved}")
    if found.stack_bytes is not None:
        grid.add_row("Stack", fmt.bytes_exact(found.stack_bytes))
    same = "bit-exact" if found.identical else "within the float tolerance"
    place = found.emulator or "on this machine alone"
    grid.add_row("Verified", f"{same} on {found.vectors} vectors of each model, {place}")
    grid.add_row("Written", found.path)
    return grid


def quantize_view(summary: QuantizeSummary) -> RenderableType:
    """What was written, and the error of each layer."""
    from rich.console import Group

    text = f"wrote {summary.path}: {summary.samples} samples, {summary.observer} observer"
    return Group(text, error_table(summary.layers)) if summary.layers else text


def run_view(summary: RunSummary) -> RenderableType:
    """What was written."""
    arrays = "; ".join(map(_tensor, summary.outputs))
    return f"wrote {summary.path}: {summary.samples} samples on {summary.on}: {arrays}"


def evaluation_view(result: Evaluation) -> RenderableType:
    """The figures over labelled data."""
    grid = Facts()
    grid.add_row("Evaluated", f"{result.subject}, {result.samples:,} samples")
    if result.top1 is not None:
        right = "" if result.correct is None else f"  ({result.correct:,} of {result.samples:,})"
        grid.add_row("Top-1", f"{result.top1:.4f}{right}")
    if result.mse is not None:
        grid.add_row("MSE", fmt.number(result.mse, 6))
    if result.auc is not None:
        grid.add_row("AUC", f"{result.auc:.4f}")
    if result.identical is not None:
        text = f"{result.identical:,} of {result.samples:,} samples equal the reference bit for bit"
        grid.add_row("Compared", text)
    return grid


def profile_view(result: Profile, *, tables: bool = True) -> RenderableType:
    """Instructions in total and, with ``tables``, per layer."""
    from rich.console import Group

    grid = Facts()
    grid.add_row(
        "Ran on", ", ".join(x for x in (result.emulator or result.on, result.toolchain) if x)
    )
    grid.add_row("Instructions", fmt.count(result.instructions))
    grid.add_row("Cycles", fmt.cycles(result.cycles))
    if result.cycles is not None:
        source = f": {result.cycles.source}" if result.cycles.source else ""
        grid.add_row("", f"{result.cycles.method}{source}")
    grid.add_row("Stack", fmt.bytes_exact(result.stack_bytes))
    if not (tables and result.layers):
        return grid
    return Group(grid, "", *layer_tables(result.layers, result.other_instructions))


def debug_view(result: DebugResult, *, tables: bool = True) -> RenderableType:
    """The first difference in words and, with ``tables``, every tensor against the reference."""
    from rich.console import Group
    from rich.text import Text

    figures = (Column(c, figure=True) for c in ("elements", "different", "max difference"))
    names = (Column("layer", name=True), "op", Column("tensor", spare=1, name=True))
    made = Table(f"Tensors on {result.on}", Column("#", figure=True), *names, *figures)
    for step in result.steps:
        style = "red" if step.different else ""
        cells = [str(step.index), step.name, step.op, step.tensor, fmt.count(step.elements)]
        cells += [fmt.count(step.different), fmt.number(step.max_abs_diff)]
        made.add_row(*cells, style=style)
    if result.first_difference is None:
        verdict = Text("✔ every tensor equals the reference", style="green")
    else:
        text = f"✘ the first layer that differs is '{result.first_difference}'"
        verdict = Text(text, style="bold red")
    return Group(made, "", verdict) if tables else verdict


def _tensor(info: TensorInfo) -> str:
    layout = f" {info.layout}" if info.layout else ""
    return f"{info.name}: {info.dtype}[{fmt.shape(info.shape)}]{layout}"


def _dash(value: int) -> str:
    return fmt.count(value) if value else "-"

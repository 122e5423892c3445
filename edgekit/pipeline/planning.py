"""The memory plan of a model, without converting it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from codegen.c.choice import KernelSet, kernels_for, unsupported
from edgekit.errors import ModelError, Problem, UsageError
from edgekit.files import write_atomic
from edgekit.ir import Graph, Node, Value
from edgekit.options import PATCHES, Lever
from edgekit.passes import CANONICAL, run_passes
from edgekit.passes.dead_code import DeadCode
from edgekit.pipeline.inspection import Prospect, prospect_of
from edgekit.pipeline.lowering import own_rounding
from edgekit.pipeline.memories import rooms
from edgekit.pipeline.reporting import schedule_of, target_info
from edgekit.pipeline.source import ModelSource, read_source
from edgekit.report.drawing import covered_bytes
from edgekit.report.placement import Schedule
from edgekit.report.results import MemoryPlan, PlannedStep
from edgekit.schedule import (
    Buffer,
    PlanOptions,
    Program,
    Room,
    Step,
    plan,
    plan_split,
    verify_program,
)
from edgekit.schedule.fitting import Planner, Point
from edgekit.schedule.planfile import plan_text
from targets.load import load_core, resolve
from targets.model import Core


def plan_model(
    model: Path | str | Graph,
    target: str | None,
    seconds: float,
    levers: tuple[Lever, ...],
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    save: Path | None = None,
    signature: str = "",
    memories: Mapping[str, int | None] | None = None,
    ram: int | None = None,
) -> MemoryPlan:
    """Plan the arena of a model as `edgekit.pipeline.convert` does.

    A float model is planned as the int8 model that calibration would make of it, unless it has
    operators without an integer form. With ``save`` the plan is also written to that file. With
    ``ram`` (bytes of arena and state) or the lever ``patches`` layers are executed in strips where
    that is needed, and the front of RAM against work is found.

    Raises:
        ModelError: the file cannot be read, or an operator has no kernel.
        UsageError: there is no such target or memory.
        FitError: the memories or the RAM are too small.
    """
    if ram is not None and memories:
        raise UsageError("--ram is for an arena in one piece, --memory splits it: give one of them")
    chosen = resolve(target) if target is not None else None
    split_over = rooms(memories or {}, chosen)
    source = read_source(model, shapes, signature)
    core = chosen.core if chosen else load_core("host")
    prospect = _prospect(source, core)
    lowered = prospect.graph
    start = time.monotonic()
    kernels = kernels_for(core)
    program, front = _search(lowered, kernels, PlanOptions(levers, seconds), split_over, ram)
    taken = time.monotonic() - start
    verify_program(program, kernels.overlaps)
    if save is not None:
        write_atomic(save, plan_text(program, source.file))
    schedule = schedule_of(program, front)
    return MemoryPlan(
        model=source.file,
        figures_for=prospect.dtype,
        arena_bytes=program.arena_bytes,
        state_bytes=program.state_bytes,
        lower_bound_bytes=program.certificate.bound_bytes,
        gap_bytes=program.gap_bytes,
        levers=program.certificate.levers,
        peak_step=program.certificate.peak_step,
        first_fit_bytes=plan(lowered, kernels.scratch_bytes).arena_bytes,
        seconds=round(taken, 3),
        steps=tuple(_step(program, schedule, step) for step in program.steps),
        schedule=schedule,
        target=target_info(chosen) if chosen else None,
    )


def _search(
    graph: Graph, kernels: KernelSet, options: PlanOptions, split_over: Sequence[Room],
    ram: int | None,
) -> tuple[Program, Sequence[Point]]:  # fmt: skip
    """The program of a lowered graph; with strips the front of RAM against work too."""
    if (ram is None and PATCHES not in options.levers) or split_over:
        scratch, overlaps = kernels.scratch_bytes, kernels.overlaps
        return plan_split(graph, scratch, overlaps, options, split_over), ()
    known = kernels.scratch_bytes, kernels.overlaps, options, kernels.instructions
    planner = Planner(graph, *known)
    fitting = None if ram is None else planner.fit(ram - planner.plain.state_bytes)
    smallest, front = planner.explore()
    return fitting or smallest, front


def _prospect(source: ModelSource, core: Core) -> Prospect:
    """What a model becomes on a core.

    Raises:
        ModelError: an operator has no kernel; all are named.
    """
    graph = run_passes(source.graph, (*CANONICAL, DeadCode()))
    prospect = prospect_of(graph, core, own_rounding(source))
    ops = {n.name: n.op.name for n in prospect.graph.nodes}
    problems = [
        Problem(why, f"{ops.get(name, 'node')} '{name}'") for name, why in prospect.problems.items()
    ]
    problems += [] if problems else unsupported(prospect.graph)
    if problems:
        raise ModelError("some operators have no kernel for this target", problems)
    return prospect


def _step(program: Program, schedule: Schedule, step: Step) -> PlannedStep:
    node = step.node
    alive = [b for b in schedule.buffers if b.first <= step.index <= b.last]
    place = program.location[node.output.name]
    return PlannedStep(
        name=node.name,
        op=node.op.name,
        used_bytes=covered_bytes(alive),
        region=place.region,
        offset=place.offset,
        size=place.nbytes,
        scratch_bytes=step.scratch.nbytes if step.scratch else 0,
        over=_over(program, node, place),
        backward=step.backward,
    )


def _over(program: Program, node: Node, place: Buffer) -> tuple[str, ...]:
    """Where the bytes of the result come from: the steps that wrote what it lies over."""
    stepped = {id(s.node) for s in program.steps}
    found = []
    for value in (w for v in node.inputs if v is not None for w in _written(v, stepped)):
        held = None if value.is_constant else program.location[value.name]
        if held is None or held.region != place.region:
            continue
        ends = held.offset + held.nbytes, place.offset + place.nbytes
        if place.offset < ends[0] and held.offset < ends[1]:
            found.append(value.producer.name if value.producer else value.name)
    return tuple(dict.fromkeys(found))


def _written(value: Value, stepped: set[int]) -> Iterator[Value]:
    """The values that steps or the caller write, of which a value is made."""
    node = value.producer
    if node is None or id(node) in stepped:
        yield value
    else:
        for source in (v for v in node.inputs if v is not None):
            yield from _written(source, stepped)

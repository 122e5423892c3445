"""A program from a plan file: every entry is held against the graph, then the whole is replayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from edgekit.errors import DataError, Problem
from edgekit.ir import Graph
from edgekit.options import PATCHES
from edgekit.schedule.model import MemoryModel, OverlapOf, ScratchOf, Tensor, build_model
from edgekit.schedule.plan import ALIGN, order_moves, refuse_constants
from edgekit.schedule.planfile import AGAIN, Place, PlanFile, PlannedStep, PlannedTensor
from edgekit.schedule.program import ARENA, STATE, Buffer, Certificate, Program, Region, Step
from edgekit.schedule.strips import in_strips
from edgekit.schedule.verify import find_problems


def restore(
    plan: PlanFile, graph: Graph, scratch_of: ScratchOf, overlap_of: OverlapOf, file: str
) -> Program:
    """Make the program that a plan describes.

    Args:
        plan: what the file says.
        graph: the lowered graph that it is used for; weights may differ from those of the graph
            that it was made for, names and sizes may not.
        scratch_of, overlap_of: what kernels declare, as for `edgekit.schedule.plan`.
        file: path of the plan, for messages.

    Returns:
        The program, checked by `edgekit.schedule.verify`. The bound of its certificate is what
        the file states; that the arena is not below it is all that is checked of it.

    Raises:
        DataError: the plan does not fit the graph or is unsound; every reason is given.
        ModelError: nothing could be planned for this graph.
    """
    refuse_constants(graph)
    made_for = f" (it was made for {plan.model})" if plan.model else ""
    refusal = f"{file} is no plan for this model on this target{made_for}. {AGAIN}"
    whole = graph
    try:
        graph = in_strips(whole, plan.stages) if plan.stages else whole
    except ValueError as error:
        raise DataError(refusal, [Problem(str(error), "stages")]) from None
    model = build_model(graph, scratch_of, overlap_of, ALIGN, PATCHES in plan.levers)
    problems = _misfits(plan, model)
    if not problems:
        program = _program(plan, model, graph.macs() - whole.macs())
        problems = find_problems(program, overlap_of)
        if not problems:
            return program
    raise DataError(refusal, problems)


def _misfits(plan: PlanFile, model: MemoryModel) -> list[Problem]:
    """Everything that keeps the plan from being a program of this graph."""
    problems = []
    if plan.align != ALIGN:
        problems.append(Problem(f"is {plan.align}", "align", str(ALIGN)))
    problems += [
        Problem("is missing", f"regions.{name}")
        for name in (ARENA, STATE)
        if name not in plan.regions
    ]
    tasks = {t.node.name: t for t in model.tasks}
    problems += _names("step", [s.node for s in plan.steps], tasks)
    for step in plan.steps:
        if step.node in tasks:
            problems += _scratch(step, tasks[step.node].scratch)
    if _regions(plan) and plan.split is None:
        problems.append(Problem("is missing", "split"))
    if plan.peak_step not in ("", *tasks):
        problems.append(Problem(f"'{plan.peak_step}' is not a step", "certificate.peak_step"))
    tensors = {own: (t, aliases) for t, (own, *aliases) in _named(model)}
    problems += _names("tensor", [t.name for t in plan.tensors], tensors)
    for entry in plan.tensors:
        if entry.name in tensors:
            problems += _tensor(entry, *tensors[entry.name])
    return problems


def _names(kind: str, found: Sequence[str], wanted: Collection[str]) -> list[Problem]:
    counts = Counter(found)
    problems = [
        Problem(f"is not a {kind} of the model", f"'{name}'")
        for name in counts
        if name not in wanted
    ]
    problems += [
        Problem(f"is planned {n} times", f"{kind} '{name}'") for name, n in counts.items() if n > 1
    ]
    problems += [
        Problem("is not in the plan", f"{kind} '{name}'") for name in wanted if name not in counts
    ]
    return problems


def _scratch(step: PlannedStep, needed: int) -> list[Problem]:
    found = step.scratch.nbytes if step.scratch else 0
    if found == needed:
        return []
    return [Problem(f"has {found} B of scratch", f"step '{step.node}'", f"{needed} B")]


def _named(model: MemoryModel) -> Iterator[tuple[Tensor, list[str]]]:
    """Tensors with the names of their bytes."""
    return zip(model.tensors, model.names(), strict=True)


def _tensor(entry: PlannedTensor, tensor: Tensor, aliases: list[str]) -> list[Problem]:
    problems = []
    where, size = f"tensor '{entry.name}'", tensor.nbytes
    if entry.place.nbytes != size:
        problems.append(Problem(f"has {entry.place.nbytes} B", where, f"{size} B"))
    if sorted(entry.aliases) != sorted(aliases):
        what = f"has the aliases {', '.join(entry.aliases) or 'none'}"
        problems.append(Problem(what, where, ", ".join(aliases) or "none"))
    return problems


def _program(plan: PlanFile, model: MemoryModel, extra_macs: int) -> Program:
    tasks = {t.node.name: i for i, t in enumerate(model.tasks)}
    order = [tasks[s.node] for s in plan.steps]
    position = {task: i for i, task in enumerate(order)}
    last = model.last_uses(order)
    places = {t.name: t.place for t in plan.tensors}
    buffers: list[Buffer] = []
    location: dict[str, Buffer] = {}
    for (tensor, names), end in zip(_named(model), last, strict=True):
        first = -1 if tensor.writer is None else position[tensor.writer]
        buffer = _buffer(names[0], places[names[0]], (first, end), names[1:])
        buffers.append(buffer)
        location |= dict.fromkeys(names, buffer)
    for name, parts in model.held.items():
        if name not in location:
            at, nbytes = model.extent(name)
            offset = buffers[parts[0]].offset + at - model.tensors[parts[0]].at
            live = min(buffers[p].first for p in parts), max(buffers[p].last for p in parts)
            region = buffers[parts[0]].region
            location[name] = Buffer(name, region, offset, nbytes, *live)
    steps = [
        Step(
            i,
            model.tasks[order[i]].node,
            _buffer(f"scratch of {s.node}", s.scratch, (i, i)) if s.scratch else None,
            s.walk == "backward",
        )
        for i, s in enumerate(plan.steps)
    ]
    return Program(
        graph=model.graph,
        steps=tuple(steps),
        buffers=tuple(buffers),
        location=location,
        arena_bytes=plan.regions[ARENA],
        state_bytes=plan.regions[STATE],
        certificate=Certificate(
            plan.levers, plan.bound_bytes, plan.peak_step, plan.stages, extra_macs
        ),
        align=plan.align,
        moves=order_moves(model.graph, location),
        split=plan.split and replace(plan.split, regions=_regions(plan)),
    )


def _regions(plan: PlanFile) -> tuple[Region, ...]:
    sizes = plan.regions.items()
    return tuple(Region(name, size) for name, size in sizes if name not in (ARENA, STATE))


def _buffer(name: str, place: Place, live: tuple[int, int], aliases: Sequence[str] = ()) -> Buffer:
    return Buffer(name, place.region, place.offset, place.nbytes, *live, tuple(aliases))

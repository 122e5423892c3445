"""From a graph to a program: the order of the steps, then the place of every byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edgekit.errors import ModelError, Problem
from edgekit.ir import Graph, Node
from edgekit.options import ALL_LEVERS, LEVERS, PATCHES, PLAN_TIME, Lever
from edgekit.schedule.deadline import Deadline
from edgekit.schedule.lives import Life, find_gaps, lives_of, place_values
from edgekit.schedule.model import (
    MemoryModel,
    OverlapOf,
    ScratchOf,
    Task,
    build_model,
)
from edgekit.schedule.order import Ordered, best_order
from edgekit.schedule.overlap import Overlap, gap_between
from edgekit.schedule.packing import Block, Packed, pack
from edgekit.schedule.program import (
    ARENA,
    Buffer,
    Certificate,
    Move,
    Program,
    Step,
)
from edgekit.schedule.space import Space

ALIGN = 4
"""Bytes: int32 and float32 elements, and word loads of int8 data, need no more."""

ORDER_SHARE = 0.55
"""Part of the time for the order; packing has the rest."""
ENDING = 2.5
"""What comes after the search has no clock: at most so many times what first fit took before."""


@dataclass(frozen=True)
class PlanOptions:
    """How hard to plan.

    Attributes:
        levers: what the plan may use beside the place of each tensor; with ``patches`` slices and
            joints of rows are views.
        seconds: time limit; with 0 tensors are placed by first fit alone.
    """

    levers: tuple[Lever, ...] = LEVERS
    seconds: float = PLAN_TIME


AS_GIVEN = PlanOptions((), 0.0)
"""The given order, no overlap, first fit."""


def no_overlap(node: Node) -> Sequence[Overlap | None]:
    """The declaration of kernels that tolerate none."""
    return ()


def plan(
    graph: Graph,
    scratch_of: ScratchOf,
    overlap_of: OverlapOf = no_overlap,
    options: PlanOptions = AS_GIVEN,
) -> Program:
    """Place every tensor of ``graph``, and order its nodes where that is allowed.

    Args:
        graph: lowered graph.
        scratch_of: bytes of scratch that a node's kernel declares.
        overlap_of: what a node's kernel tolerates, by input.
        options: levers and time limit.

    Returns:
        The program with its certificate. Reshapes are aliases and take neither a step nor bytes.
        It never needs more than first fit in the given order.

    Raises:
        ModelError: an output or a next state is a constant, or states exchange their contents.
    """
    refuse_constants(graph)
    levers = options.levers

    def usable(node: Node) -> Sequence[Overlap | None]:
        return [o if o is not None and o.kind in levers else None for o in overlap_of(node)]

    model = build_model(graph, scratch_of, usable, ALIGN, PATCHES in levers)
    # From here on: until here kernels were chosen and their constants proven.
    limit = Deadline.after(options.seconds)
    ordered = given_order(model)
    layout = lay_out(replace(model, tasks=_apart(model)), ordered)
    rest = limit.less(ENDING * (options.seconds - limit.left))
    if options.seconds and rest.passed:
        bound = Space(model).bound if "order" in levers else ordered.bound
        ordered = replace(ordered, bound=bound)
    elif options != AS_GIVEN:
        if "order" in levers:
            ordered = best_order(model, rest.part(ORDER_SHARE))
        found = lay_out(model, ordered, rest)
        layout = min(found, layout, key=lambda made: made.packed.total)
    bound = ordered.bound
    if "order" not in levers or len(Space(model).segments()) == len(model.tasks):
        bound = max(bound, layout.packed.bound)  # there is only this order
    return _program(model, layout, levers, bound)


@dataclass(frozen=True)
class Layout:
    """An order and the places of what it makes."""

    order: tuple[int, ...]
    packed: Packed
    offsets: Mapping[int, int]  # of roots
    scratch: Mapping[int, int]  # of tasks


def given_order(model: MemoryModel) -> Ordered:
    """The graph's order; it is all that the bound is about."""
    space = Space(model)
    order = tuple(range(len(model.tasks)))
    peak = max(space.walk(space.first(), order)[0], space.bound)
    return Ordered(order, peak, peak)


def _apart(model: MemoryModel) -> tuple[Task, ...]:
    return tuple(replace(task, laps=()) for task in model.tasks)


def lay_out(
    model: MemoryModel, ordered: Ordered, deadline: Deadline | None = None, reserved: int = 0
) -> Layout:
    """Pack the roots and the scratch of an order.

    Args:
        model, ordered: what to place.
        deadline: until when first fit is improved on; None gives first fit alone.
        reserved: bytes that others need all the time.
    """
    order = ordered.order
    position = {task: i for i, task in enumerate(order)}
    lives = lives_of(model, order)
    roots = sorted(lives)
    scratch = [i for i, t in enumerate(model.tasks) if t.scratch]
    blocks = [_block(model, lives[i]) for i in roots]
    blocks += [Block(model.tasks[i].scratch_size, position[i], position[i]) for i in scratch]
    blocks += [Block(reserved, -1, len(order))] if reserved else []
    gaps = find_gaps(model, order, roots, lives, scratch)
    packed = pack(blocks, model.align, gaps, bound=ordered.peak, deadline=deadline)
    split = len(roots)
    return Layout(
        order,
        packed,
        dict(zip(roots, packed.offsets[:split], strict=True)),
        dict(zip(scratch, packed.offsets[split:], strict=False)),
    )


def _block(model: MemoryModel, lives: Sequence[Life]) -> Block:
    end = max(model.tensors[x.tensor].at + model.tensors[x.tensor].size for x in lives)
    return Block(end, min(x.first for x in lives), max(x.last for x in lives))


def _program(model: MemoryModel, layout: Layout, levers: tuple[Lever, ...], bound: int) -> Program:
    buffers, location, state_bytes = place_values(model, layout.order, layout.offsets)
    steps = tuple(_step(model, layout, i, task) for i, task in enumerate(layout.order))
    return Program(
        graph=model.graph,
        steps=steps,
        buffers=tuple(buffers),
        location=location,
        arena_bytes=layout.packed.total,
        state_bytes=state_bytes,
        certificate=Certificate(
            tuple(x for x in ALL_LEVERS if x in levers), bound, _peak_step(model, layout.order)
        ),
        align=model.align,
        moves=order_moves(model.graph, location),
    )


def _step(model: MemoryModel, layout: Layout, index: int, number: int) -> Step:
    task = model.tasks[number]
    scratch = None
    if task.scratch:
        name, offset = f"scratch of {task.node.name}", layout.scratch[number]
        scratch = Buffer(name, ARENA, offset, task.scratch, index, index)
    return Step(index, task.node, scratch, _walks_backward(model, layout, task))


def _walks_backward(model: MemoryModel, layout: Layout, task: Task) -> bool:
    """True where the result shares bytes with an input at a distance for backward walks only."""
    for lap in task.laps:
        target, source = model.tensors[task.writes[0]], model.tensors[lap.tensors[0]]
        if target.root in layout.offsets:
            roots = layout.offsets[target.root] - layout.offsets[source.root]
            distance = roots + lap.distance
            low = gap_between(lap.source, lap.target, lap.overlap, model.align).low
            if low < distance < lap.source:
                return True
    return False


def _peak_step(model: MemoryModel, order: Sequence[int]) -> str:
    """Name of the first node at which the need is largest."""
    space = Space(model)
    state, peak, name = space.first(), -1, ""
    for task in order:
        need, live = space.step(state, task)
        if need > peak:
            peak, name = need, model.tasks[task].node.name
        state = space.follow(state, task, live)
    return name if peak == max(peak, space.bound) else ""


def refuse_constants(graph: Graph) -> None:
    """Refuse a graph whose outputs or next states are constants, which no step writes.

    Raises:
        ModelError: naming each of them.
    """
    problems = [
        Problem("is a constant", f"output '{v.name}'", hint="Leave it out with --outputs.")
        for v in graph.outputs
        if v.is_constant
    ]
    problems += [
        Problem("always becomes the same constant", f"state '{s.state.name}'")
        for s in graph.states
        if s.update.is_constant
    ]
    if problems:
        raise ModelError("some outputs do not depend on any input", problems)


def order_moves(graph: Graph, location: Mapping[str, Buffer]) -> tuple[Move, ...]:
    """Copies to the states, each state's old content read before it is overwritten.

    Raises:
        ModelError: states exchange their contents.
    """
    waiting = [
        Move(s.state.name, s.update.name, location[s.update.name], location[s.state.name])
        for s in graph.states
        if location[s.update.name] is not location[s.state.name]
    ]
    ordered: list[Move] = []
    while waiting:
        free = [m for m in waiting if all(o is m or o.source is not m.home for o in waiting)]
        if not free:
            where = ", ".join(f"'{m.state}'" for m in waiting)
            problem = Problem("take each other's contents", f"states {where}")
            raise ModelError("states that exchange their contents are not supported", [problem])
        ordered += free
        waiting = [m for m in waiting if m not in free]
    return tuple(ordered)

"""Which plan a conversion follows: a pinned one, one over several memories, or one that fits."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.c.choice import KernelSet
from edgekit.errors import FitError
from edgekit.ir import Graph
from edgekit.options import ConvertOptions
from edgekit.schedule import PlanOptions, Program, Room, plan_split, verify_program
from edgekit.schedule.fitting import Planner, Point
from edgekit.schedule.planfile import read_plan
from edgekit.schedule.restore import restore
from targets.model import Board

STACK_ROOM = 2048
"""Bytes of a board's RAM that are left for the stack and static data before they are measured."""


def schedule(
    graph: Graph,
    kernels: KernelSet,
    options: ConvertOptions,
    memories: Sequence[Room],
    board: Board | None,
) -> tuple[Program, Sequence[Point]]:
    """Plan a lowered graph, or follow the plan file that the options name.

    Returns:
        The program; and where the RAM is limited to what whole layers exceed, or by an option, the
        front of RAM against work.

    Raises:
        DataError: the plan file cannot be read or does not fit the graph.
        FitError: the memories, or the RAM that the options give, are too small.
    """
    if options.plan is not None:
        pinned = read_plan(options.plan)
        file = str(options.plan)
        return restore(pinned, graph, kernels.scratch_bytes, kernels.overlaps, file), ()
    limit = PlanOptions(seconds=options.plan_time)
    ram = options.ram
    front: Sequence[Point] = ()
    if memories or (ram is None and board is None):
        program = plan_split(graph, kernels.scratch_bytes, kernels.overlaps, limit, memories)
    else:
        known = kernels.scratch_bytes, kernels.overlaps, limit, kernels.instructions
        planner = Planner(graph, *known)
        state = planner.plain.state_bytes
        program = _on_board(planner, board) if ram is None else planner.fit(ram - state)
        front = planner.explore()[1] if ram is not None or program is not planner.plain else ()
    verify_program(program, kernels.overlaps)
    return program, front


def _on_board(planner: Planner, board: Board | None) -> Program:
    assert board is not None
    try:
        have = board.contiguous_sram_bytes - STACK_ROOM
        return planner.fit(have - planner.plain.state_bytes)
    except FitError:  # said again when everything in RAM is known, with boards that would do
        return planner.smallest()

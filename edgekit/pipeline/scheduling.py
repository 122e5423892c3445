"""Which plan a conversion follows: a pinned one, one over several memories, or one that fits."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.c.choice import KernelSet
from edgekit.errors import FitError
from edgekit.ir import Graph
from edgekit.options import ConvertOptions
from edgekit.schedule import PlanOptions, Program, Room, plan_split, verify_program
from edgekit.schedule.fitting import Planner
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
) -> Program:
    """Plan a lowered graph, or follow the plan file that the options name.

    Raises:
        DataError: the plan file cannot be read or does not fit the graph.
        FitError: the memories, or the RAM that the options give, are too small.
    """
    if options.plan is not None:
        pinned = read_plan(options.plan)
        return restore(pinned, graph, kernels.scratch_bytes, kernels.overlaps, str(options.plan))
    limit = PlanOptions(seconds=options.plan_time)
    if memories:
        program = plan_split(graph, kernels.scratch_bytes, kernels.overlaps, limit, memories)
    else:
        planner = Planner(graph, kernels.scratch_bytes, kernels.overlaps, limit)
        program = _fitting(planner, options.ram, board)
    verify_program(program, kernels.overlaps)
    return program


def _fitting(planner: Planner, ram: int | None, board: Board | None) -> Program:
    plain = planner.plain
    if ram is not None:
        return planner.fit(ram - plain.state_bytes)
    if board is None:
        return plain
    try:
        return planner.fit(board.contiguous_sram_bytes - STACK_ROOM - plain.state_bytes)
    except FitError:  # said again when everything in RAM is known, with boards that would do
        return planner.smallest()

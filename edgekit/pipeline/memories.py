"""The memories of a target: what an arena is split over, and where constants are copied to."""

from __future__ import annotations

from collections.abc import Mapping

from edgekit.errors import Problem, UsageError
from edgekit.pipeline.scheduling import STACK_ROOM
from edgekit.schedule import Program, Room
from edgekit.schedule.program import REGION_NAME
from targets.model import Board, Target


def rooms(wanted: Mapping[str, int | None], target: Target | None) -> tuple[Room, ...]:
    """What the options ask for, with the sizes that the board knows.

    Args:
        wanted: bytes by name of memory, the fastest first; None: all that the board has.
        target: core or board; a core knows no sizes.

    Raises:
        UsageError: a name that cannot stand in C, one that the board does not have, or a size that
            is missing or more than there is.
    """
    known = _known(target.board if target else None)
    problems = []
    found = []
    for number, (name, nbytes) in enumerate(wanted.items()):
        last = number == len(wanted) - 1
        room, problem = _room(name, nbytes, known, last)
        found.append(room)
        if problem is not None:
            problems.append(problem)
    if problems:
        raise UsageError("--memory asks for what there is not", problems)
    return tuple(found)


def check_weights(wanted: Mapping[str, int | None], target: Target) -> None:
    """Refuse a memory for constants, before anything is planned.

    Raises:
        UsageError: as `rooms`.
    """
    known = _known(target.board)
    found = (_room(name, nbytes, known, last=True)[1] for name, nbytes in wanted.items())
    problems = [problem for problem in found if problem is not None]
    if problems:
        raise UsageError("--weights asks for what there is not", problems)


def weights_room(wanted: Mapping[str, int | None], target: Target, program: Program) -> Room | None:
    """Where constants are copied to, with the size that is left for them; None: nowhere.

    Args:
        wanted: as `edgekit.options.ConvertOptions.weights`.
        target: core or board.
        program: what the arena takes.

    Raises:
        UsageError: the arena leaves nothing, or less than is wanted.
    """
    board = target.board
    for name, nbytes in wanted.items():
        left = _left(board, _known(board).get(name), name, program)
        problem = None
        if left is not None and left <= 0:
            problem = Problem("is full: the arena takes it", f"memory '{name}'")
        elif nbytes is not None and left is not None and nbytes > left:
            allowed = f"up to {left:,} beside the arena and the stack"
            problem = Problem(f"has fewer than {nbytes:,} bytes left", f"memory '{name}'", allowed)
        if problem is not None:
            raise UsageError("--weights asks for what there is not", [problem])
        return Room(name, left if nbytes is None else nbytes)
    return None


def _known(board: Board | None) -> dict[str, int]:
    """Bytes by name of memory; nothing for a core."""
    return {m.name: m.nbytes for m in board.memories} if board else {}


def _left(board: Board | None, size: int | None, name: str, program: Program) -> int | None:
    """Bytes of a board's memory beside what a program takes there; None where that is unknown.

    An arena in one piece lies in the largest piece of RAM, and so do state and stack.
    """
    if board is None:
        return None
    if program.split is None or name == program.split.arena:
        taken = program.arena_bytes
    else:
        taken = next((r.nbytes for r in program.regions if r.name == name), 0)
    whole = board.contiguous_sram_bytes
    if size is not None and size != whole:
        return size - (taken if program.split else 0)
    return whole - taken - program.state_bytes - STACK_ROOM


def _room(
    name: str, nbytes: int | None, known: Mapping[str, int], last: bool
) -> tuple[Room, Problem | None]:
    where = f"memory '{name}'"
    there = known.get(name)
    size = there if nbytes is None else nbytes
    problem = None
    if not REGION_NAME.fullmatch(name):
        allowed = "lower-case letters, digits and _, but not arena or state"
        problem = Problem("cannot be a part of C names", where, allowed)
    elif known and there is None:
        problem = Problem("is not one of the board", where, ", ".join(known))
    elif there is not None and nbytes is not None and nbytes > there:
        problem = Problem(f"has fewer than {nbytes:,} bytes", where, f"up to {there:,}")
    elif size is None and not last:
        hint = f"Say how large it is: --memory {name}=64KiB."
        problem = Problem("is of unknown size on this target", where, hint=hint)
    return Room(name, size), problem

"""The memories of a target that an arena is split over."""

from __future__ import annotations

from collections.abc import Mapping

from edgekit.errors import Problem, UsageError
from edgekit.schedule import Room
from edgekit.schedule.program import REGION_NAME
from targets.model import Target


def rooms(wanted: Mapping[str, int | None], target: Target | None) -> tuple[Room, ...]:
    """What the options ask for, with the sizes that the board knows.

    Args:
        wanted: bytes by name of memory, the fastest first; None: all that the board has.
        target: core or board; a core knows no sizes.

    Raises:
        UsageError: a name that cannot stand in C, one that the board does not have, or a size that
            is missing or more than there is.
    """
    board = target.board if target else None
    known = {m.name: m.nbytes for m in board.memories} if board else {}
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

"""Loads cores and boards from their TOML files. The lists below are the registry."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import TypeVar

from edgekit.errors import InternalError, Problem, UsageError
from targets.model import Board, Core, Target
from targets.toml import TableError, from_table

DATA = Path(__file__).parent / "data"

CORES = (
    "cortex-m0plus",
    "cortex-m3",
    "cortex-m4",
    "cortex-m7",
    "cortex-m33",
    "cortex-m55",
    "rv32imc",
    "host",
)
BOARDS = ("nucleo-l4r5zi", "nucleo-h743zi2", "raspberry-pi-pico")

T = TypeVar("T", Core, Board)


def core_names() -> tuple[str, ...]:
    """Every core, in the order in which they are listed to a user."""
    return CORES


def board_names() -> tuple[str, ...]:
    """Every board, in the order in which they are listed to a user."""
    return BOARDS


@functools.cache
def load_core(name: str) -> Core:
    """The core called ``name``.

    Raises:
        UsageError: there is none; the error lists those there are.
    """
    if name not in CORES:
        raise _unknown("core", name, CORES)
    return _read(Core, DATA / "cores" / f"{name}.toml", name)


@functools.cache
def load_board(name: str) -> Board:
    """The board called ``name``.

    Raises:
        UsageError: there is none; the error lists those there are.
    """
    if name not in BOARDS:
        raise _unknown("board", name, BOARDS)
    board = _read(Board, DATA / "boards" / f"{name}.toml", name)
    load_core(board.core)
    return board


def resolve(name: str) -> Target:
    """The core or board that ``--target`` names.

    Raises:
        UsageError: neither; the error lists both kinds.
    """
    if name in CORES:
        return Target(load_core(name))
    if name in BOARDS:
        board = load_board(name)
        return Target(load_core(board.core), board)
    raise _unknown("target", name, CORES + BOARDS)


def _unknown(kind: str, name: str, known: tuple[str, ...]) -> UsageError:
    problem = Problem(f"{kind} '{name}' is unknown", "", ", ".join(known), "See: edgekit targets")
    return UsageError(f"unknown {kind} '{name}'", [problem])


def _read(cls: type[T], path: Path, name: str) -> T:
    """A damaged file here is our own fault, not the user's: hence InternalError."""
    try:
        made = from_table(cls, tomllib.loads(path.read_text(encoding="utf-8")))
    except TableError as error:
        problems = [Problem(finding, path.name) for finding in error.findings]
        raise InternalError(f"the target file {path.name} is wrong", problems) from None
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InternalError(f"the target file {path.name} cannot be read: {error}") from error
    if made.name != name:
        raise InternalError(f"the target file {path.name} calls itself '{made.name}'")
    return made

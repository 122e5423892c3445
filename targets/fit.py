"""Does a model fit a board? And if not: what is missing, and what would make it fit."""

from __future__ import annotations

import math

from edgekit.errors import FitError, Problem
from targets.load import board_names, load_board
from targets.model import Board, Target


def check_fit(target: Target, flash_bytes: int, ram_bytes: int) -> None:
    """Refuse a model that is larger than the board.

    Args:
        target: a core alone has no limits, and everything fits it.
        flash_bytes: code, weights and tables.
        ram_bytes: arena, state, static data and stack.

    Raises:
        FitError: one problem for each memory that is too small, with the boards that would do.
    """
    board = target.board
    if board is None:
        return
    hint = _hint(board, flash_bytes, ram_bytes)
    problems = [
        Problem(_shortage(kind, need, have), board.name, f"{have:,} bytes", hint)
        for kind, need, have in (
            ("flash", flash_bytes, board.flash_bytes),
            ("RAM", ram_bytes, board.contiguous_sram_bytes),
        )
        if need > have
    ]
    if problems:
        raise FitError(f"the model does not fit {board.title}", problems)


def _shortage(kind: str, need: int, have: int) -> str:
    percent = math.ceil(1000 * (need - have) / need) / 10
    return (
        f"needs {need:,} bytes of {kind}, {need - have:,} more than there are "
        f"({kind} use must shrink by {percent:.1f}%)"
    )


def _hint(board: Board, flash_bytes: int, ram_bytes: int) -> str:
    others = [load_board(name) for name in board_names() if name != board.name]
    fits = [
        other.name
        for other in others
        if flash_bytes <= other.flash_bytes and ram_bytes <= other.contiguous_sram_bytes
    ]
    if fits:
        return f"It fits: {', '.join(fits)}. Otherwise use a smaller model."
    return "No known board holds it: use a smaller model."

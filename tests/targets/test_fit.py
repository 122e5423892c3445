"""Does it fit? And the refusal says what is missing and what would make it fit."""

from __future__ import annotations

import pytest

from edgekit.errors import FitError
from targets.fit import check_fit
from targets.load import load_board, resolve


def test_exactly_full_fits() -> None:
    board = load_board("nucleo-h743zi2")
    check_fit(resolve(board.name), board.flash_bytes, board.contiguous_sram_bytes)


def test_a_core_alone_has_no_limit() -> None:
    check_fit(resolve("cortex-m4"), 1 << 40, 1 << 40)


def test_one_byte_too_many_is_refused_with_a_board_that_does() -> None:
    board = load_board("raspberry-pi-pico")
    with pytest.raises(FitError) as caught:
        check_fit(resolve(board.name), 1000, board.contiguous_sram_bytes + 1)
    text = str(caught.value)
    assert "1 more than there are" in text
    assert "nucleo-l4r5zi" in text
    assert caught.value.exit_code == 3


def test_both_memories_are_reported_and_no_board_is_invented() -> None:
    with pytest.raises(FitError) as caught:
        check_fit(resolve("nucleo-l4r5zi"), 4 << 20, 2 << 20)
    assert len(caught.value.problems) == 2
    assert "must shrink by 50.0%" in str(caught.value)
    assert "No known board holds it" in str(caught.value)


def test_an_arena_needs_contiguous_memory() -> None:
    board = load_board("nucleo-h743zi2")
    assert board.contiguous_sram_bytes < board.sram_bytes
    with pytest.raises(FitError):
        check_fit(resolve(board.name), 0, board.sram_bytes)

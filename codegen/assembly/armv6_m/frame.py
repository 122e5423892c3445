"""Entering and leaving functions of Armv6-M that use every register and a large frame."""

from __future__ import annotations

from codegen.assembly.block import Block, noted

HIGH = ("r8", "r9", "r10", "r11")
"""High registers that a function must preserve."""


@noted
def enter(b: Block, frame: int) -> None:
    """Save the registers and make room for the frame.

    Its bytes are a multiple of 8, below 2048.
    """
    b.op("push {{r4-r7, lr}}")
    for i, register in enumerate(HIGH):
        b.op(f"mov r{4 + i}, {register}")
    b.op("push {{r4-r7}}")
    b.op("movs r4, #{n}", n=frame // 8)
    b.op("lsls r4, r4, #3")
    b.op("mov r5, sp")
    b.op("subs r5, r5, r4")
    b.op("mov sp, r5")


@noted
def leave(b: Block, frame: int) -> None:
    """Give the frame and the registers back, and return."""
    b.op("movs r4, #{n}", n=frame // 8)
    b.op("lsls r4, r4, #3")
    b.op("add sp, r4")
    b.op("pop {{r4-r7}}")
    for i, register in enumerate(HIGH):
        b.op(f"mov {register}, r{4 + i}")
    b.op("pop {{r4-r7, pc}}")


def keep(b: Block, struct: str, *fields: tuple[int, int]) -> None:
    """Copy fields of a struct to places in the frame, by way of r4."""
    for offset, place in fields:
        b.op(f"ldr r4, [{struct}, #{offset}]")
        b.op(f"str r4, [sp, #{place}]")

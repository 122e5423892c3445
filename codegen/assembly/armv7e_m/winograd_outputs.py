"""Sums of a block of filters of a Winograd convolution become outputs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from codegen.assembly.armv7e_m.scaling import (
    CLAMP,
    SCALE,
    SHIFT_BITS,
    TWICE,
    Constants,
    clamp,
    scale,
)
from codegen.assembly.armv7e_m.winograd_frame import FRAME, LAYER_SHIFT, ROW_SLOTS, TWICE_DIVIDED
from codegen.assembly.block import Block
from codegen.assembly.winograd_parts import FILTERS, ROWS, THIRD

OUTPUTS, CONSTANTS = ("r0", "r1"), Constants("r2", "r3")
"""Of one filter: a row in both columns, and what scales it."""


@contextmanager
def _filters(b: Block) -> Iterator[None]:
    """For each filter of the block: r2 and r3 are its constants, r12 its sums."""
    with b.loop("add r12, #8", f"ldr r0, [sp, #{FRAME['row_end']}]", "cmp r12, r0", "bne {head}"):
        b.op("ldrd r2, r3, [r11], #8")
        yield


@contextmanager
def _outputs(b: Block, row: int) -> Iterator[None]:
    """A row of the filter: r0 and r1 become its outputs in both columns."""
    b.op(f"ldrd r0, r1, [r12, #{ROW_SLOTS[row]}]")
    yield
    b.op(f"strb r1, [r{4 + row}, r10]")
    b.op(f"strb r0, [r{4 + row}], #1")


def scale_outputs(b: Block) -> None:
    """Outputs of four rows, filter by filter, by one of three forms."""
    twice, divided, clamped, scaled, written = b.labels("twice divided clamped scaled written")
    b.op("ldr r12, [sp, #{o}]", o=FRAME["slots"])
    b.op("ldr r11, [sp, #{o}]", o=FRAME["q"])
    b.op(f"add r11, #{4 * FILTERS}")
    b.op("add r4, sp, #{o}", o=FRAME["y0"])
    b.op("ldm r4, {{r4-r7, r10}}")
    b.op("ldr r0, [sp, #{o}]", o=FRAME["tail"])
    for tail, label in (
        (CLAMP, clamped),
        (SCALE, scaled),
        (TWICE_DIVIDED, divided),
        (TWICE, twice),
    ):
        b.op(f"cmp r0, #{tail}")
        b.op("beq {label}", label=label)
    _scale_shifted(b)
    b.op("b {label}", label=written)
    b.place(clamped)
    b.op("ldrd r8, r9, [sp, #{o}]", o=FRAME["add"])
    with _filters(b):
        for row in range(ROWS):
            with _outputs(b, row):
                scale(b, OUTPUTS, CONSTANTS, LAYER_SHIFT, "usat")
                clamp(b, OUTPUTS, "r8", "r9")
    b.op("b {label}", label=written)
    b.place(twice)
    _scale_twice(b, divided=False)
    b.op("b {label}", label=written)
    b.place(divided)
    _scale_twice(b, divided=True)
    b.op("b {label}", label=written)
    b.place(scaled)
    with _filters(b):
        for row in range(ROWS):
            with _outputs(b, row):
                scale(b, OUTPUTS, CONSTANTS, LAYER_SHIFT, "ssat")
    b.place(written)
    b.op("add r8, sp, #{o}", o=FRAME["y0"])
    b.op("stm r8, {{r4-r7}}")


def _scale_shifted(b: Block) -> None:
    b.op("ldrd r9, lr, [sp, #{o}]", o=FRAME["add"])
    with _filters(b):
        b.op(f"and r8, r3, #{(1 << SHIFT_BITS) - 1}")
        b.op(f"asr r3, #{SHIFT_BITS}")
        for row in range(ROWS):
            with _outputs(b, row):
                for s in OUTPUTS:
                    b.op(f"smmlar {s}, {s}, r2, r3")
                    b.op(f"asr {s}, r8")
                    b.op(f"usat {s}, #8, {s}")
                clamp(b, OUTPUTS, "r9", "lr")


def _scale_twice(b: Block, divided: bool) -> None:
    """Outputs rounded twice.

    Args:
        b: the block.
        divided: multipliers are for 24 times the sums. Else, times a third of 1, these become eight
            times the sums.
    """
    if not divided:
        b.op(f"movw lr, #{THIRD & 0xFFFF}")
        b.op(f"movt lr, #{THIRD >> 16}")
    with _filters(b):
        b.op("ldr r9, [sp, #{o}]", o=FRAME["zero"])
        b.op("sub r8, r3, #1")
        b.op("lsl r8, r9, r8")
        for row in range(ROWS):
            with _outputs(b, row):
                for s in OUTPUTS:
                    if not divided:
                        b.op(f"mul {s}, {s}, lr")
                        b.op(f"asr {s}, #2")
                    b.op(f"smmlar r9, {s}, r2, r8")
                    b.op(f"add {s}, r9, {s}, asr #31")
                    b.op(f"asr {s}, r3")
                    b.op(f"ssat {s}, #8, {s}")

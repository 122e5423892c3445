"""The function of `taps`: some pixels of a row, eight channels at a time."""

from __future__ import annotations

import functools

from codegen.assembly.block import Block, noted
from codegen.assembly.mve.lanes import finish_vectors
from codegen.assembly.mve.scaling import Form

LANES = 8
CALL, PIXEL, ROW, TAP = 14, 9, 4, 8
"""Instructions of a call, of a pixel, of a row of taps, of a tap."""
CHANNELS, ZERO_POINT, LOW = 8, 44, 48
"""Offsets in ``ek_taps``."""


@functools.cache
def group_instructions(form: Form | None, is_positive: bool) -> int:
    """Of eight channels, but for their rows and taps."""
    b = _named("")
    _channels(b, form, is_positive)
    return b.cost().total + 2 - ROW - TAP


def _named(symbol: str) -> Block:
    """A function with its registers."""
    b = Block(symbol)
    b.name(x="r0", tap="r2", w="r3", table="r4", y="r5", tap_step="r6", skip="r7")
    b.name(rows="r8", columns="r9", left="r10", pixels="r11", count="r12", zero="q6")
    return b


def taps_block(form: Form | None, is_positive: bool) -> Block:
    """``ek_taps_s8(a, x, y, pixels)`` for a form, or ``ek_taps_s16`` (outputs may begin at 0)."""
    b = _named(f"taps_{form.tag if form else 's16' + 'p' * is_positive}")
    b.op("push {{r4-r11, lr}}")
    b.op("vpush {{d8-d13}}")
    b.op("push {{r0-r3}}")
    b.op("mov {y}, r2")
    b.op("mov {pixels}, r3")
    b.op("ldr r2, [r0, #{at}]", at=ZERO_POINT)
    b.op("vdup.16 {zero}, r2")
    b.op("add r2, r0, #{at}", at=CHANNELS + 4)
    b.op("ldm r2, {{r8, r9}}")
    b.op("ldrd {tap_step}, {skip}, [r2, #8]")
    with b.loop("subs {pixels}, {pixels}, #1", "bne {head}"):
        b.op("ldrd r0, r1, [sp]")
        b.op("ldr {left}, [r0, #{at}]", at=CHANNELS)
        b.op("ldrd {w}, {table}, [r0]")
        b.op("ldr r2, [r0, #{at}]", at=CHANNELS + 20)
        b.op("add r2, r2, r1")
        b.op("str r2, [sp, #4]")
        b.op("mov {x}, r1")
        with b.loop("subs {left}, {left}, #8", "bgt {head}"):
            _channels(b, form, is_positive)
    b.op("add sp, sp, #16")
    b.op("vpop {{d8-d13}}")
    b.op("pop {{r4-r11, pc}}")
    return b


@noted
def _channels(b: Block, form: Form | None, is_positive: bool) -> None:
    """Eight channels of a pixel."""
    b.op("vmov.i32 q0, #0")
    b.op("vmov.i32 q1, #0")
    b.op("mov {tap}, {x}")
    b.op("mov {count}, {rows}")
    load, letter, size = ("vldrb.s16", "b", 1) if form else ("vldrh.u16", "h", 2)
    with b.loop("add {tap}, {tap}, {skip}", "subs {count}, {count}, #1", "bne {head}"):
        b.op("dls lr, {columns}")
        with b.loop("le lr, {head}"):
            b.op(f"{load} q2, [{{tap}}]")
            b.op("vldrb.s16 q3, [{w}], #8")
            b.op("add {tap}, {tap}, {tap_step}")
            b.op("vmullb.s16 q4, q2, q3")
            b.op("vmullt.s16 q5, q2, q3")
            b.op("vadd.i32 q0, q0, q4")
            b.op("vadd.i32 q1, q1, q5")
    if form:
        _finish(b, form)
    else:
        _finish_wide(b, is_positive)
    b.op("add {x}, {x}, #{step}", step=LANES * size)
    b.op("cmp {left}, #8")
    b.op("it lt")
    b.op("movlt {count}, {left}")
    b.op("it ge")
    b.op("movge {count}, #8")
    b.op("vctp.16 {count}")
    b.op("vpst")
    b.op(f"vstr{letter}t.16 q0, [{{y}}]")
    b.op("add {y}, {y}, {count}" + (", lsl #1" if size == 2 else ""))


@noted
def _finish(b: Block, form: Form) -> None:
    """Eight outputs of int8 in q0."""
    finish_vectors(b, form)
    if form.clamped:
        b.op("ldr r2, [sp]")
        b.op("add r2, r2, #{at}", at=LOW)
        b.op("ldrd r2, {count}, [r2]")
        b.op("vdup.16 q1, r2")
        b.op("vdup.16 q2, {count}")
        b.op("vmax.s16 q0, q0, q1")
        b.op("vmin.s16 q0, q0, q2")
    else:
        b.op("vqmovnb.s16 q0, q0")


@noted
def _finish_wide(b: Block, is_positive: bool) -> None:
    """Eight outputs of int16 in q0."""
    for operation in ("vadd.i32", "vrmulh.s32"):
        for q in range(2):
            b.op("vldrw.u32 q3, [{table}], #16")
            b.op(f"{operation} q{q}, q{q}, q3")
    b.op("vqmovnb.s32 q0, q0")
    b.op("vqmovnt.s32 q0, q1")
    if is_positive:
        b.op("vmax.s16 q0, q0, {zero}")

"""Packing of the depthwise function: NHWC bytes become halfword pairs, four channels at once."""

from __future__ import annotations

from codegen.assembly.armv7e_m.depthwise_frame import PAIR_BYTES, Writer


def pack(w: Writer, vertical: bool) -> None:
    """Pack the middle rows column by column, or each outer row by pairs of columns.

    The second column of an odd last pair repeats the first; `_pad_column` writes over it.
    """
    head, test, done = (w.b.label() for _ in range(3))
    w.get("r0", "args")
    w.get("r1", "channel")
    w.field("r12", "channels", "r0")
    if vertical:
        w.field("r2", "in_row", "r0")
        w.get("r10", "middle")
        w.op("add r10, r10, r1")
        w.op("add r11, r10, r2")
    else:
        w.get("r10", "top")
        w.get("r11", "bottom")
        w.op("add r10, r10, r1")
        w.op("add r11, r11, r1")
    w.get("lr", "tile")
    w.get("r9", "whole")
    if not vertical:
        w.op("add lr, lr, #8")
        w.op("add r9, r9, #8")
    w.jump("b", test)
    w.b.place(head)
    first = ("[r10]", "[r11]") if vertical else ("[r10]", "[r10, r12]")
    second = ("[r10, r12]", "[r11, r12]") if vertical else ("[r11]", "[r11, r12]")
    _pack_words(w, first, second)
    w.b.place(test)
    w.op("cmp lr, r9")
    w.jump("bne", head)
    w.get("r0", "args")
    w.field("r0", "odd", "r0")
    w.jump("cbz r0,", done)
    w.op("cmp r12, #0")
    w.jump("beq", done)
    w.op("mov r12, #0")
    w.op(f"add r9, r9, #{PAIR_BYTES}")
    w.jump("b", head)
    w.b.place(done)


def _pack_words(w: Writer, first: tuple[str, str], second: tuple[str, str]) -> None:
    """Two pairs of pixels become two words for each of four channels."""
    _halves(w, *first)
    w.op("pkhbt r4, r2, r3, lsl #16")
    w.op("pkhtb r6, r3, r2, asr #16")
    w.op("pkhbt r5, r0, r1, lsl #16")
    w.op("pkhtb r7, r1, r0, asr #16")
    _halves(w, *second)
    w.op("add r10, r10, r12, lsl #1")
    w.op("add r11, r11, r12, lsl #1")
    w.op("pkhbt r8, r0, r1, lsl #16")
    w.op("strd r5, r8, [lr, #16]")
    w.op("pkhtb r8, r3, r2, asr #16")
    w.op("strd r6, r8, [lr, #32]")
    w.op("pkhtb r8, r1, r0, asr #16")
    w.op("strd r7, r8, [lr, #48]")
    w.op("pkhbt r8, r2, r3, lsl #16")
    w.op(f"strd r4, r8, [lr], #{PAIR_BYTES}")


def _halves(w: Writer, one: str, other: str) -> None:
    """Channels 0 and 2 of two pixels in r2 and r3, channels 1 and 3 in r0 and r1."""
    w.op(f"ldr r0, {one}")
    w.op(f"ldr r1, {other}")
    w.op("sxtb16 r2, r0")
    w.op("sxtb16 r3, r1")
    w.op("sxtb16 r0, r0, ror #8")
    w.op("sxtb16 r1, r1, ror #8")


def pad_rows(w: Writer) -> None:
    """Above the first row and below the last one all is padding."""
    for flag, offset in (("is_top", 8), ("is_bottom", 12)):
        inside = w.b.label()
        w.get("r0", flag)
        w.op("cmp r0, #0")
        w.jump("bne", inside)
        w.get("lr", "tile")
        w.get("r9", "span")
        w.op(f"add lr, lr, #{offset}")
        w.op("add r9, r9, lr")
        w.get("r0", "pad")
        with w.b.loop("cmp lr, r9", "bne {head}"):
            for channel in (1, 2, 3):
                w.op(f"str r0, [lr, #{16 * channel}]")
            w.op(f"str r0, [lr], #{PAIR_BYTES}")
        w.b.place(inside)


def pad_column(w: Writer) -> None:
    """The second column of an odd last pair is padding."""
    done = w.b.label()
    w.get("r0", "args")
    w.field("r0", "odd", "r0")
    w.op("cmp r0, #0")
    w.jump("beq", done)
    w.get("lr", "tile")
    w.get("r0", "span")
    w.op("add lr, lr, r0")
    w.get("r0", "pad")
    for channel in range(4):
        at = 16 * channel - PAIR_BYTES
        w.op(f"str r0, [lr, #{at + 4}]")
        w.op(f"strh r0, [lr, #{at + 10}]")
        w.op(f"strh r0, [lr, #{at + 14}]")
    w.b.place(done)

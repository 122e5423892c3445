"""Depthwise 3x3 convolution with stride 2 on Armv7E-M: one output row of four channels at a time.

A pair of input columns becomes three words per channel: two rows as vertical pairs of both columns,
the third row as one horizontal pair. An output takes all of one pair and one column of the pair
after it, or before it where there is padding on the left: again five dual multiplications. Rows are
even or odd alike: the third row is the upper one, except in a last row with padding below it.
"""

from __future__ import annotations

from codegen.assembly.armv7e_m.depthwise_frame import SLOTS, Writer
from codegen.assembly.armv7e_m.depthwise_inner import EXPAND, expand_upper, load_filter
from codegen.assembly.armv7e_m.depthwise_packing import pack_columns, pack_row, pad_column, pad_row
from codegen.assembly.block import Block, noted

WORDS = 3
"""Of each channel of a pair of columns."""
_SLOT_BYTES, _START = 40, 28
"""Code bytes of a slot, and where in it the next output is started."""
_LABELS = ("loop_a", "check_a", "pad_a", "after_a", "upper", "lower")


def depthwise3x3_strided(shift: int, left: int) -> Block:
    """The function ``(const ek_depthwise3x3 *, x, y, scratch)``.

    Args:
        shift: how far an output is shifted right after its high multiplication.
        left: columns of padding on the left, 0 or 1.
    """
    w = Writer(f"depthwise3x3_stride2_left{left}_s{shift}", WORDS, _LABELS)
    row, quad, last = w.b.labels("row quad last")
    w.enter()
    pad_column(w)
    _prepare(w, left)
    w.b.place(row)
    _enter_row(w)
    w.b.place(quad)
    pack_columns(w)
    pack_row(w)
    pad_row(w, "is_top", 8)
    _channels(w, shift, left)
    _copy_row(w)
    w.next_quad(quad, last)
    w.b.place(last)
    w.next_band(row)
    return w.b


@noted
def _prepare(w: Writer, left: int) -> None:
    """Where the inner loop is entered and left."""
    w.get("r5", "half")
    w.op("sub r5, r5, #1")
    w.put("r5", "back")
    w.choose_slot(_SLOT_BYTES)
    w.address("r5", "loop_a")
    w.op("add r5, r5, r6")
    if not left:
        w.op(f"add r5, r5, #{_START}")
    w.put("r5", "enter_a")
    w.address("r5", "after_a")
    if not left:
        w.address("r7", "pad_a")
        w.field("r8", "right", "r0")
        w.op("cmp r8, #0")
        w.op("it ne")
        w.op("movne r5, r7")
    w.choose_turn("a")


@noted
def _enter_row(w: Writer) -> None:
    """Pointers to the rows of the output row whose number is in ``band``."""
    below, chosen = w.b.labels("below chosen")
    w.get("r0", "args")
    w.get("r1", "band")
    w.field("r2", "out_row", "r0")
    w.get("r3", "y")
    w.op("mla r3, r1, r2, r3")
    w.put("r3", "out")
    w.field("r2", "pad_top", "r0")
    w.op("rsb r1, r2, r1, lsl #1")
    w.field("r2", "in_row", "r0")
    w.get("r3", "x")
    w.op("mla r3, r1, r2, r3")
    w.address("r6", "upper")
    w.op("mov r8, #1")
    w.op("add r4, r3, r2")
    w.field("r7", "in_h", "r0")
    w.op("add r5, r1, #2")
    w.op("cmp r5, r7")
    w.jump("beq", below)
    w.op("cmp r1, #0")
    w.op("itt lt")
    w.op("movlt r3, r4")
    w.op("movlt r8, #0")
    w.jump("b", chosen)
    w.b.place(below)
    w.address("r6", "lower")
    w.op("mov r4, r3")
    w.op("mov r8, #0")
    w.b.place(chosen)
    for register, name in (("r3", "top"), ("r4", "middle"), ("r6", "expand"), ("r8", "is_top")):
        w.put(register, name)
    w.field("r1", "filters", "r0")
    w.put("r1", "filter")
    w.op("mov r1, #0")
    w.put("r1", "channel")


@noted
def _channels(w: Writer, shift: int, left: int) -> None:
    """The row of each of the four channels."""
    start = w.b.label("start")
    w.get("lr", "tile")
    w.get("r12", "outputs")
    with w.b.loop("tst r12, #3", "bne {head}"):
        load_filter(w)
        w.go("expand")
        w.b.place(w.at["lower"])
        _expand_lower(w)
        w.jump("b", start)
        w.b.place(w.at["upper"])
        expand_upper(w)
        w.b.place(start)
        _stream(w, shift, left)
        w.rewind(w.channel)
        w.get("r9", "back")
        w.op("sub r12, r12, r9")


@noted
def _expand_lower(w: Writer) -> None:
    """For one row below a vertical pair: r0-r2 rows 0 and 1, r3 and r4 two neighbours of row 2."""
    for to, source in (("r10", "r7"), ("r11", "r8"), ("r2", "r9")):
        w.op(f"and {to}, {source}, {EXPAND}")
    w.op("pkhtb r3, r11, r10, asr #16")
    w.op("pkhtb r4, r2, r11, asr #16")
    for to, source in (("r0", "r7"), ("r1", "r8"), ("r2", "r9")):
        w.op(f"lsl {to}, {source}, #8")
        w.op(f"and {to}, {to}, {EXPAND}")


@noted
def _stream(w: Writer, shift: int, left: int) -> None:
    """All outputs of a row: r7 holds the one that has begun."""
    if left:
        w.get("r10", "pad")
        w.op("smlad r7, r10, r0, r5")
        w.op("smlabb r7, r10, r3, r7")
    else:
        _load_pair(w)
    w.go("enter_a")
    w.b.place(w.at["loop_a"])
    for _ in range(SLOTS):
        _load_pair(w)
        if left:
            w.op("smlad r7, r9, r1, r7")
            w.op("smlad r7, r10, r2, r7")
            w.op("smlad r7, r11, r4, r7")
            w.finish("r7", shift)
            w.op("smlad r7, r10, r0, r5")
            w.op("smlatb r7, r11, r3, r7")
        else:
            w.op("smlad r7, r9, r2, r7")
            w.op("smlabt r7, r11, r4, r7")
            w.finish("r7", shift)
            w.op("smlad r7, r9, r0, r5")
            w.op("smlad r7, r10, r1, r7")
            w.op("smlad r7, r11, r3, r7")
    w.turn("a", "r9")
    if not left:
        w.b.place(w.at["pad_a"])
        w.get("r9", "pad")
        w.op("smlad r7, r9, r2, r7")
        w.op("smlabt r7, r9, r4, r7")
        w.finish("r7", shift)
    w.b.place(w.at["after_a"])


def _load_pair(w: Writer) -> None:
    w.op("ldr r11, [lr, #8]")
    w.op(f"ldrd r9, r10, [lr], #{w.pair}")


@noted
def _copy_row(w: Writer) -> None:
    """Words of four outputs to their pixels."""
    w.get("r0", "args")
    w.field("r12", "channels", "r0")
    w.get("r2", "outputs")
    w.get("r3", "out")
    w.get("r1", "channel")
    w.op("add r3, r3, r1")
    w.copy_words()

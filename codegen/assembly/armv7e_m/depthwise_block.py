"""Depthwise 3x3 convolution with stride 1 on Armv7E-M: two output rows of four channels at a time.

NHWC bytes first become pairs of halfwords, for four channels (a word) at once. With ``r0 .. r3``
the input rows that the output rows A and B need, a pair of columns becomes four words per channel:
``(r1, r2)`` of both columns, which A and B share, and the two columns of ``r0`` (for A) and of
``r3`` (for B). An output is then five dual multiplications: three vertical pairs, and the three
taps of the row that is A's or B's own. As what is packed serves two rows, packing costs 3.5
instructions an output.

Weights are expanded to 256 times their value, which costs one AND for two; the scale absorbs it.
The input's zero point is part of the bias. Left and right of a row it stands in a register, above
and below it is written over what was packed from a neighbouring row. Outputs of four channels are
collected as words and copied to their pixels, so that no register holds the pixel stride meanwhile.
"""

from __future__ import annotations

from codegen.assembly.armv7e_m.depthwise_frame import Writer
from codegen.assembly.armv7e_m.depthwise_inner import SLOT_BYTES, channels
from codegen.assembly.armv7e_m.depthwise_packing import pack_columns, pack_rows, pad_column, pad_row
from codegen.assembly.block import Block, noted

WORDS = 4
"""Of each channel of a pair of columns: two shared ones, one for A, one for B."""
_LABELS = (
    "loop_a", "loop_b", "check_a", "check_b", "pad_a", "pad_b", "after_a", "after_b", "skip_a"
)  # fmt: skip


def depthwise3x3(shift: int, left: int) -> Block:
    """The function ``(const ek_depthwise3x3 *, x, y, scratch)``.

    Args:
        shift: how far an output is shifted right after its high multiplication.
        left: columns of padding on the left, 0 or 1.
    """
    w = Writer(f"depthwise3x3_left{left}_s{shift}", WORDS, _LABELS)
    band, quad, last = w.b.labels("band quad last")
    w.enter()
    pad_column(w)
    _prepare(w)
    w.b.place(band)
    _enter_band(w)
    w.b.place(quad)
    pack_columns(w)
    pack_rows(w)
    pad_row(w, "is_top", 8)
    pad_row(w, "is_bottom", 12)
    channels(w, shift, left)
    _copy_rows(w)
    w.next_quad(quad, last)
    w.b.place(last)
    w.next_band(band)
    return w.b


@noted
def _prepare(w: Writer) -> None:
    """Where the inner loops are entered and left."""
    w.get("r5", "half")
    w.op("lsl r5, r5, #1")
    w.op("sub r5, r5, #1")
    w.put("r5", "back")
    w.op("sub r4, r4, #1")
    w.choose_slot(SLOT_BYTES)
    for row in ("a", "b"):
        w.address("r5", f"after_{row}")
        w.address("r7", f"pad_{row}")
        w.field("r8", "right", "r0")
        w.op("cmp r8, #0")
        w.op("it ne")
        w.op("movne r5, r7")
        w.address("r8", f"loop_{row}")
        w.op("add r8, r8, r6")
        w.op("cmp r4, #0")
        w.op("it eq")
        w.op("moveq r8, r5")  # the first pair was all
        w.put("r8", f"enter_{row}")
        w.choose_turn(row)
    w.get("r5", "enter_a")
    w.put("r5", "enter_whole")


@noted
def _enter_band(w: Writer) -> None:
    """Pointers to the rows of the band whose number is in ``band``, and what is beyond them."""
    w.get("r0", "args")
    w.get("r1", "band")
    w.op("lsl r1, r1, #1")
    w.field("r2", "out_h", "r0")
    w.op("add r3, r1, #1")
    w.op("cmp r3, r2")
    w.get("r4", "enter_whole")
    w.address("r5", "skip_a")  # sets no flags: its ADD is the wide one
    w.op("itt eq")
    w.op("moveq r4, r5")
    w.op("subeq r1, r1, #1")  # an odd last row: A was the row before
    w.put("r4", "enter_a")
    w.field("r2", "out_row", "r0")
    w.get("r3", "y")
    w.op("mla r3, r1, r2, r3")
    w.put("r3", "out")
    w.field("r2", "pad_top", "r0")
    w.op("sub r1, r1, r2")
    w.op("add r1, r1, #1")
    w.field("r2", "in_row", "r0")
    w.get("r3", "x")
    w.op("mla r3, r1, r2, r3")
    w.put("r3", "middle")
    _neighbours(w)
    w.field("r1", "filters", "r0")
    w.put("r1", "filter")
    w.op("mov r1, #0")
    w.put("r1", "channel")


@noted
def _neighbours(w: Writer) -> None:
    """The rows above and below the two in the middle: others stand for those outside."""
    w.op("subs r4, r1, #0")
    w.op("ite eq")
    w.op("moveq r5, r3")
    w.op("subne r5, r3, r2")
    w.put("r4", "is_top")
    w.put("r5", "top")
    w.field("r4", "in_h", "r0")
    w.op("sub r4, r4, r1")
    w.op("add r5, r3, r2, lsl #1")
    w.op("subs r4, r4, #2")
    w.op("it eq")
    w.op("addeq r5, r3, r2")
    w.put("r4", "is_bottom")
    w.put("r5", "bottom")


@noted
def _copy_rows(w: Writer) -> None:
    """Words of four outputs to their pixels."""
    row, done = w.b.labels("row done")
    w.get("r0", "args")
    w.field("r12", "channels", "r0")
    w.field("r8", "out_row", "r0")
    w.get("r10", "outputs")
    w.get("r11", "out")
    w.get("r1", "channel")
    w.op("add r11, r11, r1")
    w.get("r7", "half")
    w.get("r5", "enter_a")
    w.get("r6", "enter_whole")
    w.op("subs r6, r6, r5")
    w.op("itt ne")
    w.op("addne r10, r10, r7")
    w.op("addne r11, r11, r8")
    w.b.place(row)
    w.op("mov r2, r10")
    w.op("mov r3, r11")
    w.copy_words()
    w.jump("cbnz r6,", done)
    w.op("mov r6, #1")
    w.op("add r10, r10, r7")
    w.op("add r11, r11, r8")
    w.jump("b", row)
    w.b.place(done)

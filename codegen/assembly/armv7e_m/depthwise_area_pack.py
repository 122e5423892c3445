"""Packing for depthwise windows on Armv7E-M: four channels of an area's input become halfwords."""

from __future__ import annotations

from codegen.assembly.armv7e_m.depthwise_packing import first_words, halves, second_words
from codegen.assembly.block import Block, noted, offsets
from codegen.assembly.cost import Cost

COLUMNS = 32
"""Packed columns of a channel."""
PLANE = 2 * COLUMNS
"""Bytes from channel to channel of a row."""
PITCH = 4 * PLANE
"""Bytes from row to row."""
_FRAME = offsets(("rows", "turns", "row", "pitch"))


def fill_block() -> Block:
    """The function ``(packed, rows, pad)``: rows of padding."""
    b = Block("depthwise_fill")
    b.op("push {{r4-r9, lr}}")
    for number in range(3, 10):
        b.op(f"mov r{number}, r2")
    with b.loop("subs r1, r1, #1", "bne {head}"):
        for _ in range(PITCH // 32):
            b.op("stm r0!, {{r2-r9}}")
    b.op("pop {{r4-r9, pc}}")
    return b


def fill_cost(rows: int) -> Cost:
    """Of one call."""
    return Cost(borders=9 + (2 + PITCH // 32) * rows)


def pack_block(wide: bool) -> Block:
    """The function ``(const ek_depthwise_input *, x, packed)`` for int8 or, if ``wide``, int16."""
    b = Block("depthwise_pack" + "_s16" * wide)
    column, load = (_words_column, _words) if wide else (_column, _bytes)
    planes = [PLANE * n for n in ((2, 1, 3) if wide else (1, 2, 3))]
    row, turn, four, one, done = b.labels("row turn four one done")
    b.op("push {{r4-r11, lr}}")
    b.op("sub sp, sp, #16")
    _prepare(b)
    b.place(row)
    b.op(f"ldr r9, [sp, #{_FRAME['turns']}]")
    b.op("cmp r11, #0")
    b.op("bge {turn}", turn=turn)
    column(b)
    b.op("b {turn}", turn=turn)
    b.place(four)
    load(b)
    first_words(b)
    load(b)
    second_words(b, planes, 8)
    b.place(turn)
    b.op("subs r9, r9, #1")
    b.op("bge {four}", four=four)
    b.op("lsls r0, r11, #31")  # what is left: bit 1 becomes the carry, bit 0 the sign
    b.op("bcc {one}", one=one)
    load(b)
    first_words(b)
    for register, plane in zip(("r5", "r6", "r7"), planes, strict=True):
        b.op(f"str {register}, [lr, #{plane}]")
    b.op("str r4, [lr], #4")
    b.place(one)
    b.op("bpl {done}", done=done)
    column(b)
    b.place(done)
    b.op(f"ldrd r0, r1, [sp, #{_FRAME['row']}]")
    b.op("add r10, r10, r0")
    b.op("add lr, lr, r1")
    b.op(f"ldr r0, [sp, #{_FRAME['rows']}]")
    b.op("subs r0, r0, #1")
    b.op(f"str r0, [sp, #{_FRAME['rows']}]")
    b.op("bne {row}", row=row)
    b.op("add sp, sp, #16")
    b.op("pop {{r4-r11, pc}}")
    return b


@noted
def _prepare(b: Block) -> None:
    """r10 and lr walk over input and packed columns, r12 apart in the input. r11: how many remain
    of four, its sign says that the first is the second half of a word."""
    b.op("ldm r0, {{r3, r4, r5, r12}}")
    b.op("ldr r6, [r0, #16]")
    b.op("mov r10, r1")
    b.op("add lr, r2, r6, lsl #1")
    b.op("mls r4, r5, r12, r4")
    b.op(f"mov r7, #{PITCH}")
    b.op("sub r7, r7, r5, lsl #1")
    b.op(f"strd r4, r7, [sp, #{_FRAME['row']}]")  # from the end of a row to the next
    b.op("and r6, r6, #1")
    b.op("sub r5, r5, r6")
    b.op("and r11, r5, #3")
    b.op("orr r11, r11, r6, lsl #31")
    b.op("lsr r5, r5, #2")
    b.op(f"strd r3, r5, [sp, #{_FRAME['rows']}]")


def _bytes(b: Block) -> None:
    halves(b, "[r10]", "[r10, r12]")
    b.op("add r10, r10, r12, lsl #1")


@noted
def _words(b: Block) -> None:
    """Channels 0 and 1 of two pixels in r2 and r3, channels 2 and 3 in r0 and r1."""
    b.op("ldr r2, [r10]")
    b.op("ldr r0, [r10, #4]")
    b.op("add r10, r10, r12")
    b.op("ldr r3, [r10]")
    b.op("ldr r1, [r10, #4]")
    b.op("add r10, r10, r12")


@noted
def _words_column(b: Block) -> None:
    """One column of int16."""
    b.op("ldr r0, [r10]")
    b.op("ldr r1, [r10, #4]")
    b.op("add r10, r10, r12")
    for register, plane in (("r1", 2), ("r0", 0)):
        b.op(f"lsr r2, {register}, #16")
        b.op(f"strh r2, [lr, #{PLANE * (plane + 1)}]")
        b.op(f"strh {register}, " + (f"[lr, #{PLANE * plane}]" if plane else "[lr], #2"))


@noted
def _column(b: Block) -> None:
    """One column, half of a word of each channel."""
    b.op("ldr r0, [r10]")
    b.op("add r10, r10, r12")
    b.op("sxtb16 r2, r0")
    b.op("sxtb16 r0, r0, ror #8")
    b.op(f"strh r0, [lr, #{PLANE}]")
    b.op("lsr r0, r0, #16")
    b.op(f"strh r0, [lr, #{3 * PLANE}]")
    b.op("lsr r0, r2, #16")
    b.op(f"strh r0, [lr, #{2 * PLANE}]")
    b.op("strh r2, [lr], #2")


def pack_cost(rows: int, columns: int, left: int, wide: bool) -> Cost:
    """Of one call."""
    lead = left % 2
    fours, rest = divmod(columns - lead, 4)
    four, two, one = (26, 14, 9) if wide else (28, 15, 10)
    row = 15 + four * fours + two * (rest >> 1) + one * (rest & 1) + (one + 1) * lead
    return Cost(packing=rows * row, control=18)

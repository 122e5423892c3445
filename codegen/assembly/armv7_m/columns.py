"""Four columns of int16 taps, each in a word, times two filters on Armv7-M: 12 instructions, 8
products, all fourteen registers in the inner loop."""

from __future__ import annotations

import functools

from codegen.assembly.armv7_m.high_word import narrow
from codegen.assembly.block import Block, noted, offsets
from codegen.assembly.columns import TAPS, WORDS_PART, Columns
from codegen.assembly.isa import ARMV7_M

LOCALS = offsets(("y", "n1", "n2", "n3", "end", "x", "entry", "from", "to", "x_end"))
"""At the stack pointer."""
LOCAL_BYTES = 4 * len(LOCALS)
GROUPS_OFFSET = 32
"""Of the number of groups in ``ek_columns``; what stands before is loaded at once."""
UNROLL = 4
"""Groups in a loop; a sum of fewer begins inside it."""
GROUP_INSTRUCTIONS = 12 * TAPS
GROUP_BYTES = 4 * GROUP_INSTRUCTIONS
"""All instructions have four bytes."""
SUMS = [["r0", "r1", "r2", "r3"], ["r4", "r5", "r6", "r7"]]


@functools.cache
def columns(positive: bool) -> Block:
    """``void f(const ek_columns *a, const int16_t *x, int16_t *y)``.

    Args:
        positive: outputs begin at 0.
    """
    b = Block(f"columns_s16{'_positive' * positive}")
    b.name(w0="r8", w1="r11", x0="r9", x1="r10", x="r12", w="lr")
    each, started, multiplied, resume, wait, written = b.labels(
        "each started multiplied resume wait written"
    )
    _enter(b, multiplied)
    b.place(each)
    b.op("ldrd {x}, r9, [sp, #{o}]", o=LOCALS["x"])
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["from"])
    b.op("cmp r8, #0")
    b.op("bne {label}", label=resume)
    for sums in SUMS:
        b.op(f"ldr {sums[0]}, [{{w}}], #4")
        for s in sums[1:]:
            b.op(f"mov {s}, {sums[0]}")
    b.place(started)
    b.op("bx r9")
    _multiply(b, multiplied)
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["to"])
    b.op("cmp r8, #0")
    b.op("bne {label}", label=wait)
    _finish(b, positive)
    b.place(written)
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["end"])
    b.op("cmp {w}, r8")
    b.op("bne.w {label}", label=each)
    b.op("add sp, #{o}", o=LOCAL_BYTES)
    b.op("pop {{r4-r11, pc}}")
    b.place(resume)
    b.op("ldm r8!, {{r0-r7}}")
    b.op("str r8, [sp, #{o}]", o=LOCALS["from"])
    b.op("b {label}", label=started)
    b.place(wait)
    b.op("stm r8!, {{r0-r7}}")
    b.op("str r8, [sp, #{o}]", o=LOCALS["to"])
    b.op("b {label}", label=written)
    return b


def _enter(b: Block, multiplied: str) -> None:
    b.op("push {{r4-r11, lr}}")
    b.op("sub sp, #{o}", o=LOCAL_BYTES)
    b.op("ldr {x}, [r0, #{o}]", o=GROUPS_OFFSET)
    b.op("add {x}, r1, {x}, lsl #7")
    b.op("str {x}, [sp, #{o}]", o=LOCALS["x_end"])
    b.op("ldm r0, {{r3-r10}}")  # weights, end, entry, n1, n2, n3, from, to
    b.op("mov {w}, r3")
    b.op("strd r2, r6, [sp, #{o}]", o=LOCALS["y"])
    b.op("strd r7, r8, [sp, #{o}]", o=LOCALS["n2"])
    b.op("strd r4, r1, [sp, #{o}]", o=LOCALS["end"])
    b.op("adr.w r3, {label}", label=multiplied)
    b.op("sub r3, r5")
    b.op("add r3, #1")
    b.op("strd r3, r9, [sp, #{o}]", o=LOCALS["entry"])
    b.op("str r10, [sp, #{o}]", o=LOCALS["to"])


@noted
def _multiply(b: Block, multiplied: str) -> None:
    """All taps of a part."""
    head = b.label("head")
    b.place(head)
    for _ in range(UNROLL * TAPS):
        b.op("ldrsb.w {w0}, [{w}], #1")
        b.op("ldrsb.w {w1}, [{w}], #1")
        for first in (0, 2):
            b.op("ldrd {x0}, {x1}, [{x}], #8")
            for sums, weight in zip(SUMS, ("{w0}", "{w1}"), strict=True):
                for s, value in zip(sums[first : first + 2], ("{x0}", "{x1}"), strict=True):
                    b.op(f"mla {s}, {value}, {weight}, {s}")
    b.place(multiplied)
    b.op("ldr {x0}, [sp, #{o}]", o=LOCALS["x_end"])
    b.op("cmp {x}, {x0}")
    b.op("bne.w {head}", head=head)


@noted
def _finish(b: Block, positive: bool) -> None:
    """Four outputs of two filters."""
    for sums in SUMS:
        b.op("ldr r8, [{w}], #4")
        narrow(b, sums, "r8", positive)
    b.op("ldm sp, {{r8-r11}}")
    for sums in SUMS:
        for s, distance in zip(sums[1:], ("r9", "r10", "r11"), strict=True):
            b.op(f"strh {s}, [r8, {distance}, lsl #1]")
        b.op(f"strh {sums[0]}, [r8], #2")
    b.op("str r8, [sp, #{o}]", o=LOCALS["y"])


COLUMNS = Columns(
    isa=ARMV7_M, write=columns, portable="ek_word_columns_s16", driver="ek_conv_word_columns_s16",
    most=WORDS_PART, together=2, group_bytes=GROUP_BYTES, group=GROUP_INSTRUCTIONS + 0.75,
    filters=19, scale=36, copy=29, row=20, border=26, rest=27, tile=450, call=50,
).variant()  # fmt: skip
"""Four pixels of int16 with two filters."""

"""Four columns of int16 taps times int8 weights on Armv7E-M.

A word of a column holds two taps, as SMLAD multiplies them; a word of weights holds four, and
SXTB16 expands two of them at a time, bytes 0 and 2 or 1 and 3. Four columns share that: 25
instructions for 32 products.
"""

from __future__ import annotations

import functools

from codegen.assembly.block import Block, noted, offsets
from codegen.assembly.columns import Columns
from codegen.assembly.isa import ARMV7E_M

LOCALS = offsets(("y", "n1", "n2", "n3", "end", "x", "entry", "from", "to", "spare"))
"""At the stack pointer."""
LOCAL_BYTES = 4 * len(LOCALS)
GROUPS_OFFSET = 32
"""Of the number of groups in ``ek_columns``; what stands before is loaded at once."""
UNROLL = 4
"""Groups in a loop; a sum of fewer begins inside it."""
GROUP_INSTRUCTIONS = 25
GROUP_BYTES = 4 * GROUP_INSTRUCTIONS
"""All instructions have four bytes."""
ORDER = (0, 2, 1, 3)
"""Of the weights in a word."""
SUMS = ("r0", "r1", "r2", "r3")
LOADED = ("r4", "r5", "r6", "r7")


@functools.cache
def columns_function(positive: bool) -> Block:
    """``void f(const ek_columns *a, const int16_t *x, int16_t *y)``.

    Args:
        positive: outputs begin at 0.
    """
    b = Block(f"columns_s16{'_positive' * positive}")
    b.name(w0="r8", w1="r9", part="r10", x="r11", w="r12", x_end="lr")
    each, started, multiplied, resume, wait, written = b.labels(
        "each started multiplied resume wait written"
    )
    _enter(b, multiplied)
    b.place(each)
    b.op("ldr {x}, [sp, #{o}]", o=LOCALS["x"])
    b.op("ldr {part}, [sp, #{o}]", o=LOCALS["from"])
    b.op("cmp {part}, #0")
    b.op("bne {label}", label=resume)
    b.op("ldr r0, [{w}], #4")
    for s in SUMS[1:]:
        b.op(f"mov {s}, r0")
    b.place(started)
    b.op("ldr pc, [sp, #{o}]", o=LOCALS["entry"])
    _multiply(b, multiplied)
    b.op("ldr {part}, [sp, #{o}]", o=LOCALS["to"])
    b.op("cmp {part}, #0")
    b.op("bne {label}", label=wait)
    _finish(b, positive)
    b.place(written)
    b.op("cmp {w}, r8")
    b.op("bne {label}", label=each)
    b.op("add sp, #{o}", o=LOCAL_BYTES)
    b.op("pop {{r4-r11, pc}}")
    b.place(resume)
    b.op("ldm {part}!, {{r0-r3}}")
    b.op("str {part}, [sp, #{o}]", o=LOCALS["from"])
    b.op("b {label}", label=started)
    b.place(wait)
    b.op("stm {part}!, {{r0-r3}}")
    b.op("str {part}, [sp, #{o}]", o=LOCALS["to"])
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["end"])
    b.op("b {label}", label=written)
    return b


def _enter(b: Block, multiplied: str) -> None:
    b.op("push {{r4-r11, lr}}")
    b.op("sub sp, #{o}", o=LOCAL_BYTES)
    b.op("ldr {x_end}, [r0, #{o}]", o=GROUPS_OFFSET)
    b.op("add {x_end}, r1, {x_end}, lsl #6")
    b.op("ldm r0, {{r3-r10}}")  # weights, end, entry, n1, n2, n3, from, to
    b.op("mov {w}, r3")
    b.op("strd r2, r6, [sp, #{o}]", o=LOCALS["y"])
    b.op("strd r7, r8, [sp, #{o}]", o=LOCALS["n2"])
    b.op("strd r4, r1, [sp, #{o}]", o=LOCALS["end"])
    b.op("adr r3, {label}", label=multiplied)
    b.op("sub r3, r5")
    b.op("add r3, #1")
    b.op("strd r3, r9, [sp, #{o}]", o=LOCALS["entry"])
    b.op("str r10, [sp, #{o}]", o=LOCALS["to"])


@noted
def _multiply(b: Block, multiplied: str) -> None:
    """All taps of a part."""
    head = b.label("head")
    b.place(head)
    for _ in range(UNROLL):
        b.op("ldm {w}!, {{{w0}, {w1}}}")
        for word in ("{w0}", "{w1}"):
            for expanded, turned in (("{part}", ""), (word, ", ror #8")):
                b.op("ldm {x}!, {{r4-r7}}")
                b.op(f"sxtb16 {expanded}, {word}{turned}")
                for s, column in zip(SUMS, LOADED, strict=True):
                    b.op(f"smlad {s}, {expanded}, {column}, {s}")
    b.place(multiplied)
    b.op("cmp {x}, {x_end}")
    b.op("bne {head}", head=head)


@noted
def _finish(b: Block, positive: bool) -> None:
    """Four outputs of one filter; ``r8``: where its part of the weights ends."""
    b.op("ldr r4, [{w}], #4")
    for s in SUMS:
        b.op(f"smmulr {s}, {s}, r4")
    for s in SUMS:
        b.op(f"usat {s}, #15, {s}" if positive else f"ssat {s}, #16, {s}")
    b.op("ldm sp, {{r4-r8}}")
    for s, distance in zip(SUMS[1:], ("r5", "r6", "r7"), strict=True):
        b.op(f"strh {s}, [r4, {distance}, lsl #1]")
    b.op("strh r0, [r4], #2")
    b.op("str r4, [sp, #{o}]", o=LOCALS["y"])


COLUMNS = Columns(
    isa=ARMV7E_M, write=columns_function, portable="ek_columns_s16", driver="ek_conv_columns_s16",
    together=1, order=ORDER, group_bytes=GROUP_BYTES, group=GROUP_INSTRUCTIONS, filters=14, turn=2,
    unroll=UNROLL, scale=15, copy=16, row=54, border=35, rest=39, tile=450,
).variant()  # fmt: skip
"""Four pixels of int16 with one filter."""

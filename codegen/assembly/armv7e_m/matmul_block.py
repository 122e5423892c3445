"""Rows of an int8 matrix times four expanded columns of another on Armv7E-M.

The columns are halfwords, rows (0, 2) and (1, 3) of four, as SXTB16 leaves four elements of the
left matrix: 13 instructions for 16 products.
"""

from __future__ import annotations

import functools

from codegen.assembly.armv7e_m import scaling
from codegen.assembly.armv7e_m.scaling import CLAMP, SCALE, SHIFT, TWICE, Constants
from codegen.assembly.block import Block, noted, offsets

LOCALS = offsets(("y", "rows", "args", "entry"))
"""At the stack pointer."""
LOCAL_BYTES = 4 * len(LOCALS)
ARGUMENTS = offsets(
    (
        "start0", "start1", "start2", "start3", "panel", "bytes", "back", "rows", "columns",
        "entry", "constants0", "constants1", "add", "subtract", "zero",
    )
)  # fmt: skip
"""``ek_matmul_panel``, in the order of its definition."""
GROUP = 4
"""Elements of a row that are multiplied together."""
UNROLL = 4
"""Groups in a loop; a sum of fewer begins inside it."""
GROUP_INSTRUCTIONS = 13
GROUP_BYTES = 4 * GROUP_INSTRUCTIONS
"""All instructions have four bytes."""
SUMS = ("r0", "r1", "r2", "r3")
COLUMNS = ("r4", "r5", "r6", "r7")


@functools.cache
def matmul_function(tail: int, shift: int) -> Block:
    """``void f(const ek_matmul_panel *p, const int8_t *a, int8_t *y)``.

    Args:
        tail: how sums are scaled, see `scaling`.
        shift: of scaled sums.
    """
    kind = {SCALE: f"shift{shift}", CLAMP: f"clamp{shift}", TWICE: "twice", SHIFT: "own_shift"}
    b = Block(f"matmul_{kind[tail]}")
    b.name(a="r8", part="r9", x="r10", panel="r11", x_end="r12", back="lr")
    row, multiplied = b.labels("row multiplied")
    b.op("push {{r4-r11, lr}}")
    b.op("sub sp, #{o}", o=LOCAL_BYTES)
    b.op("ldr r3, [r0, #{o}]", o=ARGUMENTS["rows"])
    b.op("strd r2, r3, [sp, #{o}]", o=LOCALS["y"])
    b.op("ldr r3, [r0, #{o}]", o=ARGUMENTS["entry"])
    b.op("adr r2, {label}", label=multiplied)
    b.op("sub r3, r2, r3")
    b.op("add r3, #1")
    b.op("strd r0, r3, [sp, #{o}]", o=LOCALS["args"])
    b.op("mov {x}, r1")
    b.place(row)
    b.op("ldr {back}, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldm {back}!, {{r0-r3, {panel}, {x_end}}}")
    b.op("ldr {back}, [{back}]")
    b.op("add {x_end}, {x}")
    b.op("ldr pc, [sp, #{o}]", o=LOCALS["entry"])
    _multiply(b, multiplied)
    _scale(b, tail, shift)
    b.op("ldrd r6, r7, [sp, #{o}]", o=LOCALS["y"])
    for i, s in enumerate(SUMS):
        b.op(f"strb {s}, [r6, #{i}]")
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldr r8, [r8, #{o}]", o=ARGUMENTS["columns"])
    b.op("add r6, r8")
    b.op("subs r7, #1")
    b.op("strd r6, r7, [sp, #{o}]", o=LOCALS["y"])
    b.op("bne {row}", row=row)
    b.op("add sp, #{o}", o=LOCAL_BYTES)
    b.op("pop {{r4-r11, pc}}")
    return b


@noted
def _multiply(b: Block, multiplied: str) -> None:
    """A whole row; a last group that is not whole repeats elements, times zero."""
    head, last, done = b.labels("head last done")
    b.place(head)
    for index in range(UNROLL):
        if index == UNROLL - 1:
            b.place(last)
        b.op("ldr {a}, [{x}], #4")
        for expanded, turned in (("{part}", ""), ("{a}", ", ror #8")):
            b.op("ldm {panel}!, {{r4-r7}}")
            b.op(f"sxtb16 {expanded}, {{a}}{turned}")
            for s, column in zip(SUMS, COLUMNS, strict=True):
                b.op(f"smlad {s}, {expanded}, {column}, {s}")
    b.place(multiplied)
    b.op("cmp {x}, {x_end}")
    b.op("bne {head}", head=head)
    b.op("cmp {back}, #0")
    b.op("beq {done}", done=done)
    b.op("sub {x}, {back}")
    b.op("mov {back}, #0")
    b.op("add {x_end}, {x}, #4")
    b.op("b {last}", last=last)
    b.place(done)


@noted
def _scale(b: Block, tail: int, shift: int) -> None:
    """Four outputs; all columns have the same constants."""
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldrd r4, r5, [r8, #{o}]", o=ARGUMENTS["constants0"])
    constants = Constants("r4", "r5", "r6")
    if tail in (SCALE, CLAMP):
        scaling.scale(b, SUMS, constants, shift, "usat" if tail == CLAMP else "ssat")
    elif tail == TWICE:
        b.op("ldr r7, [r8, #{o}]", o=ARGUMENTS["zero"])
        scaling.round_twice(b, SUMS, constants, False, "r7")
    else:
        scaling.shift_each(b, SUMS, constants, False)
    if tail in (CLAMP, SHIFT):
        b.op("ldrd r4, r5, [r8, #{o}]", o=ARGUMENTS["add"])
        scaling.clamp(b, SUMS, "r4", "r5")


FILL_INSTRUCTIONS = 39
"""Of four rows."""


@functools.cache
def fill_function() -> Block:
    """``void f(const ek_panel_source *s, const int8_t *b, int32_t *panel, int32_t *sums)``."""
    b = Block("panel_fill")
    b.name(step="r0", b="r1", out="r2", zero="r3", ones="r12", spare="lr")
    sums = ("r8", "r9", "r10", "r11")
    b.op("push {{r3-r11, lr}}")
    b.op("ldm r0, {{r4-r6}}")  # groups, columns, zero
    b.op("add r4, {out}, r4, lsl #5")
    b.op("push {{r3, r4}}")  # the place of the sums, twice to keep the stack's alignment; the end
    b.op("mov {step}, r5")
    b.op("mov {zero}, r6")
    b.op("mov {ones}, #0x00010001")
    for s in sums:
        b.op(f"mov {s}, #0")
    with b.loop("add {out}, #32", "ldr r4, [sp, #4]", "cmp {out}, r4", "bne {head}"):
        _fill_half(b, sums, 0)
        b.op("add {b}, {step}")
        _fill_half(b, sums, 16)
        b.op("add {b}, {step}")
        b.op("add {b}, {b}, {step}, lsl #1")
    b.op("pop {{r3, r4}}")
    b.op("stm r3, {{r8-r11}}")
    b.op("pop {{r3-r11, pc}}")
    return b


@noted
def _fill_half(b: Block, sums: tuple[str, ...], place: int) -> None:
    """Two rows: each column's two elements in one word."""
    b.op("ldr r4, [{b}]")
    b.op("ldr r5, [{b}, {step}, lsl #1]")
    b.op("sxtab16 r6, {zero}, r4")
    b.op("sxtab16 r4, {zero}, r4, ror #8")
    b.op("sxtab16 r7, {zero}, r5")
    b.op("sxtab16 r5, {zero}, r5, ror #8")
    b.op("pkhbt {spare}, r6, r7, lsl #16")
    b.op("pkhtb r6, r7, r6, asr #16")
    b.op("pkhbt r7, r4, r5, lsl #16")
    b.op("pkhtb r5, r5, r4, asr #16")
    for s, column in zip(sums, ("{spare}", "r7", "r6", "r5"), strict=True):
        b.op(f"smlad {s}, {column}, {{ones}}, {s}")
    b.op("strd {spare}, r7, [{out}, #{o}]", o=place)
    b.op("strd r6, r5, [{out}, #{o}]", o=place + 8)

"""Four columns of int16 taps, each in a word, times one filter at a time on Armv6-M: 10
instructions, 4 products.

Weights have 128 added, because only unsigned bytes are loaded with an immediate offset; 128 times
the sum of each column is taken off again.
"""

from __future__ import annotations

import functools

from codegen.assembly.armv6_m.dense import FLIP
from codegen.assembly.armv6_m.frame import HIGH, enter, leave
from codegen.assembly.armv6_m.narrow import load_scale, narrow
from codegen.assembly.block import Block, noted, offsets
from codegen.assembly.columns import PIXELS, TAPS, WORDS_PART, Columns
from codegen.assembly.isa import ARMV6_M

LOCALS = offsets(
    (
        "over0", "over1", "over2", "over3", "y0", "y1", "y2", "y3", "output", "weights", "end",
        "x", "groups", "from", "to", "spare",
    )
)  # fmt: skip
"""At the stack pointer."""
FRAME = 4 * len(LOCALS)
WEIGHTS_OFFSET, END_OFFSET, N1_OFFSET, FROM_OFFSET, TO_OFFSET, GROUPS_OFFSET = 0, 4, 12, 24, 28, 32
"""Of ``ek_columns``."""
TAP_INSTRUCTIONS = 2 + 2 * PIXELS


@functools.cache
def columns(positive: bool) -> Block:
    """``void f(const ek_columns *a, const int16_t *x, int16_t *y)``.

    Args:
        positive: outputs begin at 0.
    """
    b = Block(f"columns_s16{'_positive' * positive}")
    b.name(part="r4", x="r5", w="r6", groups="r7")
    each, fresh, started, wait, written, end = b.labels("each fresh started wait written end")
    enter(b, FRAME)
    _keep(b)
    _sum_columns(b)
    b.place(each)
    _load(b, w="weights", part="from", x="x")
    b.op("cmp {part}, #0")
    b.op("beq {label}", label=fresh)
    b.op("ldm {part}!, {{r0-r3}}")
    b.op("str {part}, [sp, #{o}]", o=LOCALS["from"])
    b.op("b {label}", label=started)
    b.place(fresh)
    b.op("ldm {w}!, {{r0}}")
    for p in range(1, PIXELS):
        b.op(f"mov r{p}, r0")
    b.place(started)
    for p, total in enumerate(HIGH):
        b.op(f"ldr {{part}}, [sp, #{LOCALS[f'over{p}']}]")
        b.op(f"subs r{p}, r{p}, {{part}}")
        b.op(f"mov {total}, r{p}")
    _load(b, groups="groups")
    _multiply(b)
    b.op("str {w}, [sp, #{o}]", o=LOCALS["weights"])
    _load(b, part="to")
    b.op("cmp {part}, #0")
    b.op("bne {label}", label=wait)
    _finish(b, positive)
    b.place(written)
    _load(b, w="weights", part="end")
    b.op("cmp {w}, {part}")
    b.op("beq {label}", label=end)
    b.op("b {label}", label=each)
    b.place(wait)
    for p, total in enumerate(HIGH):
        b.op(f"mov r{p}, {total}")
    b.op("stm {part}!, {{r0-r3}}")
    b.op("str {part}, [sp, #{o}]", o=LOCALS["to"])
    b.op("b {label}", label=written)
    b.place(end)
    leave(b, FRAME)
    return b


@noted
def _load(b: Block, **places: str) -> None:
    """Registers by name, each from its place in the frame."""
    for register, place in places.items():
        b.op(f"ldr {{{register}}}, [sp, #{LOCALS[place]}]")


@noted
def _keep(b: Block) -> None:
    """Arguments to their places, and where the four columns' outputs go."""
    b.op("str r1, [sp, #{o}]", o=LOCALS["x"])
    b.op("str r2, [sp, #{o}]", o=LOCALS["y0"])
    for offset, place in (
        (WEIGHTS_OFFSET, "weights"), (END_OFFSET, "end"), (FROM_OFFSET, "from"),
        (TO_OFFSET, "to"), (GROUPS_OFFSET, "groups"),
    ):  # fmt: skip
        b.op(f"ldr r4, [r0, #{offset}]")
        b.op(f"str r4, [sp, #{LOCALS[place]}]")
    for p in range(1, PIXELS):
        b.op(f"ldr r4, [r0, #{N1_OFFSET + 4 * (p - 1)}]")
        b.op("lsls r4, r4, #1")
        b.op("adds r4, r4, r2")
        b.op(f"str r4, [sp, #{LOCALS[f'y{p}']}]")
    b.op("movs r4, #0")
    b.op("str r4, [sp, #{o}]", o=LOCALS["output"])


@noted
def _sum_columns(b: Block) -> None:
    """128 times the sum of each column."""
    _load(b, x="x", groups="groups")
    for total in HIGH:
        b.op(f"mov {total}, r4")  # 0
    with b.loop("subs {groups}, #1", "bne {head}"):
        for _ in range(TAPS):
            b.op("ldm {x}!, {{r0-r3}}")
            for p, total in enumerate(HIGH):
                b.op(f"add {total}, r{p}")
    for p, total in enumerate(HIGH):
        b.op(f"mov r0, {total}")
        b.op("lsls r0, r0, #7")
        b.op(f"str r0, [sp, #{LOCALS[f'over{p}']}]")


@noted
def _multiply(b: Block) -> None:
    """All taps of a part."""
    with b.loop(f"adds {{w}}, #{TAPS}", "subs {groups}, #1", "bne {head}"):
        for tap in range(TAPS):
            b.op("ldm {x}!, {{r0-r3}}")
            b.op(f"ldrb {{part}}, [{{w}}, #{tap}]")
            for p, total in enumerate(HIGH):
                b.op(f"muls r{p}, {{part}}")
                b.op(f"add {total}, r{p}")


@noted
def _finish(b: Block, positive: bool) -> None:
    """Four outputs of one filter."""
    load_scale(b, LOCALS["weights"])
    b.op("ldr r2, [sp, #{o}]", o=LOCALS["output"])
    for p, total in enumerate(HIGH):
        b.op(f"mov r0, {total}")
        narrow(b, positive)
        b.op(f"ldr r1, [sp, #{LOCALS[f'y{p}']}]")
        b.op("strh r0, [r1, r2]")
    b.op("adds r2, #2")
    b.op("str r2, [sp, #{o}]", o=LOCALS["output"])


COLUMNS = Columns(
    isa=ARMV6_M, write=columns, portable="ek_word_column_s16", driver="ek_conv_word_columns_s16",
    most=WORDS_PART, together=1, flip=FLIP, packed=True, group=TAPS * TAP_INSTRUCTIONS + 3,
    filters=32, scale=70, copy=36, row=31, border=29, rest=22, tile=560, call=393, again=42,
).variant()  # fmt: skip
"""Four pixels of int16 with one filter."""

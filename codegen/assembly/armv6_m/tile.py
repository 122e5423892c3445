"""Four pixels by one filter at a time on Armv6-M: 10 instructions, 4 products.

The four windows are spread to words on the stack, which one LDM loads; sums live in high registers,
to which ADD reaches. Weights have 128 added, because only unsigned bytes are loaded with an
immediate offset; 128 times the sum of a window's bytes is taken off again.
"""

from __future__ import annotations

from codegen.assembly.armv6_m.frame import HIGH, enter, keep, leave
from codegen.assembly.armv6_m.high_word import Places, load_channel, requantize
from codegen.assembly.block import Block
from codegen.assembly.tiles import PIXELS, TAPS, TileKernel

UNROLL = 16
TAP_BYTES = 2 * (2 + 2 * PIXELS)
ARGS, Y, LEFT, OVER, ENTRY, GROUPS, PARTIAL, WEIGHTS, FILTER, SKIPPED = (
    0, 4, 20, 24, 40, 44, 48, 52, 56, 60,
)  # fmt: skip
PLACES = Places(table=64, zero=68, high=72, half=76, least=80, most=84)
"""Offsets from the stack pointer; `OVER` and `Y` are four words."""
TILE = 88
FRAME = TILE + 4 * PIXELS * TAPS
WEIGHTS_OFFSET, TABLE_OFFSET, PAIRS_OFFSET, ROWS_OFFSET, LENGTH_OFFSET, TAPS_OFFSET = range(
    0, 24, 4
)
FLAGS_OFFSET, ZERO_OFFSET, LOW_OFFSET, HIGH_OFFSET = range(24, 40, 4)
"""Of `ek_tile`."""
SUMS = HIGH


def tile(kind: TileKernel) -> Block:
    """``ek_tile_s8(t, x, y, partial)``."""
    b = Block(kind.symbol)
    body, head, last, following, end = (b.label() for _ in range(5))
    enter(b, FRAME)
    _keep(b, body)
    _spread(b)
    b.place(head)
    _begin_filter(b)
    b.op(".balign 4")
    b.place(body)
    _taps(b, body)
    b.op("str r6, [sp, #{at}]", at=WEIGHTS)
    _test_flag(b, 2)
    b.op("bcc {to}", to=last)
    _partial(b)
    for p, total in enumerate(SUMS):
        b.op(f"mov r{p}, {total}")
    b.op("stm r4!, {{r0-r3}}")
    b.op("b {to}", to=following)
    b.place(last)
    load_channel(b, PLACES, kind.signed)
    for p, total in enumerate(SUMS):
        b.op(f"mov r0, {total}")
        requantize(b, PLACES, kind.signed, kind.clamp)
        b.op("ldr r1, [sp, #{at}]", at=Y + 4 * p)
        b.op("ldr r2, [sp, #{at}]", at=FILTER)
        b.op("strb r0, [r1, r2]")
    b.place(following)
    b.op("ldr r0, [sp, #{at}]", at=FILTER)
    b.op("adds r0, #1")
    b.op("str r0, [sp, #{at}]", at=FILTER)
    b.op("ldr r0, [sp, #{at}]", at=LEFT)
    b.op("subs r0, #1")
    b.op("str r0, [sp, #{at}]", at=LEFT)
    b.op("beq {to}", to=end)
    b.op("b {to}", to=head)
    b.place(end)
    leave(b, FRAME)
    return b


def _keep(b: Block, body: str) -> None:
    """Arguments to their places, and where the written-out taps are entered: a call whose taps are
    not a multiple of them skips some of the first group."""
    b.op("str r0, [sp, #{at}]", at=ARGS)
    b.op("str r3, [sp, #{at}]", at=PARTIAL)
    b.op("ldm r2!, {{r4-r7}}")
    b.op("add r3, sp, #{at}", at=Y)
    b.op("stm r3!, {{r4-r7}}")
    keep(
        b, "r0", (WEIGHTS_OFFSET, WEIGHTS), (TABLE_OFFSET, PLACES.table),
        (ZERO_OFFSET, PLACES.zero), (LOW_OFFSET, PLACES.least), (HIGH_OFFSET, PLACES.most),
    )  # fmt: skip
    b.op("ldr r4, [r0, #{at}]", at=PAIRS_OFFSET)
    b.op("lsls r4, r4, #1")
    b.op("str r4, [sp, #{at}]", at=LEFT)
    b.op("movs r4, #0")
    b.op("str r4, [sp, #{at}]", at=FILTER)
    b.op("ldr r4, [r0, #{at}]", at=TAPS_OFFSET)
    b.op("mov r5, r4")
    b.op("adds r5, #{n}", n=UNROLL - 1)
    b.op("lsrs r5, r5, #{n}", n=UNROLL.bit_length() - 1)
    b.op("str r5, [sp, #{at}]", at=GROUPS)
    b.op("lsls r5, r5, #{n}", n=UNROLL.bit_length() - 1)
    b.op("subs r5, r5, r4")
    b.op("str r5, [sp, #{at}]", at=SKIPPED)
    b.op("movs r4, #{n}", n=TAP_BYTES)
    b.op("muls r5, r4")
    b.op("adr r4, {to}", to=body)
    b.op("adds r4, r4, r5")
    b.op("adds r4, #1")
    b.op("str r4, [sp, #{at}]", at=ENTRY)


def _spread(b: Block) -> None:
    """Bytes of four windows to words that lie side by side, and the sum of each window."""
    b.name(at="r4", value="r5", length="r6", tile="r7", x="r12", rows="lr")
    b.op("mov {x}, r1")
    b.op("ldr {length}, [r0, #{at_}]", at_=LENGTH_OFFSET)
    b.op("ldr r1, [r0, #{at_}]", at_=ROWS_OFFSET)
    b.op("mov {rows}, r1")
    b.op("movs r1, #0")
    for total in SUMS:
        b.op(f"mov {total}, r1")
    b.op("add {tile}, sp, #{at_}", at_=TILE)
    with b.loop("bne {head}"):
        b.op("mov {at}, {x}")
        b.op("ldm {at}!, {{r0-r3}}")
        b.op("mov {x}, {at}")
        b.op("movs {at}, #0")
        with b.loop("adds {tile}, #16", "adds {at}, #1", "cmp {at}, {length}", "blt {head}"):
            for p, total in enumerate(SUMS):
                b.op(f"ldrsb {{value}}, [r{p}, {{at}}]")
                b.op(f"str {{value}}, [{{tile}}, #{4 * p}]")
                b.op(f"add {total}, {{value}}")
        b.op("mov {at}, {rows}")
        b.op("subs {at}, #1")
        b.op("mov {rows}, {at}")
    for p, total in enumerate(SUMS):
        b.op(f"mov r0, {total}")
        b.op("lsls r0, r0, #7")
        b.op("rsbs r0, r0, #0")
        b.op("str r0, [sp, #{at_}]", at_=OVER + 4 * p)


def _begin_filter(b: Block) -> None:
    """Sums begin with what the weights' 128 are too much, and with those of earlier taps."""
    ready = b.label()
    b.op("add r4, sp, #{at}", at=OVER)
    b.op("ldm r4!, {{r0-r3}}")
    _test_flag(b, 1)
    b.op("bcc {to}", to=ready)
    _partial(b)
    for p in range(PIXELS):
        b.op(f"ldr r5, [r4, #{4 * p}]")
        b.op(f"adds r{p}, r{p}, r5")
    b.place(ready)
    for p, total in enumerate(SUMS):
        b.op(f"mov {total}, r{p}")
    b.op("add r5, sp, #{at}", at=TILE)
    b.op("ldr r6, [sp, #{at}]", at=WEIGHTS)
    b.op("ldr r4, [sp, #{at}]", at=SKIPPED)
    b.op("subs r6, r6, r4")
    b.op("ldr r7, [sp, #{at}]", at=GROUPS)
    b.op("ldr r4, [sp, #{at}]", at=ENTRY)
    b.op("bx r4")


def _test_flag(b: Block, bit: int) -> None:
    """The carry flag is the given bit (counted from one) of the call's flags."""
    b.op("ldr r4, [sp, #{at}]", at=ARGS)
    b.op("ldr r5, [r4, #{at}]", at=FLAGS_OFFSET)
    b.op("lsrs r5, r5, #{bit}", bit=bit)


def _partial(b: Block) -> None:
    """r4: where the sums of this filter are kept, those of the last filter first."""
    b.op("ldr r4, [sp, #{at}]", at=PARTIAL)
    b.op("ldr r5, [sp, #{at}]", at=LEFT)
    b.op("subs r5, #1")
    b.op("lsls r5, r5, #4")
    b.op("adds r4, r4, r5")


def _taps(b: Block, body: str) -> None:
    """Every instruction has two bytes; a tap has `TAP_BYTES`."""
    done = b.label()
    for tap in range(UNROLL):
        b.op("ldm r5!, {{r0-r3}}")
        b.op(f"ldrb r4, [r6, #{tap}]")
        for p, total in enumerate(SUMS):
            b.op(f"muls r{p}, r4")
            b.op(f"add {total}, r{p}")
    b.op("adds r6, #{n}", n=UNROLL)
    b.op("subs r7, #1")
    b.op("beq {to}", to=done)
    b.op("b {to}", to=body)
    b.place(done)

"""Six pixels by one filter at a time on Armv6-M: 10 instructions, 6 products.

The six windows are spread to words on the stack, three pixels in two words (`codegen.assembly.
tiles`), which one LDM loads; sums live in high registers, to which ADD reaches. Weights have 128
added, because only unsigned bytes are loaded with an immediate offset; 128 times the sum of a
window's words is taken off again. Those of lists are extended instead, 14 instructions each.
"""

from __future__ import annotations

from dataclasses import replace

from codegen.assembly.armv6_m.frame import HIGH, enter, keep, leave
from codegen.assembly.armv6_m.high_word import (
    Places,
    channel,
    load_channel,
    requantize,
    scale_short,
)
from codegen.assembly.armv6_m.listed import TILE_LIST, multiply_listed, tile_item
from codegen.assembly.block import Block, noted
from codegen.assembly.tiles import LONG, SHORT, TAPS, TileKernel

WORDS = 4
"""Of six pixels, and as many sums."""
UNROLL = 16
TAP_BYTES = 2 * (2 + 2 * WORDS)
ARGS, Y, LEFT, OVER, ENTRY, GROUPS, PARTIAL, WEIGHTS, FILTER, SKIPPED, ROWS, LINE = (
    0, 4, 28, 32, 48, 52, 56, 60, 64, 68, 72, 76,
)  # fmt: skip
PLACES = Places(table=80, zero=84, high=88, half=92, least=96, most=100)
FLAGS = 104
"""Offsets from the stack pointer; `Y` are six words, `OVER` four."""
TILE = 112
FRAME = TILE + 4 * WORDS * TAPS
WEIGHTS_OFFSET, TABLE_OFFSET, PAIRS_OFFSET, ROWS_OFFSET, LENGTH_OFFSET = range(0, 20, 4)
TAPS_OFFSET, FLAGS_OFFSET, ZERO_OFFSET, LOW_OFFSET, HIGH_OFFSET = range(20, 40, 4)
"""Of `ek_tile`."""
RESUME, WAIT, RESUME_WORDS, WAIT_WORDS = 31, 30, 28, 27
"""How far the flags are shifted left to become the sign."""


def tile(kind: TileKernel) -> Block:
    """``ek_tile_s8(t, x, y, partial)``."""
    b = Block(kind.symbol, kind.forms, lambda forms: tile(replace(kind, forms=forms)))
    body, head, following, end = b.labels("body head following end")
    enter(b, FRAME)
    _keep(b, "" if kind.listed else body)
    _spread(b, kind)
    b.place(head)
    _begin_filter(b, kind)
    if kind.listed:
        b.name(list="r6", skip="r4", groups="r7")
        multiply_listed(b, tile_item, TILE_LIST)
    else:
        b.op(".balign 4")
        b.place(body)
        _taps(b, body)
    b.op("str r6, [sp, #{at}]", at=WEIGHTS)
    _keep_words(b, following)
    if kind.signed:
        load_channel(b, PLACES, kind.signed)
        _finish(b, kind, LONG)
    else:
        channel(b, kind.forms, PLACES, "r12", lambda form: _finish(b, kind, form))
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
    b.op("ldr r0, [sp, #{at}]", at=WEIGHTS)
    b.op("ldr r1, [sp, #{at}]", at=ARGS)
    b.op("str r0, [r1, #{at}]", at=WEIGHTS_OFFSET)
    leave(b, FRAME)
    return b


@noted
def _keep(b: Block, body: str) -> None:
    """Arguments to their places, and where the written-out taps are entered, unless weights are
    listed: a call whose taps are not a multiple of them skips some of the first group."""
    b.op("str r0, [sp, #{at}]", at=ARGS)
    b.op("str r3, [sp, #{at}]", at=PARTIAL)
    b.op("add r3, sp, #{at}", at=Y)
    for _ in range(2):
        b.op("ldm r2!, {{r4-r6}}")
        b.op("stm r3!, {{r4-r6}}")
    keep(
        b, "r0", (WEIGHTS_OFFSET, WEIGHTS), (TABLE_OFFSET, PLACES.table), (ROWS_OFFSET, ROWS),
        (ZERO_OFFSET, PLACES.zero), (LOW_OFFSET, PLACES.least), (HIGH_OFFSET, PLACES.most),
        (FLAGS_OFFSET, FLAGS),
    )  # fmt: skip
    b.op("ldr r4, [r0, #{at}]", at=PAIRS_OFFSET)
    b.op("lsls r4, r4, #1")
    b.op("str r4, [sp, #{at}]", at=LEFT)
    b.op("movs r4, #0")
    b.op("str r4, [sp, #{at}]", at=FILTER)
    if body:
        _keep_entry(b, body)


def _keep_entry(b: Block, body: str) -> None:
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


@noted
def _spread(b: Block, kind: TileKernel) -> None:
    """Bytes of six windows to words that lie side by side, and where weights have 128 added the sum
    of each column of words."""
    b.name(at="r4", tile="r7", length="r12", x="lr")
    b.op("mov {x}, r1")
    b.op("ldr r1, [r0, #{at_}]", at_=LENGTH_OFFSET)
    b.op("mov {length}, r1")
    b.op("movs r1, #0")
    for total in HIGH:
        b.op(f"mov {total}, r1")
    b.op("add {tile}, sp, #{at_}", at_=TILE)
    with b.loop("bne {head}"):
        b.op("str {tile}, [sp, #{at_}]", at_=LINE)
        for group in range(2):
            _spread_row(b, kind, group)
        b.op("ldr {at}, [sp, #{at_}]", at_=ROWS)
        b.op("subs {at}, #1")
        b.op("str {at}, [sp, #{at_}]", at_=ROWS)
    for i, total in enumerate(() if kind.listed else HIGH):
        b.op(f"mov r0, {total}")
        b.op("lsls r0, r0, #7")
        b.op("rsbs r0, r0, #0")
        b.op("str r0, [sp, #{at_}]", at_=OVER + 4 * i)


@noted
def _spread_row(b: Block, kind: TileKernel, group: int) -> None:
    """Three windows' bytes of one kernel row."""
    b.name(a="r3", b="r5", c="r6")
    b.op("ldr {tile}, [sp, #{at_}]", at_=LINE)
    b.op("mov {at}, {x}")
    b.op("ldm {at}!, {{r0-r2}}")
    b.op("mov {x}, {at}")
    b.op("movs {at}, #0")
    with b.loop("adds {tile}, #16", "adds {at}, #1", "cmp {at}, {length}", "blt {head}"):
        for p, register in enumerate("abc"):
            b.op(f"ldrsb {{{register}}}, [r{p}, {{at}}]")
        b.op("lsls {b}, {b}, #11")
        b.op("adds {c}, {c}, {b}")
        b.op("lsls {b}, {b}, #10")
        b.op("adds {a}, {a}, {b}")
        for i, register in enumerate("ac"):
            b.op(f"str {{{register}}}, [{{tile}}, #{8 * group + 4 * i}]")
            if not kind.listed:
                b.op(f"add {HIGH[2 * group + i]}, {{{register}}}")


@noted
def _begin_filter(b: Block, kind: TileKernel) -> None:
    """Sums begin with what the weights' 128 are too much, and with the words of earlier taps; then
    to the first tap."""
    if kind.listed:
        b.op("movs r0, #0")
    else:
        b.op("add r4, sp, #{at}", at=OVER)
        b.op("ldm r4!, {{r0-r3}}")
    for i, total in enumerate(HIGH):
        b.op(f"mov {total}, r{0 if kind.listed else i}")
    fresh = b.label("fresh")
    _flag(b, RESUME_WORDS)
    b.op("bpl {to}", to=fresh)
    _words_place(b)
    b.op("ldm r4!, {{r0-r3}}")
    for i, total in enumerate(HIGH):
        b.op(f"add {total}, r{i}")
    b.place(fresh)
    b.op("add r5, sp, #{at}", at=TILE)
    b.op("ldr r6, [sp, #{at}]", at=WEIGHTS)
    if kind.listed:
        return
    b.op("ldr r4, [sp, #{at}]", at=SKIPPED)
    b.op("subs r6, r6, r4")
    b.op("ldr r7, [sp, #{at}]", at=GROUPS)
    b.op("ldr r4, [sp, #{at}]", at=ENTRY)
    b.op("bx r4")


@noted
def _keep_words(b: Block, following: str) -> None:
    """Words that wait for the next call as they are end the filter here."""
    finish = b.label("finish")
    _flag(b, WAIT_WORDS)
    b.op("bpl {to}", to=finish)
    _words_place(b)
    for i, total in enumerate(HIGH):
        b.op(f"mov r{i}, {total}")
    b.op("stm r4!, {{r0-r3}}")
    b.op("b {to}", to=following)
    b.place(finish)


def _words_place(b: Block) -> None:
    """r4: where a filter's words are kept."""
    b.op("ldr r4, [sp, #{at}]", at=PARTIAL)
    b.op("ldr r5, [sp, #{at}]", at=FILTER)
    b.op("lsls r5, r5, #4")
    b.op("adds r4, r4, r5")


@noted
def _taps(b: Block, body: str) -> None:
    """The products of all taps.

    Every instruction has two bytes; a tap has `TAP_BYTES`.
    """
    done = b.label("done")
    for tap in range(UNROLL):
        b.op("ldm r5!, {{r0-r3}}")
        b.op(f"ldrb r4, [r6, #{tap}]")
        for i, total in enumerate(HIGH):
            b.op(f"muls r{i}, r4")
            b.op(f"add {total}, r{i}")
    b.op("adds r6, #{n}", n=UNROLL)
    b.op("subs r7, #1")
    b.op("beq {to}", to=done)
    b.op("b {to}", to=body)
    b.place(done)


def _finish(b: Block, kind: TileKernel, form: str) -> None:
    for group in range(2):
        _finish_three(b, kind, form, group)


@noted
def _finish_three(b: Block, kind: TileKernel, form: str, group: int) -> None:
    """Outputs of three pixels; or their sums, where more taps come."""
    whole, done = b.labels("whole done")
    _unpack(b, *HIGH[2 * group : 2 * group + 2])
    _flag(b, WAIT)
    b.op("beq {to}", to=whole)
    _partial(b)
    _flag(b, WAIT)
    b.op("bpl {to}", to=whole)
    b.op("b {to}", to=done)
    b.place(whole)
    if form == SHORT:
        _finish_short(b, kind, group)
        b.place(done)
        return
    b.op("mov r12, r2")
    b.op("mov lr, r3")
    b.op("mov r0, r1")
    for p, following in enumerate(("r12", "lr", "")):
        requantize(b, PLACES, kind.signed, kind.clamp)
        b.op("ldr r1, [sp, #{at}]", at=Y + 4 * (3 * group + p))
        b.op("ldr r2, [sp, #{at}]", at=FILTER)
        b.op("strb r0, [r1, r2]")
        if following:
            b.op(f"mov r0, {following}")
    b.place(done)


def _finish_short(b: Block, kind: TileKernel, group: int) -> None:
    b.op("ldr r4, [sp, #{at}]", at=FILTER)
    for p in range(3):
        clamp = (PLACES.least, PLACES.most) if kind.clamp else None
        scale_short(b, f"r{1 + p}", "r0", "r12", clamp)
        b.op("ldr r0, [sp, #{at}]", at=Y + 4 * (3 * group + p))
        b.op(f"strb r{1 + p}, [r0, r4]")


@noted
def _unpack(b: Block, first: str, second: str) -> None:
    """Three sums from two words to r1, r2, r3: first the low ones with their signs."""
    b.op(f"mov r0, {first}")
    b.op(f"mov r2, {second}")
    b.op("lsls r1, r0, #11")
    b.op("asrs r1, r1, #11")
    b.op("subs r0, r0, r1")
    b.op("asrs r3, r0, #10")
    b.op("subs r2, r2, r3")
    b.op("lsls r3, r2, #10")
    b.op("asrs r3, r3, #10")
    b.op("subs r2, r2, r3")
    b.op("asrs r2, r2, #11")
    b.op("asrs r0, r0, #21")
    b.op("adds r2, r2, r0")


def _flag(b: Block, shift: int) -> None:
    """The call's flags, shifted."""
    b.op("ldr r0, [sp, #{at}]", at=FLAGS)
    b.op("lsls r0, r0, #{shift}", shift=shift)


@noted
def _partial(b: Block) -> None:
    """Add the sums of earlier taps, if there are any, and keep the new ones."""
    fresh = b.label("fresh")
    b.op("ldr r4, [sp, #{at}]", at=PARTIAL)
    _flag(b, RESUME)
    b.op("bpl {to}", to=fresh)
    for i in range(3):
        b.op(f"ldr r0, [r4, #{4 * i}]")
        b.op(f"adds r{1 + i}, r{1 + i}, r0")
    b.place(fresh)
    b.op("stm r4!, {{r1-r3}}")
    b.op("str r4, [sp, #{at}]", at=PARTIAL)

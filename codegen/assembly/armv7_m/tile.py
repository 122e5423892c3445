"""Six pixels by two filters on Armv7-M, all fourteen registers in the inner loop.

The six windows are spread to words on the stack, three pixels in two words (`codegen.assembly.
tiles`), so that the stack pointer addresses them and one LDRD loads two. The taps are written out;
a call of fewer than all of them fills the end of the tile and enters at its first tap, so that
every layer shares one function: 12 instructions, 12 products. Listed weights take one filter at a
time.
"""

from __future__ import annotations

from codegen.assembly.armv7_m.high_word import clamp, halve, requantize
from codegen.assembly.armv7_m.listed import TILE_LIST, multiply_listed, tile_item
from codegen.assembly.block import Block, noted
from codegen.assembly.tiles import (
    PIXELS,
    RESUME,
    RESUME_WORDS,
    TAPS,
    WAIT,
    WAIT_WORDS,
    TileKernel,
)

WORDS = 4
"""Of six pixels."""
TILE = 4 * WORDS * TAPS
Y = TILE
ARGS, ENTRY, PAIRS, TABLE, PARTIAL, WEIGHTS, FILTER, FLAGS, HALF, ROWS, LENGTH, TAKEN = range(
    Y + 4 * PIXELS, Y + 4 * PIXELS + 48, 4
)
FRAME = TILE + 72
"""The tile, the output pointers, and what the loop over pairs keeps."""
WEIGHTS_OFFSET, TABLE_OFFSET, PAIRS_OFFSET, ROWS_OFFSET, LENGTH_OFFSET = range(0, 20, 4)
TAPS_OFFSET, FLAGS_OFFSET, ZERO_OFFSET, LOW_OFFSET, HIGH_OFFSET = range(20, 40, 4)
"""Of `ek_tile`."""
SUMS = [[f"r{WORDS * filter + i}" for i in range(WORDS)] for filter in range(2)]
"""Of the filters that are computed together; of the first alone where weights are listed."""
LOWEST = "lr"
"""One of the three sums of two words."""


def tile(kind: TileKernel) -> Block:
    """``ek_tile_s8(t, x, y, partial)``."""
    b = Block(kind.symbol)
    taps_end = b.label("taps_end")
    together = SUMS[:1] if kind.listed else SUMS
    _enter(b, "" if kind.listed else taps_end)
    _spread(b)
    following = b.label("following")
    with b.loop("bne.w {head}"):
        _begin(b, together)
        if kind.listed:
            b.name(list="lr", skip="r9", groups="r11")
            multiply_listed(b, tile_item, TILE_LIST)
        else:
            _taps(b)
        b.place(taps_end)
        _keep_words(b, together, following)
        b.op("str lr, [sp, #{at}]", at=WEIGHTS)
        for words in together:
            _finish_filter(b, kind, words)
        b.op("ldr lr, [sp, #{at}]", at=WEIGHTS)
        b.place(following)
        b.op("ldr r8, [sp, #{at}]", at=PAIRS)
        b.op("subs r8, #1")
        b.op("str r8, [sp, #{at}]", at=PAIRS)
    b.op("ldr r8, [sp, #{at}]", at=ARGS)
    b.op("str lr, [r8, #{at}]", at=WEIGHTS_OFFSET)
    b.op("add sp, sp, #{n}", n=FRAME)
    b.op("pop {{r4-r11, pc}}")
    return b


@noted
def _enter(b: Block, taps_end: str) -> None:
    """Arguments to their places; where the taps' code ends, empty where weights are listed."""
    b.name(t="r0", x="r1", y="r2", partial="r3", taps="r4", entry="r5")
    b.op("push {{r4-r11, lr}}")
    b.op("sub sp, sp, #{n}", n=FRAME)
    b.op("ldm {y}, {{r4-r9}}")
    b.op("add r12, sp, #{at}", at=Y)
    b.op("stm r12, {{r4-r9}}")
    fields = ((TABLE_OFFSET, TABLE), (PAIRS_OFFSET, PAIRS), (ROWS_OFFSET, ROWS))
    for offset, place in (*fields, (LENGTH_OFFSET, LENGTH), (FLAGS_OFFSET, FLAGS)):
        b.op(f"ldr r4, [{{t}}, #{offset}]")
        b.op(f"str r4, [sp, #{place}]")
    b.op("movs r4, #0")
    b.op("str r4, [sp, #{at}]", at=FILTER)
    b.op("str {t}, [sp, #{at}]", at=ARGS)
    b.op("str {partial}, [sp, #{at}]", at=PARTIAL)
    b.op("str {partial}, [sp, #{at}]", at=TAKEN)
    if taps_end:
        _enter_late(b, taps_end)
    else:
        b.op("ldr r4, [sp, #{at}]", at=PAIRS)
        b.op("lsl r4, r4, #1")
        b.op("str r4, [sp, #{at}]", at=PAIRS)
        b.op("mov r12, sp")
    b.op("mov lr, {x}")


def _enter_late(b: Block, taps_end: str) -> None:
    b.note("the taps' code, 48 bytes each, is entered so many taps before its end")
    b.op("ldr {taps}, [{t}, #{at}]", at=TAPS_OFFSET)
    b.op("adr.w {entry}, {end}", end=taps_end)
    b.op("add r6, {taps}, {taps}, lsl #1")
    b.op("sub {entry}, {entry}, r6, lsl #4")
    b.op("orr {entry}, {entry}, #1")
    b.op("str {entry}, [sp, #{at}]", at=ENTRY)
    b.op("add r12, sp, #{at}", at=TILE)
    b.op("sub r12, r12, {taps}, lsl #4")


@noted
def _spread(b: Block) -> None:
    """Bytes of six windows to words that lie side by side, from r12 on."""
    b.name(x="lr", tile="r12", count="r11")
    with b.loop("bne {head}"):
        single, done = b.labels("single done")
        b.op("ldm {x}!, {{r0-r5}}")
        b.op("ldr {count}, [sp, #{at}]", at=LENGTH)
        b.op("lsrs {count}, {count}, #2")
        b.op("beq {to}", to=single)
        with b.loop("subs {count}, {count}, #1", "bne {head}"):
            for _ in range(4):
                _spread_tap(b)
        b.place(single)
        b.op("ldr {count}, [sp, #{at}]", at=LENGTH)
        b.op("ands {count}, {count}, #3")
        b.op("beq {to}", to=done)
        with b.loop("subs {count}, {count}, #1", "bne {head}"):
            _spread_tap(b)
        b.place(done)
        b.op("ldr {count}, [sp, #{at}]", at=ROWS)
        b.op("subs {count}, {count}, #1")
        b.op("str {count}, [sp, #{at}]", at=ROWS)
    b.op("ldr r8, [sp, #{at}]", at=ARGS)
    b.op("ldr lr, [r8, #{at}]", at=WEIGHTS_OFFSET)


def _spread_tap(b: Block) -> None:
    for group, first in enumerate(("r6", "r8")):
        second, third = f"r{int(first[1:]) + 1}", f"r{int(first[1:]) + 2}"
        for p, register in enumerate((first, second, third)):
            b.op(f"ldrsb {register}, [r{3 * group + p}], #1")
        b.op(f"add {first}, {first}, {second}, lsl #21")
        b.op(f"add {second}, {third}, {second}, lsl #11")
    b.op("stm {tile}!, {{r6-r9}}")


@noted
def _begin(b: Block, together: list[list[str]]) -> None:
    """Sums are zero, or the words of earlier taps; then to the first tap."""
    registers = [register for words in together for register in words]
    taken, ready = b.labels("taken ready")
    b.op("ldr r8, [sp, #{at}]", at=FLAGS)
    b.op("tst r8, #{resume}", resume=RESUME_WORDS)
    b.op("bne {to}", to=taken)
    for register in registers:
        b.op(f"movs {register}, #0")
    b.op("b {to}", to=ready)
    b.place(taken)
    b.op("ldr r8, [sp, #{at}]", at=TAKEN)
    b.op(f"ldm r8!, {{{{r0-{registers[-1]}}}}}")
    b.op("str r8, [sp, #{at}]", at=TAKEN)
    b.place(ready)
    if together == SUMS:
        b.op("ldr r8, [sp, #{at}]", at=ENTRY)
        b.op("bx r8")


@noted
def _keep_words(b: Block, together: list[list[str]], following: str) -> None:
    """Words that wait for the next call as they are end the filters here."""
    finish = b.label("finish")
    b.op("ldr r8, [sp, #{at}]", at=FLAGS)
    b.op("tst r8, #{wait}", wait=WAIT_WORDS)
    b.op("beq {to}", to=finish)
    b.op("ldr r8, [sp, #{at}]", at=PARTIAL)
    b.op(f"stm r8!, {{{{r0-{together[-1][-1]}}}}}")
    b.op("str r8, [sp, #{at}]", at=PARTIAL)
    b.op("b.w {to}", to=following)
    b.place(finish)


@noted
def _taps(b: Block) -> None:
    """The products of all taps: every instruction here has four bytes."""
    x = [f"r{9 + i}" for i in range(WORDS)]
    for tap in range(TAPS):
        at = 4 * WORDS * tap
        b.op(f"ldrd {x[0]}, {x[1]}, [sp, #{at}]")
        b.op(f"ldrd {x[2]}, {x[3]}, [sp, #{at + 8}]")
        for sums in SUMS:
            b.op("ldrsb.w r8, [lr], #1")
            for i, total in enumerate(sums):
                b.op(f"mla {total}, {x[i]}, r8, {total}")


@noted
def _finish_filter(b: Block, kind: TileKernel, words: list[str]) -> None:
    """Outputs of one filter, three pixels at a time; or their sums, where more taps come."""
    b.op("ldr r12, [sp, #{at}]", at=TABLE)
    b.op("ldm r12!, {{r8, r9, r10}}")
    b.op("str r12, [sp, #{at}]", at=TABLE)
    if kind.signed:
        b.op("ldr r11, [sp, #{at}]", at=ARGS)
        b.op("ldr r11, [r11, #{at}]", at=ZERO_OFFSET)
        halve(b, HALF)
    for group in range(2):
        whole, done = b.labels("whole done")
        sums = _unpack(b, *words[2 * group : 2 * group + 2])
        b.op("ldr r12, [sp, #{at}]", at=FLAGS)
        b.op("tst r12, #{either}", either=RESUME | WAIT)
        b.op("beq {to}", to=whole)
        _partial(b, sums, done)
        b.place(whole)
        requantize(b, sums, HALF if kind.signed else None)
        if kind.clamp:
            b.op("ldr r12, [sp, #{at}]", at=ARGS)
            b.op("ldr r11, [r12, #{at}]", at=LOW_OFFSET)
            b.op("ldr r12, [r12, #{at}]", at=HIGH_OFFSET)
            clamp(b, sums, "r11", "r12")
        b.op("ldr r12, [sp, #{at}]", at=FILTER)
        for p, total in enumerate(sums):
            b.op("ldr r11, [sp, #{at}]", at=Y + 4 * (3 * group + p))
            b.op(f"strb {total}, [r11, r12]")
        b.place(done)
    b.op("ldr r12, [sp, #{at}]", at=FILTER)
    b.op("add r12, r12, #1")
    b.op("str r12, [sp, #{at}]", at=FILTER)


def _unpack(b: Block, first: str, second: str) -> list[str]:
    """Three sums from two words: the low ones with their signs, the middle one is what is left.

    Returns:
        The registers of the sums, in the order of their pixels.
    """
    b.op(f"sbfx {LOWEST}, {first}, #0, #21")
    b.op(f"sub r11, {first}, {LOWEST}")
    b.op(f"sub {second}, {second}, r11, asr #10")
    b.op(f"sbfx {first}, {second}, #0, #22")
    b.op(f"sub {second}, {second}, {first}")
    b.op(f"asr {second}, {second}, #11")
    b.op(f"add {second}, {second}, r11, asr #21")
    return [LOWEST, second, first]


@noted
def _partial(b: Block, sums: list[str], done: str) -> None:
    """Add the sums of earlier taps (r12: the flags); keep the new ones if there are later taps."""
    fresh, last = b.labels("fresh last")
    b.op("ldr r11, [sp, #{at}]", at=PARTIAL)
    b.op("tst r12, #{resume}", resume=RESUME)
    b.op("beq {to}", to=fresh)
    for i, total in enumerate(sums):
        b.op(f"ldr r12, [r11, #{4 * i}]")
        b.op(f"add {total}, {total}, r12")
    b.op("ldr r12, [sp, #{at}]", at=FLAGS)
    b.place(fresh)
    b.op("tst r12, #{wait}", wait=WAIT)
    b.op("add r12, r11, #12")
    b.op("str r12, [sp, #{at}]", at=PARTIAL)
    b.op("beq {to}", to=last)
    for i, total in enumerate(sums):
        b.op(f"str {total}, [r11, #{4 * i}]")
    b.op("b {to}", to=done)
    b.place(last)

"""Four pixels by two filters on Armv7-M, all fourteen registers in the inner loop.

The four windows are spread to words on the stack, so that the stack pointer addresses them and one
LDRD loads two. The taps are written out; a call of fewer than all of them fills the end of the tile
and enters at its first tap, so that every layer shares one function: 12 instructions, 8 products.
"""

from __future__ import annotations

from codegen.assembly.armv7_m.high_word import clamp, requantize
from codegen.assembly.block import Block
from codegen.assembly.tiles import PIXELS, TAPS, TileKernel

TILE = 4 * PIXELS * TAPS
Y, TILE_ARGS, ENTRY, PAIRS, TABLE, PARTIAL, WEIGHTS = TILE, *range(TILE + 16, TILE + 40, 4)
FRAME = TILE + 40
"""The tile, the four output pointers, and what the loop over pairs keeps."""
TAP_BYTES = 12 * 4
WEIGHT_OFFSET, TABLE_OFFSET, PAIRS_OFFSET, ROWS_OFFSET, LENGTH_OFFSET, TAPS_OFFSET = range(0, 24, 4)
FLAGS_OFFSET, ZERO_OFFSET, LOW_OFFSET, HIGH_OFFSET = range(24, 40, 4)
"""Of `ek_tile`."""
RESUME, WAIT = 1, 2
SUMS = [[f"r{PIXELS * filter + p}" for p in range(PIXELS)] for filter in range(2)]


def tile(kind: TileKernel) -> Block:
    """``ek_tile_s8(t, x, y, partial)``."""
    b = Block(kind.symbol)
    taps_end = b.label()
    _enter(b, taps_end)
    _spread(b)
    head, wait, following = b.label(), b.label(), b.label()
    b.place(head)
    _begin_pair(b)
    _taps(b)
    b.place(taps_end)
    b.op("ldr r8, [sp, #{at}]", at=TILE_ARGS)
    b.op("ldr r9, [r8, #{at}]", at=FLAGS_OFFSET)
    b.op("tst r9, #{wait}", wait=WAIT)
    b.op("bne {to}", to=wait)
    for filter in range(2):
        _requantize(b, kind, filter)
    if kind.clamp:
        _clamp(b)
    _store(b)
    b.place(following)
    b.op("ldr r8, [sp, #{at}]", at=PAIRS)
    b.op("subs r8, #1")
    b.op("str r8, [sp, #{at}]", at=PAIRS)
    b.op("bne.w {to}", to=head)
    b.op("add sp, sp, #{n}", n=FRAME)
    b.op("pop {{r4-r11, pc}}")
    b.place(wait)
    _partial(b)
    b.op("stm r8, {{r0-r7}}")
    b.op("b {to}", to=following)
    return b


def _enter(b: Block, taps_end: str) -> None:
    b.name(t="r0", x="r1", y="r2", partial="r3", taps="r4", entry="r8")
    b.op("push {{r4-r11, lr}}")
    b.op("sub sp, sp, #{n}", n=FRAME)
    b.op("ldm {y}, {{r4-r7}}")
    b.op("add r12, sp, #{at}", at=Y)
    b.op("stm r12, {{r4-r7}}")
    b.op("ldr r5, [{t}, #{at}]", at=TABLE_OFFSET)
    b.op("ldr r6, [{t}, #{at}]", at=PAIRS_OFFSET)
    b.op("ldr {taps}, [{t}, #{at}]", at=TAPS_OFFSET)
    b.op("ldr lr, [{t}, #{at}]", at=WEIGHT_OFFSET)
    b.note("the taps' code is entered so many taps before its end")
    b.op("adr.w {entry}, {end}", end=taps_end)
    b.op("add r9, {taps}, {taps}, lsl #1")
    b.op("sub {entry}, {entry}, r9, lsl #4")
    b.op("orr {entry}, {entry}, #1")
    for register, at in (("r0", TILE_ARGS), ("{entry}", ENTRY), ("r6", PAIRS), ("r5", TABLE)):
        b.op(f"str {register}, [sp, #{at}]")
    b.op("str {partial}, [sp, #{at}]", at=PARTIAL)


def _spread(b: Block) -> None:
    """Bytes of four windows to words that lie side by side, ending at the tile's end."""
    b.name(x="r10", rows="r11", length="r9", tile="r12", count="r8")
    b.op("sub {tile}, {tile}, {taps}, lsl #4")
    b.op("mov {x}, r1")
    b.op("ldr {rows}, [{t}, #{at}]", at=ROWS_OFFSET)
    b.op("ldr {length}, [{t}, #{at}]", at=LENGTH_OFFSET)
    with b.loop("subs {rows}, {rows}, #1", "bne {head}"):
        single, done = b.label(), b.label()
        b.op("ldm {x}!, {{r0-r3}}")
        b.op("lsrs {count}, {length}, #2")
        b.op("beq {to}", to=single)
        with b.loop("subs {count}, {count}, #1", "bne {head}"):
            for _ in range(4):
                _spread_tap(b)
        b.place(single)
        b.op("ands {count}, {length}, #3")
        b.op("beq {to}", to=done)
        with b.loop("subs {count}, {count}, #1", "bne {head}"):
            _spread_tap(b)
        b.place(done)


def _spread_tap(b: Block) -> None:
    for p in range(PIXELS):
        b.op(f"ldrsb r{PIXELS + p}, [r{p}], #1")
    b.op("stm {tile}!, {{r4-r7}}")


def _begin_pair(b: Block) -> None:
    """Sums are zero, or those of earlier taps; then to the first tap."""
    resume, ready = b.label(), b.label()
    b.op("ldr r8, [sp, #{at}]", at=TILE_ARGS)
    b.op("ldr r9, [r8, #{at}]", at=FLAGS_OFFSET)
    b.op("tst r9, #{resume}", resume=RESUME)
    b.op("bne {to}", to=resume)
    for p in range(2 * PIXELS):
        b.op(f"movs r{p}, #0")
    b.op("b {to}", to=ready)
    b.place(resume)
    _partial(b)
    b.op("ldm r8, {{r0-r7}}")
    b.place(ready)
    b.op("ldr r8, [sp, #{at}]", at=ENTRY)
    b.op("bx r8")


def _partial(b: Block) -> None:
    """r8: where the sums of this pair are kept, those of the last pair first."""
    b.op("ldr r8, [sp, #{at}]", at=PARTIAL)
    b.op("ldr r9, [sp, #{at}]", at=PAIRS)
    b.op("sub r9, r9, #1")
    b.op("add r8, r8, r9, lsl #5")


def _taps(b: Block) -> None:
    """Every instruction here has four bytes (`TAP_BYTES`)."""
    x = [f"r{9 + p}" for p in range(PIXELS)]
    for tap in range(TAPS):
        at = 4 * PIXELS * tap
        b.op(f"ldrd {x[0]}, {x[1]}, [sp, #{at}]")
        b.op(f"ldrd {x[2]}, {x[3]}, [sp, #{at + 8}]")
        for sums in SUMS:
            b.op("ldrsb.w r8, [lr], #1")
            for p, total in enumerate(sums):
                b.op(f"mla {total}, {x[p]}, r8, {total}")


def _requantize(b: Block, kind: TileKernel, filter: int) -> None:
    b.op("ldr r12, [sp, #{at}]", at=TABLE)
    b.op("ldm r12!, {{r8, r9, r10}}")
    b.op("str r12, [sp, #{at}]", at=TABLE)
    if kind.signed:
        b.op("str lr, [sp, #{at}]", at=WEIGHTS)
        b.op("ldr lr, [sp, #{at}]", at=TILE_ARGS)
        b.op("ldr lr, [lr, #{at}]", at=ZERO_OFFSET)
    requantize(b, SUMS[filter], kind.signed)
    if kind.signed:
        b.op("ldr lr, [sp, #{at}]", at=WEIGHTS)


def _clamp(b: Block) -> None:
    b.op("ldr r8, [sp, #{at}]", at=TILE_ARGS)
    b.op("ldr r9, [r8, #{at}]", at=LOW_OFFSET)
    b.op("ldr r10, [r8, #{at}]", at=HIGH_OFFSET)
    clamp(b, [*SUMS[0], *SUMS[1]], "r9", "r10")


def _store(b: Block) -> None:
    b.op("add r8, sp, #{at}", at=Y)
    b.op("ldm r8, {{r9-r12}}")
    for sums in SUMS:
        for p, total in enumerate(sums):
            b.op(f"strb {total}, [r{9 + p}], #1")
    b.op("stm r8, {{r9-r12}}")

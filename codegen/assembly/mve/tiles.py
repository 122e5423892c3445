"""Products of four pixels with two filters at a time: eight sums in the eight even registers.

Six loads and eight ``VMLADAV`` make 128 products. The sums move into two vectors, one for each
filter, so that bias, significand and shift are scalars; one scatter store writes all eight results.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.assembly.block import Block
from codegen.assembly.mve.layer import FULL, HALF, steps_of
from codegen.assembly.mve.scaling import Form, scale

SUMS = ("r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr")
CALL = 9
"""Instructions of a call in the caller, its loop over rows included."""
UNROLLED = 20
"""Steps written out for all runs of a window; more are looped over, run by run."""
WORD_REACH, BYTE_REACH = 508, 127
"""Largest offset of a vector load of words, and of one that widens bytes."""
X, Y, TILES, LAST = 4, 8, 12, 16
"""Offsets of what the frame holds: the tile's pointers, tiles left, where the last pair goes."""
FILTERS, X_STEP, ROW_STEP, PLACE, ZERO_POINT, LOW = 8, 12, 20, 24, 52, 56
"""Offsets in ``ek_tiles``."""


@dataclass(frozen=True)
class Shape:
    """What tells one function from another.

    Attributes:
        runs: of a pixel's window.
        run_bytes: bytes of one, a multiple of 8.
        pixel_step: bytes from a pixel's window to the next one's, a multiple of 4.
        odd: the number of filters is odd.
        form: of the requantization.
    """

    runs: int
    run_bytes: int
    pixel_step: int
    odd: bool
    form: Form

    @property
    def symbol(self) -> str:
        """The function's name."""
        shape = f"{self.runs}x{self.run_bytes}_{self.pixel_step}"
        return f"tiles_{shape}_{self.form.tag}{'o' if self.odd else ''}"

    @property
    def middle(self) -> int:
        """What is added to the window's address so that every offset can be encoded."""
        whole, rest = divmod(self.run_bytes, FULL)
        if rest:
            return FULL * whole + 3 * self.pixel_step // 2 // 4 * 4
        last = 3 * self.pixel_step + FULL * (whole - 1)
        return 0 if last <= WORD_REACH else (last // 2 + 3) // 4 * 4

    @property
    def fits(self) -> bool:
        """True where every offset can be encoded."""
        offset, ends = 0, [0, 3 * self.pixel_step]
        for width in steps_of(self.run_bytes):
            reach = WORD_REACH if width == FULL else BYTE_REACH
            if any(abs(offset + end - self.middle) > reach for end in ends):
                return False
            offset += width
        return self.pixel_step % 4 == 0 and self.run_bytes % HALF == 0

    @property
    def looped(self) -> bool:
        """True where the runs are a loop."""
        return self.runs > 1 and self.runs * len(steps_of(self.run_bytes)) > UNROLLED

    @property
    def lines(self) -> tuple[int, int, int]:
        """Instructions of a call, of each tile, and of each pair of filters in a tile."""
        b, tile, pair = _build(self)
        count = _count(b)
        rolled = (self.runs - 1) * (len(steps_of(self.run_bytes)) * 14 + 3) if self.looped else 0
        return count - tile, tile - pair, pair + rolled

    def instructions(self, calls: int, tiles: int, filters: int) -> int:
        """Executed by so many calls for so many tiles in all."""
        call, tile, pair = self.lines
        return calls * (call + CALL) + tiles * (tile + (filters + 1) // 2 * pair)


def tiles_block(shape: Shape) -> Block:
    """``ek_tiles_s8(a, x, y, tiles)`` for a shape."""
    return _build(shape)[0]


def _count(b: Block) -> int:
    return sum(line.startswith("    ") and "/*" not in line for line in b.lines)


def _build(shape: Shape) -> tuple[Block, int, int]:
    """The function, and how many instructions the loops over tiles and over pairs hold."""
    b = Block(shape.symbol)
    b.name(x="r1", w="r3", y="r5", table="r9", place="q7", zero="q6", a="r0")
    b.op("push {{r4-r11, lr}}")
    b.op("vpush {{d8-d15}}")
    if shape.middle:
        b.op("addw {x}, {x}, #{middle}", middle=shape.middle)
    b.op("push {{r0-r4}}")
    b.op("vldrh.u16 {place}, [{a}, #{at}]", at=PLACE)
    b.op("ldr r5, [{a}, #{at}]", at=ZERO_POINT)
    b.op("vdup.16 {zero}, r5")
    before = _count(b)
    with b.loop("subs r7, r7, #1", "str r7, [sp, #12]", "bne {head}"):
        _tile_head(b, shape)
        start = _count(b)
        with b.loop() as head:
            _sums(b, shape)
            _finish(b, shape)
            _next_pair(b, shape, head)
        pair = _count(b) - start
        _tile_tail(b)
    tile = _count(b) - before
    b.op("add sp, sp, #20")
    b.op("vpop {{d8-d15}}")
    b.op("pop {{r4-r11, pc}}")
    return b, tile, pair


def _tile_head(b: Block, shape: Shape) -> None:
    b.op("ldr {a}, [sp]")
    b.op("ldr {x}, [sp, #{at}]", at=X)
    b.op("ldr {y}, [sp, #{at}]", at=Y)
    b.op("ldrd {w}, {table}, [{a}]")
    b.op("ldr r7, [{a}, #{at}]", at=FILTERS)
    b.op("subs r7, r7, #2")
    if shape.odd:
        b.op("it mi")
        b.op("movmi r7, #0")
    b.op("add r7, r7, {y}")
    if shape.looped:
        b.op("str r7, [sp, #{at}]", at=LAST)
        b.op("ldr r7, [{a}, #{at}]", at=ROW_STEP)
    elif shape.runs > 1:
        b.op("ldr r11, [{a}, #{at}]", at=ROW_STEP)


def _tile_tail(b: Block) -> None:
    b.op("ldr {a}, [sp]")
    b.op("ldrd r2, r4, [{a}, #{at}]", at=X_STEP)
    b.op("ldrd r6, r8, [sp, #{at}]", at=X)
    b.op("ldr r7, [sp, #{at}]", at=TILES)
    b.op("add r6, r6, r2")
    b.op("add r8, r8, r4")
    b.op("strd r6, r8, [sp, #{at}]", at=X)


def _sums(b: Block, shape: Shape) -> None:
    """All runs of the tile's windows times two filters."""
    if shape.looped:
        for register in SUMS:
            b.op(f"mov {register}, #0")
        b.op("mov r11, #{runs}", runs=shape.runs)
        with b.loop("add {x}, {x}, r7", "subs r11, r11, #1", "bne {head}"):
            _run(b, shape, "a")
    else:
        for run in range(shape.runs):
            if run:
                b.op("add {x}, {x}, r11")
            _run(b, shape, "a" if run else "")
    if shape.runs > 1:
        b.op("ldr {x}, [sp, #{at}]", at=X)


def _run(b: Block, shape: Shape, add: str) -> None:
    offset = -shape.middle
    for width in steps_of(shape.run_bytes):
        load, lanes = ("vldrw.u32", "s8") if width == FULL else ("vldrb.s16", "s16")
        weights = "vldrb.u8" if width == FULL else "vldrb.s16"
        b.op(f"{weights} q4, [{{w}}], #{width}")
        b.op(f"{weights} q5, [{{w}}], #{width}")
        for p in range(4):
            b.op(f"{load} q{p}, [{{x}}, #{offset + p * shape.pixel_step}]")
        for p in range(4):
            b.op(f"vmladav{add}.{lanes} {SUMS[p]}, q{p}, q4")
            b.op(f"vmladav{add}.{lanes} {SUMS[4 + p]}, q{p}, q5")
        offset, add = offset + width, "a"


def _finish(b: Block, shape: Shape) -> None:
    """Requantize the eight sums and store them."""
    for q, (s0, s1, s2, s3) in enumerate((SUMS[:4], SUMS[4:])):
        b.op(f"vmov q{q}[2], q{q}[0], {s0}, {s2}")
        b.op(f"vmov q{q}[3], q{q}[1], {s1}, {s3}")
    b.op("ldm {table}!, {{r0, r2, r4, r6, r8, r10}}")
    scale(b, shape.form, ("q0", "q1"), ("r0", "r2", "r4", "r6", "r8", "r10"), "q2")
    b.op("vqmovnb.s32 q2, q0")
    b.op("vqmovnt.s32 q2, q1")
    b.op("vqadd.s16 q2, q2, {zero}")
    if shape.form.clamped:
        b.op("ldr r0, [sp]")
        b.op("ldrd r2, r4, [r0, #{at}]", at=LOW)
        b.op("vdup.16 q0, r2")
        b.op("vdup.16 q1, r4")
        b.op("vmax.s16 q2, q2, q0")
        b.op("vmin.s16 q2, q2, q1")
    else:
        b.op("vqmovnb.s16 q2, q2")
    b.op("vstrb.16 q2, [{y}, {place}]")


def _next_pair(b: Block, shape: Shape, head: str) -> None:
    last = "r7"
    if shape.looped:
        b.op("ldr r0, [sp, #{at}]", at=LAST)
        last = "r0"
    if not shape.odd:
        b.op("cmp {y}, {last}", last=last)
        b.op("add {y}, {y}, #2")
        b.op("bne {head}", head=head)
        return
    done = b.label()
    b.op("cmp {y}, {last}", last=last)
    b.op("beq {done}", done=done)
    b.op("add {y}, {y}, #2")
    b.op("cmp {y}, {last}", last=last)
    b.op("it hi")
    b.op("movhi {y}, {last}", last=last)
    b.op("b {head}", head=head)
    b.place(done)

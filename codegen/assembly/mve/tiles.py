"""Products of four pixels with two filters at a time: eight sums in the eight even registers.

Six loads and eight ``VMLADAV`` make 128 products. The sums move into two vectors, one for each
filter, so that bias, significand and shift are scalars; one scatter store writes all eight results.
Windows of one step stay in registers for all filters.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.mve.layer import FULL, HALF, steps_of
from codegen.assembly.mve.scaling import Form, scale

SUMS = ("r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr")
CALL = 9
"""Instructions of a call in the caller, its loop over rows included."""
UNROLLED = 20
"""Steps written out for all runs of a window; more are looped over, run by run."""
WORD_REACH, BYTE_REACH = 508, 127
"""Largest offset of a vector load of words, and of one that widens bytes."""
STEP = 14
"""Instructions of a step."""
X, Y, TILES, LAST, NEXT, TABLE, FRAME = 4, 8, 12, 16, 20, 24, 32
"""Offsets of what the frame holds: the tile's pointers, tiles left, where the last pair goes; where
the next one goes and its table, if no register is free for them; and the frame's size."""
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
    def held(self) -> bool:
        """True where the windows of a tile stay in registers."""
        return self.runs == 1 and self.run_bytes in (HALF, FULL)

    @property
    def looped(self) -> bool:
        """True where the runs are a loop."""
        return self.runs > 1 and self.runs * len(steps_of(self.run_bytes)) > UNROLLED

    @property
    def rolled(self) -> Cost:
        """Instructions of a pair that are written once and executed again."""
        if not self.looped:
            return Cost()
        return (self.runs - 1) * Cost(len(steps_of(self.run_bytes)) * STEP, control=3)

    def cost(self, calls: int, tiles: int, filters: int) -> Cost:
        """Instructions of so many calls for so many tiles in all."""
        count, tile, pair = _counts(self)
        pairs = (filters + 1) // 2
        again = tile - pair + pairs * (pair + self.rolled)
        return calls * (count - tile + CALL) + tiles * again

    def block(self) -> Block:
        """``ek_tiles_s8(a, x, y, tiles)``."""
        return self.written()[0]

    def written(self) -> tuple[Block, Cost, Cost]:
        """The function, and how many instructions the loops over tiles and over pairs hold."""
        b = Block(self.symbol)
        b.name(x="r1", w="r3", y="r5", table="r9", place="q7", a="r0")
        if self.held:
            b.name(first="q4", second="q5", free="q6", zero="r11")
        else:
            b.name(first="q0", second="q1", free="q2", zero="q6")
        b.op("push {{r4-r11, lr}}")
        b.op("vpush {{d8-d15}}")
        if self.middle:
            b.op("addw {x}, {x}, #{middle}", middle=self.middle)
        b.op("push {{r0-r7}}")
        b.op("vldrh.u16 {place}, [{a}, #{at}]", at=PLACE)
        b.op("ldr r11, [{a}, #{at}]", at=ZERO_POINT)
        if not self.held:
            b.op("vdup.16 {zero}, r11")
        before = b.cost()
        with b.loop("subs r7, r7, #1", "str r7, [sp, #12]", "bne {head}"):
            self.tile_head(b)
            start = b.cost()
            with b.loop() as head:
                with b.part("products"):
                    self.sums(b)
                with b.part("requantize"):
                    self.finish(b)
                self.next_pair(b, head)
            pair = b.cost() - start
            _tile_tail(b)
        tile = b.cost() - before
        b.op("add sp, sp, #{size}", size=FRAME)
        b.op("vpop {{d8-d15}}")
        b.op("pop {{r4-r11, pc}}")
        return b, tile, pair

    @noted
    def tile_head(self, b: Block) -> None:
        """Pointers of a tile; r7 ends up where the last pair goes."""
        b.op("ldr {a}, [sp]")
        b.op("ldr {x}, [sp, #{at}]", at=X)
        b.op("ldr {y}, [sp, #{at}]", at=Y)
        b.op("ldrd {w}, {table}, [{a}]")
        b.op("ldr r7, [{a}, #{at}]", at=FILTERS)
        b.op("subs r7, r7, #2")
        if self.odd:
            b.op("it mi")
            b.op("movmi r7, #0")
        b.op("add r7, r7, {y}")
        if self.looped:
            b.op("str r7, [sp, #{at}]", at=LAST)
            b.op("ldr r7, [{a}, #{at}]", at=ROW_STEP)
        elif self.runs > 1:
            b.op("ldr r11, [{a}, #{at}]", at=ROW_STEP)
        if self.held:
            self.load(b, steps_of(self.run_bytes)[0], -self.middle)

    def load(self, b: Block, width: int, offset: int) -> None:
        """A step of the four windows."""
        load = "vldrw.u32" if width == FULL else "vldrb.s16"
        for p in range(4):
            b.op(f"{load} q{p}, [{{x}}, #{offset + p * self.pixel_step}]")

    @noted
    def sums(self, b: Block) -> None:
        """All runs of the tile's windows times two filters."""
        if self.looped:
            clear(b)
            b.op("mov r11, #{runs}", runs=self.runs)
            with b.loop("add {x}, {x}, r7", "subs r11, r11, #1", "bne {head}"):
                self._run(b, "a")
        else:
            for run in range(self.runs):
                if run:
                    b.op("add {x}, {x}, r11")
                self._run(b, "a" if run else "")
        if self.runs > 1:
            b.op("ldr {x}, [sp, #{at}]", at=X)

    def _run(self, b: Block, add: str) -> None:
        offset = -self.middle
        for width in steps_of(self.run_bytes):
            weigh(b, width)
            if not self.held:
                self.load(b, width, offset)
            multiply(b, width, add)
            offset, add = offset + width, "a"

    def finish(self, b: Block) -> None:
        """Requantize the eight sums and store them."""
        finish_tile(b, self.form, LOW)

    @noted
    def next_pair(self, b: Block, head: str) -> None:
        """Move on to the next pair of filters; an odd last one starts a filter earlier."""
        last = "r7"
        if self.looped:
            b.op("ldr r0, [sp, #{at}]", at=LAST)
            last = "r0"
        b.op("cmp {y}, {last}", last=last)
        if not self.odd:
            b.op("add {y}, {y}, #2")
            b.op("bne {head}", head=head)
            return
        done = b.label("done")
        b.op("beq {done}", done=done)
        b.op("add {y}, {y}, #2")
        b.op("cmp {y}, {last}", last=last)
        b.op("it hi")
        b.op("movhi {y}, {last}", last=last)
        b.op("b {head}", head=head)
        b.place(done)


@functools.cache
def _counts(shape: Shape) -> tuple[Cost, Cost, Cost]:
    """Instructions of the function, of its loop over tiles, and of that over pairs."""
    b, tile, pair = shape.written()
    return b.cost(), tile, pair


@noted
def clear(b: Block) -> None:
    """All sums zero."""
    for register in SUMS:
        b.op(f"mov {register}, #0")


def weigh(b: Block, width: int) -> None:
    """A step of two filters' weights."""
    for q in ("q4", "q5"):
        b.op(f"{'vldrb.u8' if width == FULL else 'vldrb.s16'} {q}, [{{w}}], #{width}")


def multiply(b: Block, width: int, add: str) -> None:
    """A step of the four windows, in q0 to q3, times two filters."""
    lanes = "s8" if width == FULL else "s16"
    for p in range(4):
        b.op(f"vmladav{add}.{lanes} {SUMS[p]}, q{p}, q4")
        b.op(f"vmladav{add}.{lanes} {SUMS[4 + p]}, q{p}, q5")


@noted
def finish_tile(b: Block, form: Form, low: int) -> None:
    """Requantize the eight sums of two filters and store them.

    Args:
        b: the function; its arguments' address is at the stack pointer.
        form: of the requantization.
        low: offset of the smallest output in the arguments, the largest follows.
    """
    for q, (s0, s1, s2, s3) in (("first", SUMS[:4]), ("second", SUMS[4:])):
        b.op(f"vmov {{{q}}}[2], {{{q}}}[0], {s0}, {s2}")
        b.op(f"vmov {{{q}}}[3], {{{q}}}[1], {s1}, {s3}")
    b.op("ldm {table}!, {{r0, r2, r4, r6, r8, r10}}")
    registers = ("r0", "r2", "r4", "r6", "r8", "r10")
    scale(b, form, (b.reg("first"), b.reg("second")), registers, b.reg("free"))
    b.op("vqmovnb.s32 {first}, {first}")
    b.op("vqmovnt.s32 {first}, {second}")
    b.op("vqadd.s16 {first}, {first}, {zero}")
    if form.clamped:
        b.op("ldr r0, [sp]")
        b.op("ldrd r2, r4, [r0, #{at}]", at=low)
        b.op("vdup.16 {second}, r2")
        b.op("vdup.16 {free}, r4")
        b.op("vmax.s16 {first}, {first}, {second}")
        b.op("vmin.s16 {first}, {first}, {free}")
    else:
        b.op("vqmovnb.s16 {first}, {first}")
    b.op("vstrb.16 {first}, [{y}, {place}]")


def _tile_tail(b: Block) -> None:
    b.op("ldr {a}, [sp]")
    b.op("ldrd r2, r4, [{a}, #{at}]", at=X_STEP)
    b.op("ldrd r6, r8, [sp, #{at}]", at=X)
    b.op("ldr r7, [sp, #{at}]", at=TILES)
    b.op("add r6, r6, r2")
    b.op("add r8, r8, r4")
    b.op("strd r6, r8, [sp, #{at}]", at=X)

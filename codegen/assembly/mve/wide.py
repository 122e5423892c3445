"""Tiles (see `tiles`) whose windows lie too far apart for offsets: a pointer for each pixel.

The four pointers take the place of those to the output and to the table, which wait in the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.mve.layer import FULL, HALF, steps_of
from codegen.assembly.mve.scaling import Form
from codegen.assembly.mve.tiles import (
    LAST,
    NEXT,
    STEP,
    TABLE,
    Shape,
    X,
    clear,
    multiply,
    weigh,
)

PIXELS = ("r1", "r7", "r9", "r11")
"""Pointers to the windows."""
CHUNK = 8
"""Steps of a loop's body."""
MAX_STEP = 4095
"""Largest immediate of an addition."""


@dataclass(frozen=True)
class Wide(Shape):
    """A shape with four pointers.

    Attributes:
        gap: bytes between the end of a run and the next run.
    """

    gap: int = 0

    @property
    def symbol(self) -> str:
        return f"wide_{self.gap}_{super().symbol}"

    @property
    def middle(self) -> int:
        return 0

    @property
    def held(self) -> bool:
        return False

    @property
    def looped(self) -> bool:
        return True  # y and table are in the frame

    @property
    def fits(self) -> bool:
        """True where every step of a pointer can be encoded."""
        aligned = self.pixel_step % 4 == 0 and self.run_bytes % HALF == 0 and self.gap % 4 == 0
        return aligned and max(self.pixel_step, abs(self.gap)) <= MAX_STEP

    @property
    def chunks(self) -> int:
        """Rounds of the loop over a run's steps; 0 where all are written out."""
        count = self.run_bytes // FULL // CHUNK
        return count if count > 1 else 0

    @property
    def rolled(self) -> Cost:
        return self.runs * max(self.chunks - 1, 0) * Cost(CHUNK * STEP, control=2)

    def tile_head(self, b: Block) -> None:
        super().tile_head(b)
        b.op("str {table}, [sp, #{at}]", at=TABLE)
        b.op("str {y}, [sp, #{at}]", at=NEXT)

    def sums(self, b: Block) -> None:
        b.op("ldr r1, [sp, #{at}]", at=X)
        for before, pixel in pairwise(PIXELS):
            b.op(f"addw {pixel}, {before}, #{self.pixel_step}")
        if self.chunks:
            clear(b)
        add = "a" if self.chunks else ""
        for run in range(self.runs):
            steps = steps_of(self.run_bytes)
            if self.chunks:
                b.op("mov r5, #{count}", count=self.chunks)
                with b.loop("subs r5, r5, #1", "bne {head}"):
                    for _ in range(CHUNK):
                        self._step(b, FULL, "a")
                steps = steps[self.chunks * CHUNK :]
            for width in steps:
                self._step(b, width, add)
                add = "a"
            if run < self.runs - 1 and self.gap:
                for pixel in PIXELS:
                    b.op(f"{'addw' if self.gap > 0 else 'subw'} {pixel}, {pixel}, #{abs(self.gap)}")

    def _step(self, b: Block, width: int, add: str) -> None:
        weigh(b, width)
        for p, pixel in enumerate(PIXELS):
            if width == FULL:
                b.op(f"vldrw.u32 q{p}, [{pixel}], #{FULL}")
            elif pixel in ("r1", "r7"):
                b.op(f"vldrb.s16 q{p}, [{pixel}], #{HALF}")
            else:  # a load that widens needs a low register
                b.op(f"mov r5, {pixel}")
                b.op(f"vldrb.s16 q{p}, [r5]")
                b.op(f"add {pixel}, {pixel}, #{HALF}")
        multiply(b, width, add)

    def finish(self, b: Block) -> None:
        b.op("ldrd {y}, {table}, [sp, #{at}]", at=NEXT)
        super().finish(b)
        b.op("str {table}, [sp, #{at}]", at=TABLE)

    def next_pair(self, b: Block, head: str) -> None:
        b.op("ldr r0, [sp, #{at}]", at=LAST)
        b.op("cmp {y}, r0")
        done = b.label("done")
        if self.odd:
            b.op("beq {done}", done=done)
        b.op("add {y}, {y}, #2")
        if self.odd:
            b.op("cmp {y}, r0")
            b.op("it hi")
            b.op("movhi {y}, r0")
        b.op("str {y}, [sp, #{at}]", at=NEXT)
        b.op(f"{'b' if self.odd else 'bne'} {{head}}", head=head)
        b.place(done)


def shape_of(
    runs: int, run_bytes: int, pixel_step: int, filters: int, form: Form, pitch: int = 0
) -> Shape | None:
    """The cheapest shape for windows; None where they do not suit vectors.

    Args:
        runs, run_bytes, pixel_step: see `Shape`.
        filters: their number.
        form: of the requantization.
        pitch: bytes from one run to the next.
    """
    parts = (runs, run_bytes, pixel_step, filters % 2 == 1, form)
    options = [Shape(*parts), Wide(*parts, gap=pitch - run_bytes if runs > 1 else 0)]
    return next((o for o in options if o.fits), None)

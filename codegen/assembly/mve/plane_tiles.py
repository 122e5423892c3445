"""Tiles of a depthwise convolution: eight sums from a plane, requantized and stored.

A tile is four pixels of two output rows, or eight pixels of one. What remains at the end of a row
is a tile with predicated stores, or half the work where it fits into one vector.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.assembly.block import Block, noted
from codegen.assembly.mve.scaling import Form, scale

LANES = 8
"""Results of a tile, and channels that are turned into planes together."""
FIRST, SECOND = ("r0", "r2", "r4", "r6"), ("r8", "r10", "r12", "r8")
"""Sums; r8 is free again when the last one is due."""
SHORT, LONG = 4, 5
"""Results of one vector; more."""
POST_INDEX = 127
FIELDS = (
    "weights", "table", "channels", "count", "row", "row_step", "y_step", "height", "row_bytes",
    "width", "skip", "plane", "tiles", "rest", "tile_step", "x_next", "y_next", "fill",
    "rounded", "away", "left", "zero_point", "low", "high",
)  # fmt: skip
AT = {name: 4 * i for i, name in enumerate(FIELDS)} | {"spread": 96, "place": 112, "tail": 128}
"""Offsets in ``ek_planes``."""
FRAME = {
    name: 4 * i
    for i, name in enumerate(
        ("a", "x", "y", "scratch", "row", "count", "weights", "table", "row0", "row1", "row2",
         "row3", "outside", "channel", "x_next", "y_next", "tiles", "end", "low", "high",
         "tail", "tail1", "tail2", "tail3")
    )
}  # fmt: skip
"""Offsets in the frame."""


@dataclass(frozen=True)
class Shape:
    """What tells one function from another.

    Attributes:
        lines: output rows that share a plane, 1 or 2.
        rows: input rows that they need, at most 4.
        pixel_step: bytes of a plane from one output pixel to the next.
        channels: their number where it can be a pointer's step, otherwise 0.
        rest: results that remain after whole tiles, if they fit into one vector; `LONG` for more.
        form: of the requantization.
        repeat: filters of each channel of the input, a power of 2.
    """

    lines: int
    rows: int
    pixel_step: int
    channels: int
    rest: int
    form: Form
    repeat: int = 1

    @property
    def symbol(self) -> str:
        """The function's name."""
        shape = f"{self.lines}x{self.rows}_{self.pixel_step}_{self.channels}"
        shape += f"x{self.repeat}" * (self.repeat > 1)
        return f"planes_{shape}_{self.form.tag}_{self.rest}"


class TileWriter:
    """A function under construction: access to its frame and arguments, and its tiles.

    Attributes:
        shape: what it is written for.
        b: its text.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.b = Block(shape.symbol)
        self.b.name(a="r0", x="r1", y="r5", bias="r3", significand="r7", shift="r9", step="r11")
        self.b.name(zero="q4", w0="q5", place="q7", out="r8")

    def load(self, register: str, name: str, base: str = "a") -> None:
        """From the frame, or from the arguments in r0."""
        if base == "a":
            self.b.op(f"ldr {register}, [r0, #{AT[name]}]")
        else:
            self.b.op(f"ldr {register}, [sp, #{FRAME[name]}]")

    def store(self, register: str, name: str) -> None:
        self.b.op(f"str {register}, [sp, #{FRAME[name]}]")

    @noted
    def tile(self) -> None:
        """Eight sums into q1 as halfwords: four pixels of two rows, or eight of one, in turn."""
        with self.b.part("products"):
            self.sums()
        with self.b.part("requantize"):
            self.requantize()

    def sums(self) -> None:
        """Of a tile, the last four already in q2."""
        b, shape = self.b, self.shape
        for p, (first, second) in enumerate(zip(FIRST, SECOND, strict=True)):
            b.op(f"vldrw.u32 q0, [{{x}}], #{shape.pixel_step}")
            b.op(f"vmladav.s8 {first}, q0, {{w0}}")
            if shape.lines == 1:
                b.op(f"vldrw.u32 q0, [{{x}}], #{shape.pixel_step}")
            b.op(f"vmladav.s8 {second}, q0, {{weights}}", weights=f"q{4 + shape.lines}")
            if p == 2:
                b.op("vmov q2[2], q2[0], r8, r12")

    def requantize(self) -> None:
        """The sums of a tile."""
        b, shape = self.b, self.shape
        b.op("vmov q1[2], q1[0], r0, r4")
        b.op("vmov q1[3], q1[1], r2, r6")
        b.op("vmov q2[3], q2[1], r10, r8")
        scale(b, shape.form, ("q1", "q2"), ("r3", "r7", "r9"), "q3")
        b.op("vqmovnb.s32 q1, q1")
        b.op("vqmovnt.s32 q1, q2")
        self.narrow()

    @noted
    def short_tile(self) -> None:
        """Up to four sums, the last one repeated, as the low bytes of words."""
        b, shape = self.b, self.shape
        sums = []
        with b.part("products"):
            for p in range(shape.rest // shape.lines):
                b.op(f"vldrw.u32 q0, [{{x}}], #{shape.pixel_step}")
                for line, (register, q) in enumerate(((FIRST[p], "q5"), (SECOND[p], "q6"))):
                    if line < shape.lines:
                        b.op(f"vmladav.s8 {register}, q0, {q}")
                        sums.append(register)
        sums += sums[-shape.lines :] * SHORT
        with b.part("requantize"):
            self.requantize_few(sums)

    def requantize_few(self, sums: list[str]) -> None:
        """Up to four sums."""
        b, shape = self.b, self.shape
        b.op(f"vmov q1[2], q1[0], {sums[0]}, {sums[2]}")
        b.op(f"vmov q1[3], q1[1], {sums[1]}, {sums[3]}")
        scale(b, shape.form, ("q1",), ("r3", "r7", "r9"), "q3")
        b.op("vqmovnb.s32 q1, q1")
        self.narrow()
        b.op("vldrw.u32 q2, [sp, #{at}]", at=FRAME["tail"])
        b.op("vstrb.32 q1, [{y}, q2]")

    @noted
    def narrow(self) -> None:
        """Halfwords in q1 become bytes."""
        b = self.b
        b.op("vqadd.s16 q1, q1, {zero}")
        if self.shape.form.clamped:
            b.op("ldrd r0, r2, [sp, #{at}]", at=FRAME["low"])
            b.op("vdup.16 q2, r0")
            b.op("vdup.16 q3, r2")
            b.op("vmax.s16 q1, q1, q2")
            b.op("vmin.s16 q1, q1, q3")
        else:
            b.op("vqmovnb.s16 q1, q1")

"""Depthwise convolutions, eight channels at a time: planes whose columns are four rows each.

A 16-byte load is a window of up to 4x4 taps, one ``VMLADAV`` its sum. For a vertical stride of one
the same load serves a second output row, with weights that are shifted by one byte.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.mve.plane_tiles import AT, FRAME, LANES, LONG, Shape, TileWriter


@dataclass(frozen=True)
class Counts:
    """Instructions of a call, and of each time round its loops."""

    call: Cost
    row: Cost
    group: Cost
    column: Cost
    channel: Cost
    tile: Cost


class _Writer(TileWriter):
    """Writes the function for a shape."""

    columns = Cost()
    """Instructions of the loop over columns."""

    def function(self) -> tuple[Block, Counts]:
        b = self.b
        self.prologue()
        fill, back = b.labels("fill back")
        marks = [self.b.cost()]
        with b.loop("bne {head}"):
            self.row_head()
            marks.append(self.b.cost())
            with b.loop("bne {head}"):
                with b.part("packing"):
                    self.fetch(fill, back)
                marks.append(self.b.cost())
                self.channel_head()
                marks.append(self.b.cost())
                with b.loop("bne {head}"):
                    tile = self.channel()
                marks.append(self.b.cost())
                self.group_tail()
            marks.append(self.b.cost())
            self.row_tail()
        end = self.b.cost()
        b.op("add sp, sp, #{size}", size=4 * len(FRAME))
        b.op("vpop {{d8-d15}}")
        b.op("pop {{r4-r11, pc}}")
        call = marks[0] + self.b.cost() - end
        self.fill_rows(fill, back)
        start, head, fetched, ready, done, tail = marks
        column = self.columns
        return b, Counts(
            call,
            head - start + end - tail,
            fetched - head - column + ready - fetched + tail - done,
            column,
            done - ready - tile,
            tile,
        )

    def prologue(self) -> None:
        b = self.b
        b.op("push {{r4-r11, lr}}")
        b.op("vpush {{d8-d15}}")
        b.op("sub sp, sp, #{size}", size=4 * len(FRAME))
        b.op("stm sp, {{r0-r3}}")
        for name in ("row", "count", "x_next", "y_next", "tiles", "low", "high"):
            self.load("r1", name)
            self.store("r1", name)
        self.load("r1", "plane")
        b.op("add r2, r3, r1, lsl #3")
        self.store("r2", "end")
        if self.shape.rest == LONG:
            self.load("r2", "rest")
            b.op("vctp.16 r2")
        elif self.shape.rest:
            b.op("vldrw.u32 q0, [r0, #{at}]", at=AT["tail"])
            b.op("vstrw.32 q0, [sp, #{at}]", at=FRAME["tail"])
        self.load("r2", "fill")
        b.op("vdup.8 q0, r2")
        b.op("lsr r1, r1, #1")
        b.op("dls lr, r1")
        with b.loop("le lr, {head}"):
            b.op("vstrw.32 q0, [r3], #16")

    @noted
    def row_head(self) -> None:
        """Pointers to the input rows; rows outside are noted, and read from row 0."""
        b = self.b
        self.load("r0", "a", "frame")
        self.load("r1", "row", "frame")
        self.load("r2", "height")
        self.load("r3", "row_bytes")
        self.load("r10", "x", "frame")
        b.op("mov r11, #0")
        for r in range(self.shape.rows):
            b.op("mov r9, r1")
            b.op("cmp r1, r2")
            b.op("itt hs")
            b.op("movhs r9, #0")
            b.op("orrhs r11, r11, #{bit}", bit=1 << r)
            b.op(f"mla r{4 + r}, r9, r3, r10")
            b.op("add r1, r1, #1")
        b.op("add r1, sp, #{at}", at=FRAME["row0"])
        b.op("stm r1, {{r4-r7}}")
        self.store("r11", "outside")
        b.op("ldrd r2, r3, [r0]")
        if self.shape.lines == 1:
            b.op("add r2, r2, #1")
        b.op("strd r2, r3, [sp, #{at}]", at=FRAME["weights"])
        b.op("mov r1, #0")
        self.store("r1", "channel")

    @noted
    def fetch(self, fill: str, back: str) -> None:
        """Turn the rows of eight channels into planes."""
        b, shape = self.b, self.shape
        self.load("r0", "a", "frame")
        b.op("vldrh.u16 q4, [r0, #{at}]", at=AT["spread"])
        b.op("mov r2, #1")
        for r in range(1, shape.rows):
            b.op(f"vadd.i16 q{4 + r}, q{3 + r}, r2")
        b.op("add r1, sp, #{at}", at=FRAME["row0"])
        b.op("ldm r1, {{r4-r7}}")
        self.load("r1", "channel", "frame")
        if shape.repeat > 1:
            b.op("lsr r1, r1, #{bits}", bits=self.repeat_bits)
        for r in range(shape.rows):
            b.op(f"add r{4 + r}, r{4 + r}, r1")
        self.plane_columns()
        if not shape.channels:
            self.load("r9", "channels")
        if shape.repeat > 1:
            b.op("lsr r9, r9, #{bits}", bits=self.repeat_bits)
            b.op("mov r2, #0")
            b.op("vidup.u16 q3, r2, #1")
            b.op("vshr.u16 q3, q3, #{bits}", bits=self.repeat_bits)
        start = self.b.cost()
        with b.loop("le lr, {head}"):
            if shape.repeat > 1:
                self.repeated_column()
            else:
                self.column()
            b.op("add {out}, {out}, #4")
        self.columns = self.b.cost() - start
        self.load("r1", "outside", "frame")
        b.op("cmp r1, #0")
        b.op("bne {fill}", fill=fill)
        b.place(back)

    @noted
    def column(self) -> None:
        """Eight channels of a column."""
        b, shape = self.b, self.shape
        for r in range(shape.rows):
            step = f", #{shape.channels}" if shape.channels else ""
            b.op(f"vldrb.u16 q{r}, [r{4 + r}]{step}")
        for r in range(shape.rows):
            if not shape.channels:
                b.op(f"add r{4 + r}, r{4 + r}, r9")
            b.op(f"vstrb.16 q{r}, [{{out}}, q{4 + r}]")

    @noted
    def repeated_column(self) -> None:
        """The same where each channel serves several filters."""
        for r in range(self.shape.rows):
            self.b.op(f"vldrb.u16 q{r % 3}, [r{4 + r}, q3]")
            self.b.op(f"add r{4 + r}, r{4 + r}, r9")
            self.b.op(f"vstrb.16 q{r % 3}, [{{out}}, q{4 + r}]")

    @property
    def repeat_bits(self) -> int:
        """Of the filters of each channel."""
        return self.shape.repeat.bit_length() - 1

    def plane_columns(self) -> None:
        """The first column's place in r8, their number in lr."""
        self.load("r8", "scratch", "frame")
        self.load("r2", "skip")
        self.b.op("add {out}, {out}, r2")
        self.load("r2", "width")
        self.b.op("dls lr, r2")

    def channel_head(self) -> None:
        b = self.b
        self.load("r0", "a", "frame")
        b.op("vldrh.u16 {place}, [r0, #{at}]", at=AT["place"])
        self.load("r1", "zero_point")
        b.op("vdup.16 {zero}, r1")
        self.load("{step}", "tile_step")
        self.load("{y}", "y", "frame")
        self.load("r1", "channel", "frame")
        b.op("add {y}, {y}, r1")
        self.load("{x}", "scratch", "frame")

    def channel(self) -> Cost:
        """One channel; returns the instructions of a whole tile."""
        b, shape = self.b, self.shape
        b.op("ldrd r0, r2, [sp, #{at}]", at=FRAME["weights"])
        if shape.lines == 2:
            b.op("vldrb.u8 {w0}, [r0, #1]")
        b.op("vldrb.u8 {last}, [r0], #16", last="q6" if shape.lines == 2 else "q5")
        b.op("ldm r2!, {{r3, r7, r9}}")
        b.op("strd r0, r2, [sp, #{at}]", at=FRAME["weights"])
        self.load("r0", "tiles", "frame")
        done = b.label("done")
        b.op("wls lr, r0, {done}", done=done)
        start = self.b.cost()
        with b.loop("le lr, {head}"):
            self.tile()
            b.op("vstrb.16 q1, [{y}, {place}]")
            b.op("add {y}, {y}, {step}")
        tile = self.b.cost() - start
        b.place(done)
        if shape.rest == LONG:
            self.tile()
            b.op("vpst")
            b.op("vstrbt.16 q1, [{y}, {place}]")
        elif shape.rest:
            self.short_tile()
        b.op("ldrd r0, r2, [sp, #{at}]", at=FRAME["x_next"])
        b.op("add {x}, {x}, r0")
        b.op("add {y}, {y}, r2")
        self.load("r0", "end", "frame")
        b.op("cmp {x}, r0")
        return tile

    def group_tail(self) -> None:
        b = self.b
        self.load("r0", "a", "frame")
        self.load("r1", "channel", "frame")
        self.load("r2", "channels")
        b.op("add r1, r1, #{lanes}", lanes=LANES)
        self.store("r1", "channel")
        b.op("cmp r1, r2")

    def row_tail(self) -> None:
        b = self.b
        b.op("ldrd r1, r2, [r0, #{at}]", at=AT["row_step"])
        self.load("r3", "y", "frame")
        b.op("ldrd r4, r5, [sp, #{at}]", at=FRAME["row"])
        b.op("add r3, r3, r2")
        self.store("r3", "y")
        b.op("add r4, r4, r1")
        b.op("subs r5, r5, #1")
        b.op("strd r4, r5, [sp, #{at}]", at=FRAME["row"])

    @noted
    def fill_rows(self, fill: str, back: str) -> None:
        """Rows outside the input, after the others."""
        b = self.b
        b.place(fill)
        self.load("r3", "fill")
        b.op("vdup.16 q0, r3")
        for r in range(self.shape.rows):
            inside = b.label("inside")
            b.op("tst r1, #{bit}", bit=1 << r)
            b.op("beq {inside}", inside=inside)
            self.plane_columns()
            with b.loop("le lr, {head}"):
                b.op(f"vstrb.16 q0, [{{out}}, q{4 + r}]")
                b.op("add {out}, {out}, #4")
            b.place(inside)
        b.op("b {back}", back=back)


def planes_block(shape: Shape) -> Block:
    """``ek_planes_s8(a, x, y, scratch)`` for a shape."""
    return _Writer(shape).function()[0]


@functools.cache
def planes_counts(shape: Shape) -> Counts:
    """Instructions of the function's loops."""
    return _Writer(shape).function()[1]

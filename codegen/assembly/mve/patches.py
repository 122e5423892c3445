"""Padded rows of the input, and dense windows from them: what spatial convolutions read.

Rows are copied in tail-predicated loops. Windows are copied by whole vectors: what a store writes
too much is overwritten by the next one, so windows must be written in order, and have room behind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.mve.layer import FULL
from codegen.c.operators.integer import repeats_of
from codegen.c.step import StepWriter
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D, Window

SLACK = FULL
"""Bytes that copies by whole vectors may read or write too much."""
POINTERS = ("r4", "r5", "r6", "r7", "r8", "r9")
"""Rows that have a pointer each."""
REPEATED = 7
"""Instructions for a vector of repeated channels."""
POST_INDEX = 127
"""Largest step of a pointer in a load or store of bytes."""


@dataclass(frozen=True)
class Patch:
    """Rows of the input as far as neighbouring output pixels of one row need them.

    Attributes:
        rows: of the window.
        skip, left, copy, right: bytes, see ``ek_rows``.
        repeat: how often each channel is written.
        size: bytes of a channel.
    """

    rows: int
    skip: int
    left: int
    copy: int
    right: int
    repeat: int = 1
    size: int = 1

    @property
    def pitch(self) -> int:
        """Bytes of a row."""
        return self.left + self.copy + self.right

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return self.rows * self.pitch

    def widened(self, pitch: int) -> Patch:
        """The same with rows of so many bytes."""
        return replace(self, right=self.right + pitch - self.pitch)

    @property
    def cost(self) -> Cost:
        """Instructions to fetch it once (with every row inside)."""
        left, copied, right = (3 * -(-n // FULL) + 3 for n in (self.left, self.copy, self.right))
        if self.repeat > 1:
            copied = REPEATED * -(-self.copy // chunk_of(self.repeat, self.size)) + 5
        return 17 + self.rows * Cost(packing=8 + copied, borders=left + right)


def patch_of(node: Node, kernel: tuple[int, int], window: Window, start: int, width: int) -> Patch:
    """What output columns ``[start, start + width)`` need; rows end at a multiple of 4 bytes."""
    _, _, in_w, channels = node.input(0).type.shape
    size, repeat = node.input(0).type.dtype.itemsize, repeats_of(node)
    pixel = channels * repeat * size
    first = start * window.strides[1] - window.padding[1]
    reach = (width - 1) * window.strides[1] + (kernel[1] - 1) * window.dilations[1] + 1
    low, high = min(max(first, 0), in_w), min(max(first + reach, 0), in_w)
    high = max(low, high)
    left = min(max(-first, 0), reach)
    right = (reach - left - (high - low)) * pixel
    right += -reach * pixel % 4
    copy = (high - low) * pixel
    return Patch(kernel[0], low * channels * size, left * pixel, copy, right, repeat, size)


def chunk_of(repeat: int, size: int) -> int:
    """Bytes of a vector that channels fill which are repeated as a whole."""
    return FULL // (repeat * size) * repeat * size


def declare_rows(w: StepWriter, patch: Patch, op: QConv2D, variable: str) -> str:
    """Declare an ``ek_rows`` and return a pointer to it."""
    _, height, width, channels = w.node.input(0).type.shape
    return w.declare(
        "ek_rows",
        variable,
        height=height,
        row_bytes=width * channels * patch.size,
        count=patch.rows,
        step=op.window.dilations[0],
        skip=patch.skip,
        left=patch.left,
        copy=patch.copy,
        right=patch.right,
        fill=op.x_zero,
        repeat=patch.repeat,
        size=patch.size,
    )


def rows_block(repeat: int = 1, size: int = 1) -> Block:
    """``ek_rows_s8(a, x, y, row)``; arguments as in `Patch`."""
    b = Block("rows" + (f"_{repeat}x{8 * size}" if repeat > 1 else ""))
    b.name(a="r0", x="r1", y="r2", row="r3", height="r4", bytes="r5", count="r6", step="r7")
    b.name(skip="r8", left="r9", copy="r10", right="r11", src="r12", dst="r0", fill="q1")
    b.op("push {{r4-r11, lr}}")
    b.op("ldr r4, [{a}, #32]")
    b.op("vdup.8 {fill}, r4")
    b.op("ldm {a}, {{r4-r11}}")
    if repeat > 1:
        _channel_numbers(b, repeat, size)
    outside, next_row = b.labels("outside next_row")
    with b.loop("subs {count}, {count}, #1", "bne {head}"):
        b.op("cmp {row}, {height}")
        b.op("bhs {outside}", outside=outside)
        b.op("mla {src}, {row}, {bytes}, {skip}")
        b.op("add {src}, {src}, {x}")
        _piece(b, "{left}")
        if repeat > 1:
            _repeated(b, repeat, size)
        else:
            _piece(b, "{copy}", "{src}")
        _piece(b, "{right}")
        b.place(next_row)
        b.op("add {row}, {row}, {step}")
    b.op("pop {{r4-r11, pc}}")
    b.place(outside)
    b.op("add {src}, {left}, {right}")
    b.op("add {src}, {src}, {copy}")
    _piece(b, "{src}")
    b.op("b {next_row}", next_row=next_row)
    return b


@noted
def _piece(b: Block, count: str, source: str = "") -> None:
    """Copy or fill ``count`` bytes, and move on behind them."""
    done = b.label("done")
    b.op("mov {dst}, {y}")
    b.op(f"wlstp.8 lr, {count}, {{done}}", done=done)
    with b.loop("letp lr, {head}"):
        if source:
            b.op(f"vldrb.u8 q0, [{source}], #16")
        b.op("vstrb.8 {value}, [{dst}], #16", value="q0" if source else "q1")
    b.place(done)
    b.op(f"add {{y}}, {{y}}, {count}")


@noted
def _channel_numbers(b: Block, repeat: int, size: int) -> None:
    """Which channel each element of a vector of repeated ones is: its number divided by
    ``repeat``, into q2."""
    bits = 8 * size
    b.op("mov {src}, #0")
    b.op(f"vidup.u{bits} q2, {{src}}, #1")
    b.op("movw {src}, #{inverse}", inverse=-(-(1 << bits) // repeat))
    b.op(f"vdup.{bits} q3, {{src}}")
    b.op(f"vmulh.u{bits} q2, q2, q3")


@noted
def _repeated(b: Block, repeat: int, size: int) -> None:
    """Copy ``{copy}`` bytes, each channel several times, and move on behind them."""
    chunk, done = chunk_of(repeat, size), b.label("done")
    letter, scaled = ("b", "") if size == 1 else ("h", ", uxtw #1")
    b.op("mov {dst}, {y}")
    b.op(f"lsrs lr, {{copy}}, #{size - 1}" if size > 1 else "movs lr, {copy}")
    b.op("beq {done}", done=done)
    with b.loop(f"subs lr, lr, #{chunk // size}", "bgt {head}"):
        b.op(f"vctp.{8 * size} lr")
        b.op("vpstt")
        b.op(f"vldr{letter}t.u{8 * size} q0, [{{src}}, q2{scaled}]")
        b.op(f"vstr{letter}t.{8 * size} q0, [{{dst}}], #{chunk}")
        b.op("add {src}, {src}, #{step}", step=chunk // repeat)
    b.place(done)
    b.op("add {y}, {y}, {copy}")


@dataclass(frozen=True)
class Windows:
    """How windows are copied densely.

    Attributes:
        rows: of a window.
        run: bytes of each.
        pixel_step: bytes from a pixel's window to the next one's in the rows.
        window_bytes: from one dense window to the next.
    """

    rows: int
    run: int
    pixel_step: int
    window_bytes: int

    @property
    def vectors(self) -> int:
        """Of a run."""
        return -(-self.run // FULL)

    @property
    def fits(self) -> bool:
        """True where every step of a pointer can be encoded."""
        last = self.window_bytes - self.rows * self.run + self._rest
        ahead = FULL * (self.vectors - 1)
        if self.has_pointers:
            return max(last, abs(self.pixel_step - ahead)) <= POST_INDEX
        return max(last, ahead) <= POST_INDEX

    @property
    def _rest(self) -> int:
        return self.run - FULL * (self.vectors - 1)

    @property
    def has_pointers(self) -> bool:
        """True where each row has a pointer of its own."""
        return self.rows <= len(POINTERS)

    def cost(self, pixels: int) -> Cost:
        """Instructions for neighbouring pixels."""
        each = Cost(packing=2 * self.vectors * self.rows)
        if self.has_pointers:
            return 12 + self.rows + pixels * (each + 1)
        return 12 + pixels * (each + self.rows + 3)

    def declare(self, w: StepWriter, pitch: int, pixels: int, variable: str) -> str:
        """Declare an ``ek_windows`` and return a pointer to it."""
        return w.declare(
            "ek_windows",
            variable,
            pixels=pixels,
            row_bytes=pitch,
            rows=self.rows,
            run=self.run,
            pixel_step=self.pixel_step,
            window_bytes=self.window_bytes,
        )

    def block(self) -> Block:
        """``ek_windows_s8(a, x, y)``."""
        b = Block(f"windows_{self.rows}x{self.run}_{self.pixel_step}_{self.window_bytes}")
        b.name(a="r0", x="r1", y="r2", pixels="r3", pitch="r12")
        b.op("push {{r4-r9, lr}}")
        b.op("ldrd {pixels}, {pitch}, [{a}]")
        if self.has_pointers:
            b.op("mov r4, {x}")
            for above, pointer in pairwise(POINTERS[: self.rows]):
                b.op(f"add {pointer}, {above}, {{pitch}}")
        b.op("dls lr, {pixels}")
        with b.loop("le lr, {head}"):
            if not self.has_pointers:
                b.op("mov r4, {x}")
            for row in range(self.rows):
                self._row(b, row)
            if not self.has_pointers:
                b.op("add {x}, {x}, #{step}", step=self.pixel_step)
        b.op("pop {{r4-r9, pc}}")
        return b

    def _row(self, b: Block, row: int) -> None:
        pointer = POINTERS[row] if self.has_pointers else "r4"
        for v in range(self.vectors):
            is_last = v == self.vectors - 1
            if not self.has_pointers:
                b.op(f"vldrb.u8 q0, [{pointer}, #{FULL * v}]")
            else:
                step = self.pixel_step - FULL * v if is_last else FULL
                b.op(f"vldrb.u8 q0, [{pointer}], #{step}")
            step = self._rest if is_last else FULL
            if is_last and row == self.rows - 1:
                step += self.window_bytes - self.rows * self.run
            b.op(f"vstrb.8 q0, [{{y}}], #{step}")
        if not self.has_pointers:
            b.op(f"add {pointer}, {pointer}, {{pitch}}")

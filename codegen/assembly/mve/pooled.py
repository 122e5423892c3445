"""Means and maxima over a window, a vector of channels at a time."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.mve.scaling import Form, scale

CALL, ROW = 16, 4
"""Instructions of a call beside its vectors, and of a row beside its taps."""
UNROLLED = 9
"""Taps of a window that are written out; more are looped over."""
ZERO_POINT, MEAN_LOW, LARGEST_LOW = 40, 44, 16
"""Offsets in ``ek_pooled`` and ``ek_largest``."""


@dataclass(frozen=True)
class Shape:
    """What tells one function from another.

    Attributes:
        mean: requantized means (in 16-bit lanes); otherwise maxima (in bytes).
        rows, columns: of the window.
        groups: there are whole vectors of channels.
        rest: channels remain after them.
        form: of the requantization of means; of maxima only whether they are clamped.
    """

    mean: bool
    rows: int
    columns: int
    groups: bool
    rest: bool
    form: Form

    @property
    def lanes(self) -> int:
        """Channels of a vector."""
        return 8 if self.mean else 16

    @property
    def is_unrolled(self) -> bool:
        """True where the window's taps are written out."""
        return self.rows * self.columns <= UNROLLED

    @property
    def symbol(self) -> str:
        """The function's name."""
        taps = f"{self.rows}x{self.columns}" if self.is_unrolled else "n" * (1 + (self.rows > 1))
        parts = "g" * self.groups + "r" * self.rest
        return f"{'mean' if self.mean else 'largest'}_{taps}_{parts}_{self.form.tag}"

    def cost(self, channels: int) -> Cost:
        """Instructions of one call."""
        taps, rounds = 1, 0
        if not self.is_unrolled:  # written once
            taps, rounds = self.rows * self.columns, (self.rows - 1) * ROW
        group, rest = (rounds + fixed + taps * tap for fixed, tap in self.lines)
        count, left = divmod(channels, self.lanes)
        return CALL + count * group + bool(left) * rest

    @property
    def lines(self) -> list[tuple[Cost, Cost]]:
        """Instructions of a vector of channels beside its loop over taps, and of one tap; once for
        whole vectors, once for the rest."""
        found = []
        for is_rest in (False, True):
            b = Block("")
            _group(b, self, is_rest)
            tap = Cost() if self.is_unrolled else Cost(products=2 + is_rest, control=2)
            found.append((b.cost() - tap, tap))
        return found


def pooled_block(shape: Shape) -> Block:
    """``ek_pooled_s8(a, x, y)`` or ``ek_largest_s8(a, x, y)`` for a shape."""
    b = Block(shape.symbol)
    b.name(x="r1", y="r2", last="r3", channels="r4", rows="r5", columns="r6", skip="r7")
    b.name(tap="r0", count="r12", zero_point="r11")
    b.op("push {{r0, r4-r11, lr}}")
    b.op("ldm r0!, {{r4-r7}}")
    b.op("mls {skip}, {columns}, {channels}, {skip}")
    if shape.mean:
        b.op("ldm r0, {{r8-r10}}")
        b.op("ldr {zero_point}, [r0, #{at}]", at=ZERO_POINT - 16)
    if shape.groups:
        b.op("bic {last}, {channels}, #{mask}", mask=shape.lanes - 1)
        b.op("add {last}, {last}, {y}")
        with b.loop("cmp {y}, {last}", "bne {head}"):
            _group(b, shape, False)
    if shape.rest:
        b.op("and {last}, {channels}, #{mask}", mask=shape.lanes - 1)
        b.op("vctp.{size} {last}", size=16 if shape.mean else 8)
        _group(b, shape, True)
    b.op("pop {{r0, r4-r11, pc}}")
    return b


@noted
def _group(b: Block, shape: Shape, is_rest: bool) -> None:
    """A vector of channels."""
    b.name(x="r1", y="r2", channels="r4", rows="r5", columns="r6", skip="r7", tap="r0")
    b.name(zero_point="r11", count="r12")
    b.op("mov {tap}, {x}")
    b.op("vmov.i16 q0, #0" if shape.mean else "vmov.i8 q0, #0x80")
    if shape.is_unrolled:
        for row in range(shape.rows):
            for column in range(shape.columns):
                _tap(b, shape, is_rest)
                if column < shape.columns - 1 or row < shape.rows - 1:
                    b.op("add {tap}, {tap}, {channels}")
            if row < shape.rows - 1:
                b.op("add {tap}, {tap}, {skip}")
    elif shape.rows == 1:
        _row(b, shape, is_rest)
    else:
        b.op("mov {count}, {rows}")
        with b.loop("add {tap}, {tap}, {skip}", "subs {count}, {count}, #1", "bne {head}"):
            _row(b, shape, is_rest)
    with b.part("requantize"):
        _finish(b, shape, is_rest)


def _row(b: Block, shape: Shape, is_rest: bool) -> None:
    b.op("dls lr, {columns}")
    with b.loop("le lr, {head}"):
        _tap(b, shape, is_rest)
        b.op("add {tap}, {tap}, {channels}")


def _tap(b: Block, shape: Shape, is_rest: bool) -> None:
    with b.part("products"):
        if is_rest:
            b.op("vpst")
        b.op("vldrb{t}.{lanes} q1, [{tap}]", t="t" * is_rest, lanes="s16" if shape.mean else "u8")
        b.op("vadd.i16 q0, q0, q1" if shape.mean else "vmax.s8 q0, q0, q1")


@noted
def _finish(b: Block, shape: Shape, is_rest: bool) -> None:
    """Requantize or clamp, store, and move on to the next vector."""
    result = "q1" if shape.mean else "q0"
    if shape.mean:
        b.op("vmovlb.s16 q1, q0")
        b.op("vmovlt.s16 q2, q0")
        scale(b, shape.form, ("q1", "q2"), ("r8", "r9", "r10"), "q3")
        b.op("vqmovnb.s32 q1, q1")
        b.op("vqmovnt.s32 q1, q2")
        b.op("vqadd.s16 q1, q1, {zero_point}")
    if shape.form.clamped:
        size = 16 if shape.mean else 8
        b.op("ldr r0, [sp]")
        b.op("add r0, r0, #{at}", at=MEAN_LOW if shape.mean else LARGEST_LOW)
        b.op("ldrd r0, r12, [r0]")
        b.op(f"vdup.{size} q2, r0")
        b.op(f"vdup.{size} q3, r12")
        b.op(f"vmax.s{size} {result}, {result}, q2")
        b.op(f"vmin.s{size} {result}, {result}, q3")
    elif shape.mean:
        b.op("vqmovnb.s16 q1, q1")
    if is_rest:
        b.op("vpst")
    store = f"vstrb{'t' * is_rest}.{16 if shape.mean else 8}"
    b.op(f"{store} {result}, [{{y}}], #{shape.lanes}")
    b.op("add {x}, {x}, #{lanes}", lanes=shape.lanes)

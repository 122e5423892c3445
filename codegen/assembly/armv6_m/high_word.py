"""Requantization on Armv6-M: the 64-bit product from four of 16 bits, or two products of 32.

The core has no long multiply, no saturation and eight registers that arithmetic can reach.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codegen.assembly.block import Block, Pieces, noted
from codegen.assembly.tiles import LONG, SHORT
from quantize.two_products import LOWER

BITS = 30
"""Of multipliers in the plain form: both middle products then fit into one signed word."""


@dataclass(frozen=True)
class Places:
    """Where a kernel keeps what does not fit into registers, as offsets from the stack pointer.

    Attributes:
        table: pointer to the next channel's multiplier and constant.
        zero: ``2 * zero point + 1``, in the form that rounds twice.
        high: high word of a channel's constant.
        half: half a step and the zero point, in the form that rounds twice.
        least, most: the clamp.
    """

    table: int
    zero: int
    high: int
    half: int
    least: int
    most: int


def channel(
    b: Block, forms: Pieces, places: Places, constant: str, outputs: Callable[[str], None]
) -> None:
    """The outputs of one channel, in the form that its constants have.

    Args:
        b: the function.
        forms: which of `LONG` and `SHORT` channels have, not rounded twice.
        places: see `Places`; the pointer to the table moves on by one channel.
        constant: register for the constant of `short`.
        outputs: writes them, given the form.
    """
    _next_channel(b, places)
    if SHORT not in forms:
        _keep_channel(b, places, signed=False)
        outputs(LONG)
        return
    short, long, done = b.labels("short long done")
    b.op("lsls r6, r0, #1")
    if LONG in forms:
        b.op("bcs {to}", to=short)
        b.op("b {to}", to=long)
    b.place(short)
    b.op("uxth r5, r0")
    b.op("lsrs r6, r6, #17")
    b.op(f"mov {constant}, r1")
    b.op("mov r7, r2")
    outputs(SHORT)
    if LONG in forms:
        b.op("b {to}", to=done)
        b.place(long)
        _keep_channel(b, places, signed=False)
        outputs(LONG)
        b.place(done)


@noted
def load_channel(b: Block, places: Places, signed: bool) -> None:
    """A channel's constants to registers and places.

    Args:
        b: the function.
        places: see `Places`; the pointer to the table moves on by one channel.
        signed: the form that rounds twice.
    """
    _next_channel(b, places)
    _keep_channel(b, places, signed)


def _next_channel(b: Block, places: Places) -> None:
    b.op("ldr r4, [sp, #{at}]", at=places.table)
    b.op("ldm r4!, {{r0, r1, r2}}")
    b.op("str r4, [sp, #{at}]", at=places.table)


def _keep_channel(b: Block, places: Places, signed: bool) -> None:
    b.name(shift="r5", below="r6", above="r7")
    b.op("str r2, [sp, #{at}]", at=places.high)
    b.op("mov {shift}, r1")
    b.op("uxth {below}, r0")
    b.op("lsrs {above}, r0, #16")
    if signed:
        b.op("ldr r0, [sp, #{at}]", at=places.zero)
        b.op("lsls r0, {shift}")
        b.op("asrs r0, r0, #1")
        b.op("str r0, [sp, #{at}]", at=places.half)


@noted
def requantize(b: Block, places: Places, signed: bool, clamps: bool) -> None:
    """r0: a sum to int8. Needs r5 to r7 of `load_channel`; r1 to r4 are overwritten."""
    b.name(sum="r0", part="r1", lo="r2", hi="r3", other="r4")
    b.op("uxth {part}, {sum}")
    b.op("asrs {sum}, {sum}, #16")
    b.op("mov {lo}, {below}")
    b.op("muls {lo}, {part}")
    b.op("muls {part}, {above}")
    b.op("mov {hi}, {above}")
    b.op("muls {hi}, {sum}")
    b.op("muls {sum}, {below}")
    if signed:  # all 31 bits of the multiplier: the middle products are added one by one
        b.op("lsls {other}, {part}, #16")
        b.op("lsrs {part}, {part}, #16")
        b.op("adds {lo}, {lo}, {other}")
        b.op("adcs {hi}, {part}")
    else:
        b.op("adds {sum}, {sum}, {part}")
    b.op("lsls {other}, {sum}, #16")
    b.op("asrs {sum}, {sum}, #16")
    b.op("adds {lo}, {lo}, {other}")
    b.op("adcs {hi}, {sum}")
    b.op("ldr {part}, [sp, #{at}]", at=places.high)
    b.op("adds {lo}, {lo}, {shift}")
    b.op("adcs {hi}, {part}")
    if signed:  # (hi:lo) >> 31, less one if negative; then half and zero point
        b.op("lsls {lo}, {lo}, #1")
        b.op("adcs {hi}, {hi}")
        b.op("asrs {part}, {hi}, #31")
        b.op("adds {hi}, {hi}, {part}")
        b.op("ldr {part}, [sp, #{at}]", at=places.half)
        b.op("adds {hi}, {hi}, {part}")
    b.op("asrs {hi}, {shift}")
    saturate(b)
    if clamps:
        clamp_to_places(b, places.least, places.most)


@noted
def scale_short(
    b: Block, total: str, part: str, constant: str, clamp: tuple[int, int] | None
) -> None:
    """A sum to int8 by two products (r5, r6), a constant and a shift (r7).

    Args:
        b: the function.
        total, part: low registers: the sum, and one to overwrite.
        constant: where `channel` put it.
        clamp: places of a range narrower than int8.
    """
    fits = b.label("fits")
    b.op(f"mov {part}, {total}")
    b.op(f"muls {part}, r5")
    b.op(f"muls {total}, r6")
    b.op(f"asrs {total}, {total}, #{LOWER}")
    b.op(f"adds {total}, {total}, {part}")
    b.op(f"add {total}, {constant}")
    b.op(f"asrs {total}, r7")
    b.op(f"lsrs {part}, {total}, #8")  # 128 too much
    b.op("beq {to}", to=fits)
    b.op(f"asrs {total}, {total}, #31")
    b.op(f"mvns {total}, {total}")
    b.place(fits)
    b.op(f"subs {total}, #128")
    if clamp:
        b.op(f"sxtb {total}, {total}")
        b.name(sum=total, part=part)
        clamp_to_places(b, *clamp)


@noted
def saturate(b: Block) -> None:
    """``sum``: what is in ``hi``, as far as int8 reaches."""
    fits = b.label("fits")
    b.op("sxtb {sum}, {hi}")
    b.op("cmp {sum}, {hi}")
    b.op("beq {to}", to=fits)
    b.op("asrs {hi}, {hi}, #31")
    b.op("movs {sum}, #127")
    b.op("eors {sum}, {hi}")
    b.place(fits)


@noted
def clamp_to_places(b: Block, least: int, most: int) -> None:
    """``sum`` to a range narrower than int8, by way of ``part``."""
    for bound, branch in ((least, "bge"), (most, "ble")):
        fits = b.label("fits")
        b.op("ldr {part}, [sp, #{place}]", place=bound)
        b.op("cmp {sum}, {part}")
        b.op(f"{branch} {{to}}", to=fits)
        b.op("mov {sum}, {part}")
        b.place(fits)

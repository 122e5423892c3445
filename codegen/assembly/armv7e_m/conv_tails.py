"""What becomes of the sums of a tile: they wait, or are scaled in one of several ways."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.assembly.armv7e_m import scaling
from codegen.assembly.armv7e_m.conv_layer import LAYER_SHIFT
from codegen.assembly.armv7e_m.frame import ARGUMENTS, LOCAL_BYTES, LOCALS
from codegen.assembly.armv7e_m.plan import STEP_BYTES
from codegen.assembly.armv7e_m.scaling import Constants
from codegen.assembly.block import Block, Pieces, noted

FIRST, SECOND = ("r0", "r1", "r2", "r3"), ("r4", "r5", "r6", "r7")
"""Sums of a pair of filters for the four pixels."""
TAILS = ("keep", "scale", "scale_narrow", "round_twice", "shift_each", "keep_one", "scale_one")
"""What a pass may end with, as ``ek_pairs.h`` numbers it."""
FLOAT_TAILS = (*TAILS, "round_even", "round_even_narrow")
"""The same where an FPU scales."""


def scale_otherwise(b: Block, pieces: Pieces, tails: list[str], labels: dict[str, str]) -> None:
    """The other ways to requantize that layers need."""
    narrow, twice, each, even, even_narrow = (
        n in pieces for n in (*FLOAT_TAILS[2:5], *FLOAT_TAILS[7:])
    )
    if narrow or each or even_narrow:
        _scale_narrow(b, tails[scaling.CLAMP], labels["clamp"], labels["store"])
    if twice:
        _round_twice(b, tails[scaling.TWICE], labels["store"])
    if each:
        _shift_each(b, tails[scaling.SHIFT], labels["clamp"])
    if even:
        _round_even(b, tails[scaling.EVEN], "ssat", labels["store"])
    if even_narrow:
        _round_even(b, tails[scaling.EVEN_CLAMP], "usat", labels["clamp"])


@noted
def keep(b: Block, label: str, done: str) -> None:
    """The sums wait for the next pass."""
    b.place(label)
    b.op("ldr r12, [sp, #{o}]", o=LOCALS["sums_out"])
    b.op("stm r12!, {{r0-r7}}")
    b.op("str r12, [sp, #{o}]", o=LOCALS["sums_out"])
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["end"])
    _next_pair(b, done)


@noted
def scale(b: Block, label: str, done: str, store: str) -> None:
    """Requantize by one multiplication, and store."""
    b.place(label)
    _separate(b)
    _multiply_both(b, FIRST, SECOND, "ssat")
    b.place(store)
    b.op("ldm sp, {{r8-r12}}")
    for sums in ("f", "s"):
        for p, distance in ((1, "r9"), (2, "r10"), (3, "r11")):
            b.op(f"strb {{{sums}{p}}}, [r12, {distance}]")
        b.op(f"strb {{{sums}0}}, [r12], #1")
    b.op("str r12, [sp, #{o}]", o=LOCALS["out"])
    _next_pair(b, done)


@noted
def _scale_narrow(b: Block, label: str, clamp: str, store: str) -> None:
    """The same for a narrow range: two instructions more."""
    b.place(label)
    _separate(b)
    _multiply_both(b, FIRST, SECOND, "usat")
    b.place(clamp)
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldrd r8, r9, [r8, #{o}]", o=ARGUMENTS["add"])
    scaling.clamp(b, (*FIRST, *SECOND), "r8", "r9")
    b.op("b {store}", store=store)


@noted
def _round_twice(b: Block, label: str, store: str) -> None:
    """Requantize as the rule says."""
    b.place(label)
    _separate(b)
    b.op("ldr r11, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldr r11, [r11, #{o}]", o=ARGUMENTS["zero"])
    for sums in (FIRST, SECOND):
        b.op("ldrd r8, r10, [{w}], #8")
        scaling.round_twice(b, sums, Constants("r8", "r10", "r9"), sums is SECOND, "r11")
    b.op("b {store}", store=store)


@noted
def _shift_each(b: Block, label: str, clamp: str) -> None:
    """Requantize with a shift for each filter, for scales too far apart."""
    b.place(label)
    _separate(b)
    for sums in (FIRST, SECOND):
        b.op("ldrd r8, r9, [{w}], #8")
        scaling.shift_each(b, sums, Constants("r8", "r9", "r10"), sums is SECOND)
    b.op("b {clamp}", clamp=clamp)


@noted
def _round_even(b: Block, label: str, saturate: str, then: str) -> None:
    """Requantize by float products, rounded to even."""
    b.place(label)
    _separate(b)
    b.op("ldm {w}!, {{r8-r11}}")
    scaling.round_even(b, FIRST, Constants("r8", "r9"), saturate)
    scaling.round_even(b, SECOND, Constants("r10", "r11"), saturate)
    b.op("b {then}", then=then)


@noted
def one_pixel(b: Block, heads: list[str], tails: list[str], done: str) -> None:
    """A last tile of one pixel: pairs of sums in ``r0`` and ``r4``, steps in a loop."""
    ready, x, first = b.label("ready"), "r5", "r6"
    b.place(heads[0])
    b.op("ldrd r0, r4, [{w}], #8")
    b.op("b {ready}", ready=ready)
    b.place(heads[1])
    b.op("ldr r12, [sp, #{o}]", o=LOCALS["sums_in"])
    b.op("ldrd r0, r4, [r12], #8")
    b.op("str r12, [sp, #{o}]", o=LOCALS["sums_in"])
    b.place(ready)
    b.op(f"ldr {x}, [sp, #{LOCALS['top']}]")
    b.op(f"add {first}, sp, #{LOCAL_BYTES}")
    with b.loop(f"cmp {x}, {first}", "bne {head}"):
        b.op(f"ldr {{x0}}, [{x}, #-{STEP_BYTES}]!")
        b.op(f"ldr {{x1}}, [{x}, #{STEP_BYTES // 2}]")
        b.op("ldrd {w0}, {w1}, [{w}], #8")
        for inputs, weights in (("x0", "w0"), ("x1", "w1")):
            b.op(f"sxtb16 {{narrow}}, {{{weights}}}")
            b.op(f"smlad r0, {{{inputs}}}, {{narrow}}, r0")
            b.op(f"smlad r4, {{{inputs}}}, {{{weights}}}, r4")
    b.op("ldr pc, [sp, #{o}]", o=LOCALS["tail"])
    b.place(tails[0])
    b.op("ldr r12, [sp, #{o}]", o=LOCALS["sums_out"])
    b.op("strd r0, r4, [r12], #8")
    b.op("str r12, [sp, #{o}]", o=LOCALS["sums_out"])
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["end"])
    _next_pair(b, done)
    b.place(tails[1])
    b.op("sub r4, r0")
    _multiply_both(b, ("r0",), ("r4",), "ssat")
    b.op("ldr r12, [sp, #{o}]", o=LOCALS["out"])
    b.op("strb r0, [r12], #1")
    b.op("strb r4, [r12], #1")
    b.op("str r12, [sp, #{o}]", o=LOCALS["out"])
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["end"])
    _next_pair(b, done)


def _multiply_both(b: Block, first: Sequence[str], second: Sequence[str], saturate: str) -> None:
    """Sums of both filters times their scales, at one shift."""
    b.op("ldm {w}!, {{r8-r11}}")
    scaling.scale(b, first, Constants("r8", "r9"), LAYER_SHIFT, saturate)
    scaling.scale(b, second, Constants("r10", "r11"), LAYER_SHIFT + 8, saturate)


@noted
def _separate(b: Block) -> None:
    """256 times the second filter's sums."""
    for p in range(4):
        b.op(f"sub {{s{p}}}, {{f{p}}}")


@noted
def _next_pair(b: Block, done: str) -> None:
    """``r8``: end of the weights."""
    b.op("cmp {w}, r8")
    b.op("beq {done}", done=done)
    b.op("ldr pc, [sp, #{o}]", o=LOCALS["head"])

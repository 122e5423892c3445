"""How the sums of a layer become outputs: the cheapest proven form, its constants, its code.

Sums come in pairs, the second 256 times that of its filter (`pairs`). Every form has three words
for a filter: what its sum starts with, and two that scale it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.pairs import UPPER_LIMIT
from codegen.assembly.armv7e_m.requant import (
    UPPER,
    affine_form,
    exact_form,
    shifted_form,
)
from codegen.assembly.block import Block
from edgekit.ir.ops import Requant, Rounding
from quantize.memo import by_content
from quantize.requantize import INT32_MAX, channel_scales, requantize
from quantize.thresholds import Steps, find_steps

Int = NDArray[np.int64]
KEEP, SCALE, CLAMP, TWICE, SHIFT = range(5)
"""What becomes of sums, as ``ek_pairs.h`` numbers it: they wait; one product and a shift; the same
for a narrow range; rounded twice; one product and the filter's own shift, for any range."""
EVEN, EVEN_CLAMP = 7, 8
"""The float product of the rule EVEN itself, by an FPU; the same for a narrow range."""
FLOAT_TAILS = (EVEN, EVEN_CLAMP)
SHIFT_BITS = 5
"""Low bits of the second constant of `SHIFT` that hold the filter's own shift."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """Constants of filters in the order of their pairs: first, second, first, ...

    Attributes:
        start: what each sum starts with, shape (filters,).
        constants: two words that scale it, shape (filters, 2).
        tail: `SCALE`, `CLAMP`, `TWICE`, `SHIFT`, `EVEN` or `EVEN_CLAMP`.
        shift: of `SCALE` and `CLAMP`, the same for all filters.
    """

    start: Int
    constants: Int
    tail: int
    shift: int

    @property
    def first_words(self) -> NDArray[np.int32]:
        """What the registers of a pair start with, shape (pairs, 2): the second holds both sums."""
        start = self.start.reshape(-1, 2)
        return _words(np.stack([start[:, 0], start[:, 0] + start[:, 1]], axis=1))

    @property
    def last_words(self) -> NDArray[np.int32]:
        """Two constants for each filter of a pair, shape (pairs, 4)."""
        return _words(self.constants.reshape(-1, 4))


def _words(values: Int) -> NDArray[np.int32]:
    """Integers modulo 2**32."""
    return (values & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def find_scaling(
    requant: Requant, bias: Int, rows: Int, order: Int, shifts: Sequence[int], fpu: bool = False
) -> Scaling | str:
    """The cheapest form that is proven for every filter, or why there is none.

    Args:
        requant: the definition.
        bias: of each filter, the input's zero point folded in.
        rows: weights, filters x inputs.
        order: filters in the order of their pairs.
        shifts: for all filters, the best first.
        fpu: whether floats may be multiplied.
    """
    found, lacking = _best(requant, bias, rows, order, shifts, fpu)
    return "no cheap form of its requantization" if lacking.any() else found


def without_scaling(
    requant: Requant, bias: Int, rows: Int, order: Int, shifts: Sequence[int], fpu: bool = False
) -> NDArray[np.bool_]:
    """Filters without a form, of the form that serves most; arguments as for `find_scaling`."""
    lacking = np.zeros(len(bias), bool)
    lacking[order[_best(requant, bias, rows, order, shifts, fpu)[1]]] = True
    return lacking


@by_content(64)
def _best(
    requant: Requant, bias: Int, rows: Int, order: Int, shifts: Sequence[int], fpu: bool
) -> tuple[Scaling, NDArray[np.bool_]]:
    """The first form that serves all places of ``order``, or else the most, and those it does
    not serve."""
    low = np.minimum(-128 * rows, 127 * rows).sum(axis=1)
    high = np.maximum(-128 * rows, 127 * rows).sum(axis=1)
    bias = tame(requant, bias, low, high)
    steps = find_steps(requant, low + bias, high + bias).of(order)
    tried = []
    for found, lacking in _forms(steps, requant, order, bias[order], shifts, fpu):
        ends = _units(order) * np.stack([low[order], high[order]]) + found.start
        tried.append((found, lacking | (np.abs(ends) >= 1 << 31).any(axis=0)))
        if not tried[-1][1].any():
            break
    return min(tried, key=lambda each: int(each[1].sum()))


def tame(requant: Requant, bias: Int, low: Int, high: Int, limit: int = UPPER_LIMIT) -> Int:
    """Biases of filters that always saturate, moved until their sums fit into a register.

    Args:
        requant: the definition.
        bias: of each filter.
        low, high: bounds of its sum without bias.
        limit: of the sum with bias.
    """
    room = np.maximum(limit - 1 - np.maximum(high, -low), 0)
    moved = np.clip(bias, -room, room)
    ends = np.stack([bias + low, bias + high, moved + low, moved + high])
    outputs = requantize(np.clip(ends, -INT32_MAX, INT32_MAX), requant)
    return np.where((outputs == outputs[0]).all(axis=0), moved, bias)


def _units(order: Int) -> Int:
    return np.resize(np.array([1, UPPER], np.int64), len(order))


def _forms(
    steps: Steps, requant: Requant, order: Int, bias: Int, shifts: Sequence[int], fpu: bool
) -> Iterator[tuple[Scaling, NDArray[np.bool_]]]:
    """Every form, the cheapest first, and the places for which it is not right."""
    narrow = (requant.low, requant.high) != (-128, 127)
    scales, unit = channel_scales(requant, int(order.max()) + 1)[order], _units(order)
    for shift in shifts:
        affine, lacking = affine_form(
            steps, scales, bias, unit, requant.low if narrow else 0, shift
        )
        constants = np.stack([affine.multiplier, affine.addend], axis=1)
        yield Scaling(affine.start, constants, CLAMP if narrow else SCALE, shift), lacking
    exact = exact_form(steps, requant, order)
    if exact is not None:
        constants = np.stack([exact[0].multiplier, exact[0].shift], axis=1)
        yield Scaling(unit * bias, constants, TWICE, 0), exact[1]
    if fpu and requant.rule is Rounding.EVEN:
        yield _even(requant, scales, unit, bias, narrow), np.zeros(len(order), bool)
        return
    affine, lacking = shifted_form(steps, scales, bias, requant.low)
    lacking = lacking | (np.abs(affine.addend) >= 1 << (31 - SHIFT_BITS))
    packed = affine.addend << SHIFT_BITS | affine.shift
    constants = np.stack([affine.multiplier, packed], axis=1)
    yield Scaling(unit * affine.start, constants, SHIFT, 0), lacking


def _even(
    requant: Requant, scales: NDArray[np.float64], unit: Int, bias: Int, narrow: bool
) -> Scaling:
    """The rule EVEN as it stands: a power of two more or less changes no rounding."""
    words = (scales / unit).astype(np.float32).view(np.int32).astype(np.int64)
    zero = np.full_like(words, requant.zero_point - (requant.low if narrow else 0))
    constants = np.stack([words, zero], axis=1)
    return Scaling(unit * bias, constants, EVEN_CLAMP if narrow else EVEN, 0)


@dataclass(frozen=True)
class Constants:
    """Registers of a filter's two constants, and of what is made of the second."""

    multiplier: str
    second: str
    third: str = ""


def scale(b: Block, sums: Sequence[str], c: Constants, right: int, saturate: str) -> None:
    """`SCALE` and `CLAMP`: two instructions for a sum."""
    shifted = f", asr #{right}" if right else ""
    for s in sums:
        b.op(f"smmlar {s}, {s}, {c.multiplier}, {c.second}")
        b.op(f"{saturate} {s}, #8, {s}{shifted}")


def clamp(b: Block, sums: Sequence[str], add: str, subtract: str) -> None:
    """From the lowest output as 0 to a narrow range: saturate at the highest, then move back."""
    for s in sums:
        b.op(f"uqadd8 {s}, {s}, {add}")
        b.op(f"sub {s}, {subtract}")


def round_twice(b: Block, sums: Sequence[str], c: Constants, upper: bool, zero: str) -> None:
    """`TWICE`, as the rule says: a rounded high product, a sign, a rounded shift.

    ``zero`` holds twice the zero point plus one, ``c.third`` its place for this filter.
    """
    b.op(f"sub {c.third}, {c.second}, #1")
    b.op(f"lsl {c.third}, {zero}, {c.third}")
    for s in sums:
        b.op(f"asr {s}, #7" if upper else f"lsl {s}, #1")
        b.op(f"smmlar r12, {s}, {c.multiplier}, {c.third}")
        b.op(f"add {s}, r12, {s}, asr #31")
        b.op(f"asr {s}, {c.second}")
        b.op(f"ssat {s}, #8, {s}")


def shift_each(b: Block, sums: Sequence[str], c: Constants, upper: bool) -> None:
    """`SHIFT`, without the clamp."""
    b.op(f"and {c.third}, {c.second}, #{(1 << SHIFT_BITS) - 1}")
    b.op(f"asr {c.second}, #{SHIFT_BITS}")
    for s in sums:
        if upper:
            b.op(f"asr {s}, #8")
        b.op(f"smmlar {s}, {s}, {c.multiplier}, {c.second}")
        b.op(f"asr {s}, {c.third}")
        b.op(f"usat {s}, #8, {s}")


def round_even(b: Block, sums: Sequence[str], c: Constants, saturate: str) -> None:
    """`EVEN` and, without the clamp, `EVEN_CLAMP`: six instructions for each of four sums, in
    registers that a caller saves. Products beyond an int32 saturate, as their outputs do."""
    floats = [f"s{i}" for i in range(len(sums))]
    groups = [slice(i, i + 2) for i in range(0, len(sums), 2)]
    b.op(f"vmov s4, {c.multiplier}")
    for some in groups:
        b.op(f"vmov {', '.join((*floats[some], *sums[some]))}")
    for each in floats:
        b.op(f"vcvt.f32.s32 {each}, {each}")
        b.op(f"vmul.f32 {each}, {each}, s4")
        b.op(f"vcvtr.s32.f32 {each}, {each}")
    for some in groups:
        b.op(f"vmov {', '.join((*sums[some], *floats[some]))}")
    for s in sums:
        b.op(f"qadd {s}, {s}, {c.second}")
        b.op(f"{saturate} {s}, #8, {s}")

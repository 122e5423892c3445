"""Requantization on MVE: one high multiply and one rounding shift, for each rounding rule.

``VQDMULH`` gives ``floor(acc * m / 2**31)`` and ``VRSHL`` by ``s < 0`` rounds that half up, so both
together are the rules SINGLE and HIGH exactly (a floor inside a floor changes nothing). DOUBLE
rounds the product too (``VQRDMULH``) and ties away from zero, which costs two instructions more
where a negative sum can be seen: with a clamp at the zero point (a fused ReLU) it cannot. For the
rules in floating point a significand is searched with which the first form passes every step of the
output (`quantize.thresholds`); where there is none, biases that are added after a shift to the left
have fractions of a unit, which serves nearly every channel. EVEN is a product of floats, which
vectors of floats compute as it is defined: where a channel has none of these forms, all take that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.block import Block
from codegen.assembly.isa import MVE, MVE_FLOAT, Isa
from edgekit.ir.ops import Requant, Rounding
from quantize.memo import by_content
from quantize.requantize import INT32_MAX, bits_float, channel_scales, quantize_multiplier
from quantize.thresholds import affine_offsets, find_steps, widest_multiplier

Int = NDArray[np.int64]
MAX_SHIFT = 31
NUDGES = (0, 1, -1, 2, -2, 3, -3)
"""Significands tried beside the one that is nearest to the real scale."""
MOST_BITS = 52
"""Fractional bits of a product that `affine_offsets` takes."""
SATURATING = 21
"""A sum that saturates before a shift by at most this many bits still gives over 2**8."""
_FLOAT = 2
"""``product`` of an ``ek_scaling`` whose significands are floats."""


@dataclass(frozen=True)
class Form:
    """The instructions of a requantization.

    Attributes:
        rounded: the high multiply rounds (VQRDMULH), otherwise it truncates (VQDMULH).
        away: negative products are lowered by one before the shift: ties away from zero.
        left: sums are shifted left by so many bits first, saturating.
        clamped: outputs are clamped further than to int8.
        late: the bias is added after the shift to the left, so that it has fractions of a unit.
        floating: none of these: sums times a float, to the nearest integer, ties to even. The
            significand is the bits of the float, the shift its exponent for the portable equal.
    """

    rounded: bool = False
    away: bool = False
    left: int = 0
    clamped: bool = False
    late: bool = False
    floating: bool = False

    @property
    def isa(self) -> Isa:
        """What a function with this form takes."""
        return MVE_FLOAT if self.floating else MVE

    @property
    def tag(self) -> str:
        """Part of a symbol."""
        if self.floating:
            return "fc" if self.clamped else "f"
        parts = ("r" if self.rounded else "t") + ("a" if self.away else "")
        parts += f"l{self.left}" if self.left else ""
        return parts + ("c" if self.clamped else "") + ("b" if self.late else "")

    def fields(self, zero_point: int, low: int, high: int) -> str:
        """Initialiser of an ``ek_scaling``."""
        left = -self.left if self.late else self.left
        product = _FLOAT if self.floating else int(self.rounded)
        values = (product, int(self.away), left, zero_point, low, high)
        return "{" + ", ".join(map(str, values)) + "}"


@dataclass(frozen=True, eq=False)
class Scaling:
    """A form, and its significands and (negative) shifts for each channel; what is added to biases
    that come late."""

    form: Form
    multiplier: NDArray[np.int32]
    shift: NDArray[np.int32]
    more: Int | None = None

    def table(self, bias: NDArray[np.int32]) -> NDArray[np.int32]:
        """(channels, 3): bias, significand, shift."""
        if self.more is not None:
            bias = ((bias.astype(np.int64) << self.form.left) + self.more).astype(np.int32)
        return np.stack([bias, self.multiplier, self.shift], axis=1)


Proven = tuple[Scaling, NDArray[np.bool_]]


def scaling_of(requant: Requant, bound: Int, late: bool = False) -> Scaling | None:
    """The form that equals a requantization; None where there is none.

    Args:
        requant: the specification.
        bound: largest accumulator magnitude, one per channel.
        late: biases may come late.
    """
    found, lacking = _best(requant, bound, late)
    if lacking.any() and requant.rule is Rounding.EVEN:
        return _floating(requant, len(bound))
    return None if lacking.any() else found


def without_scaling(requant: Requant, bound: Int) -> NDArray[np.bool_]:
    """Channels because of which `scaling_of`, with biases that may come late, finds no form."""
    lacking = _best(requant, bound, True)[1]
    return lacking & (requant.rule is not Rounding.EVEN)


@by_content(64)
def _best(requant: Requant, bound: Int, late: bool) -> Proven:
    """The form, and the channels for which it is not right."""
    m = np.broadcast_to(np.array(requant.multiplier, object), len(bound))
    s = np.broadcast_to(np.array(requant.shift, np.int64), len(bound))
    clamped = (requant.low, requant.high) != (-128, 127)
    rule = requant.rule
    if rule is Rounding.HIGH:
        return _scaling(Form(clamped=clamped), m, np.full(len(bound), -1), bound)
    s = np.where(m == 0, min(-1, int(s.min())), s)  # nothing to shift
    if rule is Rounding.SINGLE:
        left = max(0, int(s.max()) + 1)
        return _scaling(Form(left=left, clamped=clamped), m, s - left, bound)
    if rule is not Rounding.DOUBLE:
        found, lacking = _searched(requant, bound)
        if not late or not lacking.any():
            return found, lacking
        forms = [(found, lacking), *(_late(requant, bound, v) for v in _lefts(requant, bound))]
        return min(forms, key=lambda each: int(each[1].sum()))
    return min(_twice_rounded(requant, m, s, bound), key=lambda each: int(each[1].sum()))


def _floating(requant: Requant, channels: int) -> Scaling:
    """EVEN as it is defined, which needs no proof."""
    form = Form(clamped=(requant.low, requant.high) != (-128, 127), floating=True)
    bits = channel_scales(requant, channels).astype(np.float32).view(np.int32)
    shift = np.broadcast_to(np.array(requant.shift, np.int32), channels)
    return Scaling(form, bits, shift)


def _twice_rounded(
    requant: Requant, m: NDArray[np.object_], s: Int, bound: Int
) -> Iterator[Proven]:
    """Forms of DOUBLE: rounded twice, or once where nothing is shifted to the right; scales on both
    sides of one half may also have significands for one rounding."""
    clamped, away = (requant.low, requant.high) != (-128, 127), requant.low < requant.zero_point
    if s.min() < 0:
        form = Form(True, away, 0, clamped)
        found, lacking = _scaling(form, m, np.minimum(s, -1), bound)
        yield found, lacking | (s >= 0)
    if s.max() >= 0:
        left = int(s.max()) + 1
        found, lacking = _scaling(Form(left=left, clamped=clamped), m, s - left, bound)
        yield found, lacking | ((s < 0) & (m != 0))
        if s.min() < 0:
            yield _searched(requant, bound)


def _lefts(requant: Requant, bound: Int) -> list[int]:
    """Shifts to the left to try before biases that come late: as much as all channels, most, or
    half of them have room for."""
    _, s = _significands(requant, len(bound))
    room = np.minimum(29 - np.floor(np.log2(bound + 1)), MOST_BITS - 31 + s)
    shares = (0.0, 0.25, 0.5)
    found = np.quantile(room, shares, method="lower").astype(np.int64)
    return [int(v) for v in np.unique(found) if v > 0]


def _late(requant: Requant, bound: Int, left: int) -> Proven:
    """Sums shifted to the left before their bias, so that nearly any offset can be written down;
    significands that leave it most room."""
    m, s = _significands(requant, len(bound))
    steps = find_steps(requant, -bound, bound)
    able = ~steps.constant & (bound << left < 2**30) & (s < left) & (31 + left - s <= MOST_BITS)
    s = np.where(able, s, -1)
    form = Form(left=left, clamped=(requant.low, requant.high) != (-128, 127), late=True)
    total = 31 + left - s
    shifted = replace(steps, points=np.where(able, steps.points, 0) << left)
    best = widest_multiplier(shifted, m, total)
    lowest, highest = affine_offsets(shifted, best, total)
    moved = (np.int64(1) << (total - 1)) + (np.int64(requant.zero_point) << total)
    more = -((moved - lowest) // best)
    able &= (more * best + moved <= highest) & (more * best + moved >= lowest)
    able &= np.abs(more) + (bound << left) < 2**31
    scaling, beyond = _scaling(form, np.where(able, best, 0), s - left, np.where(able, bound, 0))
    # A filter that is constant and has a bias keeps another form or is left out.
    return replace(scaling, more=np.where(able, more, 0)), beyond | (~able & (bound > 0))


def _significands(requant: Requant, channels: int) -> tuple[Int, Int]:
    """Significands and exponents of the real scales."""
    pairs = list(zip(requant.multiplier, requant.shift, strict=True))
    if requant.rule is Rounding.FLOAT:
        pairs = [quantize_multiplier(bits_float(m)) for m in requant.multiplier]
    m, s = (np.broadcast_to(v, channels) for v in np.array(pairs, np.int64).T)
    return m, s


def _searched(requant: Requant, bound: Int) -> Proven:
    """Significands near the real scales that agree with the rule wherever the output can step."""
    m, s = _significands(requant, len(bound))
    left = max(0, int(s.max()) + 1)
    steps = find_steps(requant, -bound, bound)
    best, proven = m.copy(), np.zeros(len(m), bool)
    for nudge in NUDGES:
        tried = np.minimum(m + nudge, INT32_MAX)
        product = ((steps.points << left) * tried) >> 31
        rounded = ((product >> (left - s - 1)) + 1) >> 1
        found = np.clip(rounded + requant.zero_point, requant.low, requant.high)
        is_equal = steps.agree(found) & ~proven
        best, proven = np.where(is_equal, tried, best), proven | is_equal
    clamped = (requant.low, requant.high) != (-128, 127)
    scaling, lacking = _scaling(Form(left=left, clamped=clamped), best, s - left, bound)
    return scaling, lacking | ~proven


def _scaling(form: Form, multiplier: NDArray[np.object_] | Int, shift: Int, bound: Int) -> Proven:
    early = np.where(shift >= -SATURATING, 0, bound)  # what must not saturate
    lacking = (shift < -MAX_SHIFT) | (early << form.left >= 2**31)
    multiplier = np.where(lacking, 0, multiplier)
    return Scaling(form, multiplier.astype(np.int32), shift.astype(np.int32)), lacking


def scale(b: Block, form: Form, vectors: tuple[str, ...], scalars: tuple[str, ...], q: str) -> None:
    """Scale vectors of sums in place.

    Args:
        b: the function.
        form: the instructions.
        vectors: of int32 sums; each takes three of ``scalars``, or all the same three.
        scalars: registers with bias, significand and shift.
        q: a free vector.
    """
    each = [scalars[3 * i : 3 * i + 3] or scalars[:3] for i in range(len(vectors))]
    pairs = list(zip(vectors, each, strict=True))
    if form.floating:
        for v, (bias, _, _) in pairs:
            b.op(f"vadd.i32 {v}, {v}, {bias}")
        for v, _ in pairs:
            b.op(f"vcvt.f32.s32 {v}, {v}")
        for v, (_, significand, _) in pairs:
            b.op(f"vmul.f32 {v}, {v}, {significand}")
        for v, _ in pairs:
            b.op(f"vcvtn.s32.f32 {v}, {v}")
        return
    multiply = "vqrdmulh" if form.rounded else "vqdmulh"
    for step in ("shift", "add") if form.late else ("add", "shift"):
        for v, (bias, _, _) in pairs:
            if step == "add":
                b.op(f"vadd.i32 {v}, {v}, {bias}")
            elif form.left:
                b.op(f"vqshl.s32 {v}, {v}, #{form.left}")
    for v, (_, significand, _) in pairs:
        b.op(f"{multiply}.s32 {v}, {v}, {significand}")
    for v, _ in pairs:
        if form.away:
            b.op(f"vshr.s32 {q}, {v}, #31")
            b.op(f"vadd.i32 {v}, {v}, {q}")
    for v, (_, _, shift) in pairs:
        b.op(f"vrshl.s32 {v}, {shift}")

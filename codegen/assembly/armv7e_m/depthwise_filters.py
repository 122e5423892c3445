"""Weights and requantization of depthwise layers on Armv7E-M: proven constants, packed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.requant import exact_form
from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.others import Mask, with_others
from codegen.assembly.prepared import prepared
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.accumulators import fold_zero_point
from codegen.c.operators.integer import is_depthwise
from codegen.c.operators.overlap import Declared
from codegen.c.step import StepWriter, Variant
from edgekit.errors import ModelError
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D
from quantize.memo import by_content
from quantize.requantize import INT32_MAX, channel_scales
from quantize.thresholds import Steps, affine_offsets, find_steps

Int = NDArray[np.int64]
SHIFTS = (8, 12, 16, 4)
"""Shifts after the high multiplication, best first: one for all layers of a model means one
function. The first suits scales below 1/2; larger ones give small scales more digits."""
WEIGHT_SCALE = 256
"""Weights are expanded to so many times their value."""


FEW = 24
"""Points that nearly every wrong multiplier fails at."""
MOST_LACKING = 4
"""With more than one channel of so many without a form the search ends."""


@dataclass(frozen=True, eq=False)
class Filters:
    """Weights and constants, one row for each channel.

    Attributes:
        weights: int8, (channels, rows, columns); zero where the output is constant.
        bias: input zero point folded in.
        start: first value of the accumulator, which sums ``256 * weight * input``.
        multiplier: of the high multiplication.
        lacking: channels without a proven form.
        shift: of its result, for all channels; 0 where outputs are rounded twice.
        half: added to the result of outputs that are rounded twice: half of a unit and the zero
            point, whose trailing zeros are one less than the channel's own shift.
    """

    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    start: Int
    multiplier: Int
    lacking: NDArray[np.bool_]
    shift: int = 0
    half: Int | None = None


@cached
def filters_of(node: Node) -> Filters | str:
    """Proven constants of a layer, or why there are none."""
    op = node.op
    assert isinstance(op, QConv2D)
    found = _sums(node)
    if isinstance(found, str):
        return found
    kept, bias, ends, steps = found
    # Without the bias sums stay below 2**21, so that products with 2**39 stay inside int64.
    # The block clamps to int8 alone: where a narrower clamp can be met, no form is right.
    points = np.where(steps.constant, 0, steps.points - bias)
    steps = replace(steps, points=points, low=-128, high=127)
    room = INT32_MAX - WEIGHT_SCALE * np.abs(ends).max(axis=0)
    scales = channel_scales(op.requant, len(bias))
    made: list[Filters] = []
    for shift in SHIFTS:
        start, multiplier = _constants(steps, scales, shift, room)
        made.append(Filters(kept, bias, start, multiplier, multiplier == 0, shift))
        if not made[-1].lacking.any():
            break
    return min(made, key=lambda f: int(f.lacking.sum()))


@cached
def twice_rounded(node: Node) -> Filters | str:
    """Constants with which the rule DOUBLE is followed step by step (see `requant.exact_form`)."""
    op = node.op
    assert isinstance(op, QConv2D)
    found = _sums(node)
    if isinstance(found, str):
        return found
    kept, bias, ends, steps = found
    exact = exact_form(steps, op.requant, np.arange(len(bias)))
    if exact is None:
        return OtherKind("not rounded twice over the whole range of int8")
    form, lacking = exact
    zero = 2 * op.requant.zero_point + 1
    half = np.where(steps.constant, 2 * steps.wanted[0] + 1, zero << (form.shift - 1))
    start = np.where(steps.constant, 0, WEIGHT_SCALE * bias.astype(np.int64))
    beyond = WEIGHT_SCALE * np.abs(ends + bias).max(axis=0) > INT32_MAX
    multiplier = np.where(steps.constant, 0, form.multiplier)
    return Filters(kept, bias, start, multiplier, ~steps.constant & (lacking | beyond), half=half)


def _sums(node: Node) -> tuple[NDArray[np.int8], NDArray[np.int32], Int, Steps] | str:
    """Weights without those of constant channels, biases, smallest and largest sums of products,
    and steps of the accumulators; or why they cannot be."""
    op, array = node.op, node.input(1).array
    assert isinstance(op, QConv2D)
    weights = array.reshape(len(array), -1).astype(np.int64)
    try:
        bias = fold_zero_point(node, weights, op.x_zero, op.requant)
    except ModelError:
        return "an accumulator can overflow"
    ends = np.sort(np.stack([weights * -128, weights * 127]), axis=0).sum(axis=2)
    steps = find_steps(op.requant, bias + ends[0], bias + ends[1])
    kept = np.where(steps.constant[:, None], 0, weights).astype(np.int8).reshape(array.shape[:3])
    return kept, bias, ends, steps


def proven(found: Filters | str) -> Filters | str:
    """The constants of a layer, or why they cannot be used."""
    if isinstance(found, Filters) and found.lacking.any():
        return "a channel has no proven requantization"
    return found


def by_filters(
    name: str,
    filters: Callable[[Node], Filters | str],
    refuse_shape: Callable[[Node], str],
    emit: Callable[[StepWriter, Filters], None],
    cost: Callable[[Node], Cost],
    *,
    scratch: Callable[[Node], int],
    overlap: Callable[[Node], Declared],
    stack: Callable[[Node], int] = lambda node: 0,
) -> Variant:
    """A kernel that leaves channels without proven constants to portable C.

    Args:
        name, emit, cost, scratch, overlap, stack: as of `prepared`.
        filters: finds the constants.
        refuse_shape: why a layer cannot be computed whatever they are.
    """

    def lacking(node: Node) -> Mask | None:
        found = refuse_shape(node) or filters(node)
        return found.lacking if isinstance(found, Filters) else None

    variant = prepared(
        name,
        lambda node: refuse_shape(node) or proven(filters(node)),
        emit,
        lambda node, _: cost(node),
        scratch=lambda node, _: scratch(node),
        overlap=lambda node, _: overlap(node),
        stack=lambda node, _: stack(node),
    )
    return with_others(variant, lacking, ARMV7E_M)


@by_content(64)
def _constants(steps: Steps, scales: NDArray[np.float64], shift: int, room: Int) -> tuple[Int, Int]:
    """Starts and multipliers of all channels: of the real scale's neighbours the closest; 0 where
    none is right."""
    near = np.minimum(np.ldexp(scales, 24 + shift), 2.0**32)
    near = np.where(steps.constant, 2.0**30, np.floor(near + 0.5))
    found = np.zeros((2, len(near)), np.int64)
    for channel, centre in enumerate(near.astype(np.int64)):
        points, rows = np.unique(steps.points[:, channel], return_index=True)
        wanted = steps.wanted[rows, channel]
        few = np.linspace(0, len(rows) - 1, FEW).astype(np.int64)
        some, column = (
            replace(steps, points=points[r, None], wanted=wanted[r, None])
            for r in (few, slice(None))
        )
        for m in _multipliers(int(centre)):
            # Most are out after a few points: more of them only narrow the interval of a start.
            m = m[_starts(some, m, shift, int(room[channel]))[0]]
            fits, start = _starts(column, m, shift, int(room[channel]))
            if fits.any():
                first = int(fits.argmax())
                found[:, channel] = start[first], m[first]
                break
        failed = np.count_nonzero(found[1, : channel + 1] == 0)
        if failed * MOST_LACKING > len(near):
            break  # too many already: the layer does without this shift
    return found[0], found[1]


def _starts(column: Steps, m: Int, shift: int, room: int) -> tuple[NDArray[np.bool_], Int]:
    """Which multipliers have a start below ``room``, and for each the one that is nearest to 0."""
    low, high = affine_offsets(column, WEIGHT_SCALE * m, 32 + shift)
    first, last = -(-(low - 2**31) // m), (high - 2**31) // m
    start = np.clip(0, first, last)
    return np.asarray((first <= last) & (np.abs(start) <= room)), np.asarray(start)


def _multipliers(centre: int) -> Iterator[Int]:
    """Multipliers to try, a few first: each gives starts of its own. A channel that shows few
    outputs may have any slope; one whose start would leave int32 needs another."""
    for reach in (8, 128, 2048):
        nudges = np.arange(-reach, reach + 1)
        m = centre + nudges[np.argsort(np.abs(nudges), kind="stable")]
        yield m[(m > 0) & (m <= INT32_MAX)]
    m = np.unique(np.geomspace(max(centre // 2, 1), 2 * centre + 1, 512).astype(np.int64))
    yield m[m <= INT32_MAX]


def pack(filters: Filters, channels: int) -> NDArray[np.int32]:
    """Five words for each channel: start, multiplier, and bytes ``w0 w1 w1 w2`` of each column, so
    that one AND gives two vertical neighbours. The last four channels are whole."""
    columns = filters.weights[:, [0, 1, 1, 2]].transpose(0, 2, 1)
    words = np.ascontiguousarray(columns).view("<i4").reshape(channels, 3)
    constants = np.stack([filters.start, filters.multiplier], axis=1).astype(np.int32)
    rows = np.concatenate([constants, words], axis=1)
    return np.asarray(rows[whole_quads(channels)])


def whole_quads(channels: int) -> list[int]:
    """Channels four by four, the last four whole."""
    return [c for q in range(0, channels, 4) for c in range(min(q, channels - 4), channels)[:4]]


def is_int8(node: Node) -> bool:
    """True for depthwise convolutions of int8 values by weights without a zero point."""
    op = node.op
    assert isinstance(op, QConv2D)
    types = {node.input(0).type.dtype, node.output.type.dtype}
    return types == {DType.INT8} and not op.w_zero and is_depthwise(node)

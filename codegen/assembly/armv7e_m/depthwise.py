"""Depthwise 3x3 convolutions with stride 1 on Armv7E-M: what they need, cost and are given."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.depthwise_block import depthwise3x3
from codegen.assembly.armv7e_m.depthwise_frame import PAIR_BYTES, SLOTS
from codegen.assembly.isa import ARMV7E_M
from codegen.c.operators.integer import fold_zero_point, is_depthwise
from codegen.c.step import StepWriter, Variant
from edgekit.errors import ModelError
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D
from edgekit.schedule import Overlap
from edgekit.schedule.overlap import ROWS
from quantize.memo import by_content
from quantize.requantize import INT32_MAX, channel_scales
from quantize.thresholds import Steps, affine_offsets, find_steps

Int = NDArray[np.int64]
SHIFTS = (8, 4)
"""Shifts after the high multiplication. The first suits scales below 1/2; one for all layers of a
model means one function."""
SCRATCH_BYTES = 2048
WEIGHT_SCALE = 256
"""Weights are expanded to so many times their value."""


@dataclass(frozen=True)
class Rows:
    """Geometry of a layer.

    Attributes:
        in_h, in_w, out_h, out_w, channels: its sizes.
        top, left, bottom, right: rows and columns of padding, each 0 or 1.
    """

    in_h: int
    in_w: int
    out_h: int
    out_w: int
    channels: int
    top: int
    left: int
    bottom: int
    right: int

    @property
    def pairs(self) -> int:
        """Pairs of columns, the last one filled up."""
        return -(-self.in_w // 2)

    @property
    def is_odd(self) -> bool:
        """True where the last pair is half full."""
        return self.in_w % 2 == 1

    @property
    def extra(self) -> int:
        """1 where the padding on the right is a pair of its own."""
        return int(self.right == 1 and not self.is_odd)

    @property
    def half(self) -> int:
        """Bytes of one row's outputs of four channels; a full last pair may give one too many."""
        return 4 * (2 * self.pairs - 2 + self.left + self.extra)

    @property
    def bands(self) -> int:
        """Pairs of output rows, an odd last row being one of its own."""
        return -(-self.out_h // 2)

    @property
    def quads(self) -> int:
        """Groups of four channels; the last one may repeat some of the one before."""
        return -(-self.channels // 4)

    @property
    def scratch(self) -> int:
        """Bytes of packed columns and collected outputs."""
        return self.pairs * PAIR_BYTES + 2 * self.half


def rows_of(node: Node) -> Rows:
    """The geometry of a depthwise layer."""
    op = node.op
    assert isinstance(op, QConv2D)
    _, in_h, in_w, channels = node.input(0).type.shape
    _, out_h, out_w, _ = node.output.type.shape
    return Rows(in_h, in_w, out_h, out_w, channels, *op.window.padding)


@dataclass(frozen=True, eq=False)
class Filters:
    """Weights and constants, one row for each channel.

    Attributes:
        weights: int8, (channels, 3, 3); zero where the output is constant.
        start: first value of the accumulator, which sums ``256 * weight * input``.
        multiplier: of the high multiplication.
        shift: of its result, for all channels.
    """

    weights: NDArray[np.int8]
    start: Int
    multiplier: Int
    shift: int


@functools.lru_cache(maxsize=256)
def filters_of(node: Node) -> Filters | str:
    """Proven constants of a layer, or why there are none."""
    op = node.op
    assert isinstance(op, QConv2D)
    weights = node.input(1).array.reshape(-1, 9).astype(np.int64)
    try:
        bias = fold_zero_point(node, weights, op.x_zero, op.requant).astype(np.int64)
    except ModelError:
        return "an accumulator can overflow"
    ends = np.sort(np.stack([weights * -128, weights * 127]), axis=0).sum(axis=2)
    steps = find_steps(op.requant, bias + ends[0], bias + ends[1])
    # Without the bias sums stay below 2**18, so that products with 2**39 stay inside int64.
    steps = replace(steps, points=np.where(steps.constant, 0, steps.points - bias))
    room = INT32_MAX - WEIGHT_SCALE * np.abs(ends).max(axis=0)
    for shift in SHIFTS:
        found = _constants(steps, channel_scales(op.requant, len(bias)), shift, room)
        if found is not None:
            kept = np.where(steps.constant[:, None], 0, weights).astype(np.int8)
            return Filters(kept.reshape(-1, 3, 3), *found, shift)
    return "a channel has no proven requantization"


@by_content(64)
def _constants(
    steps: Steps, scales: NDArray[np.float64], shift: int, room: Int
) -> tuple[Int, Int] | None:
    """Starts and multipliers of all channels: of the real scale's neighbours the closest."""
    near = np.minimum(np.ldexp(scales, 24 + shift), 2.0**32)
    near = np.where(steps.constant, 2.0**30, np.floor(near + 0.5))
    found = np.zeros((2, len(near)), np.int64)
    for channel, centre in enumerate(near.astype(np.int64)):
        column = replace(
            steps, points=steps.points[:, [channel]], wanted=steps.wanted[:, [channel]]
        )
        for m in _multipliers(int(centre)):
            low, high = affine_offsets(column, WEIGHT_SCALE * m, 32 + shift)
            first, last = -(-(low - 2**31) // m), (high - 2**31) // m
            start = np.clip(0, first, last)
            fits = np.flatnonzero((first <= last) & (np.abs(start) <= room[channel]))
            if fits.size:
                found[:, channel] = start[fits[0]], m[fits[0]]
                break
        else:
            return None
    return found[0], found[1]


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
    order = [c for q in range(0, channels, 4) for c in range(min(q, channels - 4), channels)[:4]]
    return np.asarray(rows[order])


def emit(w: StepWriter) -> None:
    """Write a step."""
    op, rows, filters = w.node.op, rows_of(w.node), filters_of(w.node)
    assert isinstance(op, QConv2D)
    assert isinstance(filters, Filters)
    backward = w.step.backward
    args = w.declare(
        "ek_depthwise3x3",
        "args",
        filters=w.weights(pack(filters, rows.channels), "filters"),
        channels=rows.channels,
        in_row=rows.in_w * rows.channels,
        out_row=rows.out_w * rows.channels,
        in_h=rows.in_h,
        out_h=rows.out_h,
        out_w=rows.out_w,
        pairs=rows.pairs,
        half=rows.half,
        odd=int(rows.is_odd),
        left=rows.left,
        right=rows.extra,
        pad_top=rows.top,
        pad=(op.x_zero << 16) + (op.x_zero & 0xFFFF),
        band=rows.bands - 1 if backward else 0,
        step=-1 if backward else 1,
        bands=rows.bands,
        shift=filters.shift,
    )
    block = depthwise3x3(filters.shift)
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.assemble(ARMV7E_M, block, "ek_depthwise3x3_s8", args, x, y, w.scratch())


def refuse(node: Node) -> str:
    """Why a layer cannot be computed by the block."""
    op = node.op
    assert isinstance(op, QConv2D)
    types = {node.input(0).type.dtype, node.output.type.dtype}
    if types != {DType.INT8} or op.w_zero or not is_depthwise(node):
        return "not an int8 depthwise convolution"
    channels = node.input(0).type.shape[3]
    if node.input(1).type.shape != (channels, 3, 3, 1) or channels < 4:
        return "not a 3x3 filter for each of at least 4 channels"
    if op.window.strides != (1, 1) or op.window.dilations != (1, 1) or max(op.window.padding) > 1:
        return "strides, dilations or padding of more than 1"
    rows = rows_of(node)
    if rows.out_h == rows.top or rows.out_w < 1:
        return "no two rows of the input in the middle"
    if rows.scratch > SCRATCH_BYTES:
        return f"rows of more than {SCRATCH_BYTES} bytes of scratch"
    found = filters_of(node)
    return found if isinstance(found, str) else ""


def overlap(node: Node) -> Sequence[Overlap | None]:
    """A band of two rows is written while the four rows that it reads are still needed."""
    rows = rows_of(node)
    if node.input(0).type.shape[0] != 1:
        return ()
    in_row, out_row = rows.in_w * rows.channels, rows.out_w * rows.channels
    forward, backward = [], []
    for band in range(rows.bands):
        start, stop = 2 * band, min(2 * band + 2, rows.out_h)
        first = min(start, rows.out_h - 2) - rows.top
        forward.append(max(first, 0) * in_row - stop * out_row)
        backward.append(min(first + 4, rows.in_h) * in_row - start * out_row)
    return [Overlap(ROWS, min(forward), max(backward))]


def instructions(node: Node) -> int:
    """Executed by the block: its parts, counted."""
    rows = rows_of(node)
    turns = -(-rows.pairs // SLOTS)
    stream = 18 * rows.pairs - (6 if rows.left else 12) + 3 * turns + 6 * rows.extra
    copy = 11 + 6 * (rows.out_w // 2)
    packing = 56 * rows.pairs + (72 if rows.is_odd else 36)
    quad = 38 + packing + 4 * (42 + 2 * stream) + 2 * copy
    alone = 4 * (stream - 4) + copy + 4  # what a band of one row does not do
    padded = (rows.top + rows.bottom) * (5 + 6 * rows.pairs)
    odd_rows = rows.out_h % 2
    return 60 + 51 * rows.bands + rows.quads * (rows.bands * quad - odd_rows * alone + padded)


def scratch(node: Node) -> int:
    """Bytes of scratch."""
    return rows_of(node).scratch


DEPTHWISE_3X3 = Variant(
    emit,
    scratch=scratch,
    overlap=overlap,
    name="depthwise3x3",
    refuse=refuse,
    instructions=instructions,
)

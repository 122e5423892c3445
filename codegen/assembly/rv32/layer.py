"""What a convolution needs to be computed by packed products: its parts and its constants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.cached import cached
from codegen.assembly.refusal import OtherKind
from codegen.assembly.rv32.products import COLUMN, FIELD_BITS, FILTERS, SLOTS, UNROLL
from codegen.assembly.rv32.scale import NO_FORM, Scaling, field_bits, find_scaling, without_scaling
from codegen.c.operators.accumulators import fold_zero_point
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D, QDense, Requant

Int = NDArray[np.int64]
SCRATCH_BYTES = 2048
SMALLEST_PART = 32
"""Positions, however many filters there are."""


@dataclass(frozen=True)
class Part:
    """Some positions of the window.

    Attributes:
        tap, taps: the first tap, row by row, and their number.
        channel, channels: the same of each tap's channels.
    """

    tap: int
    taps: int
    channel: int
    channels: int

    @property
    def positions(self) -> int:
        """Positions, filled up to whole turns of the loop."""
        return -(-self.taps * self.channels // UNROLL) * UNROLL

    def of(self, weights: NDArray[np.int8]) -> NDArray[np.int8]:
        """The part's weights as rows (filters, positions), zeros where there are none.

        Args:
            weights: shape (filters, taps, channels).
        """
        taps = slice(self.tap, self.tap + self.taps)
        part = weights[:, taps, self.channel : self.channel + self.channels]
        rows = part.reshape(len(weights), -1)
        return np.pad(rows, ((0, 0), (0, self.positions - rows.shape[1])))


@dataclass(frozen=True, eq=False)
class Layer:
    """A convolution as packed products.

    Attributes:
        parts: of the window, computed one after the other.
        scaling: constants of the requantization.
        bits: width of the field that holds the sum over all parts.
    """

    parts: tuple[Part, ...]
    scaling: Scaling
    bits: int = FIELD_BITS

    @property
    def is_whole(self) -> bool:
        """True where one part gives outputs at once."""
        return len(self.parts) == 1 and not self.scaling.is_signed

    @property
    def start(self) -> int:
        """What sums over parts begin with, so that they end as a field of ``bits`` bits: each part
        adds half of its own field."""
        return (1 << (self.bits - 1)) - len(self.parts) * (1 << (FIELD_BITS - 1))


def conv_refusal(node: Node) -> str:
    """Why packed products cannot compute a convolution; empty where they can."""
    return _refuse_shape(node) or ("" if layer_of(node) else NO_FORM)


def conv_lacking(node: Node) -> NDArray[np.bool_] | None:
    """Filters whose scale has no proven form."""
    return None if _refuse_shape(node) else without_scaling(*accumulators(node, FIELD_BITS))


def _refuse_shape(node: Node) -> str:
    op = node.op
    assert isinstance(op, QConv2D)
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8}:
        return "activations are not int8"
    if op.groups != 1:
        return OtherKind("not for groups")
    if op.w_zero or not node.input(1).is_constant:
        return "weights are not constant or have a zero point"
    few = node.output.type.shape[3] < FILTERS
    return f"fewer than {FILTERS} filters" if few else ""


def accumulators(node: Node, least: int) -> tuple[Requant, Int, Int, Int, int]:
    """What becomes of a layer's accumulators, their smallest and largest, their biases, and the
    bits of the field for their sums, ``least`` if not more."""
    op, weights = node.op, node.input(1).array
    assert isinstance(op, QConv2D | QDense)
    rows = weights.reshape(len(weights), -1).astype(np.int64)
    bias = fold_zero_point(node, rows, op.x_zero, op.requant).astype(np.int64)
    low, high = sum_bounds(rows)
    return op.requant, bias + low, bias + high, bias, max(least, field_bits(low, high))


@cached
def layer_of(node: Node) -> Layer | None:
    """The convolution's parts and constants; None where there are none."""
    weights = node.input(1).array
    taps = weights.reshape(len(weights), -1, weights.shape[3])
    arguments = accumulators(node, FIELD_BITS)
    scaling = find_scaling(*arguments)
    if scaling is None:
        return None
    whole = find_parts(taps, SCRATCH_BYTES // COLUMN)
    if len(whole) == 1 and not scaling.is_signed:
        return Layer(whole, scaling)
    room = SCRATCH_BYTES - sums_bytes(len(weights))
    parts = find_parts(taps, max(room // COLUMN, SMALLEST_PART))
    return Layer(parts, scaling, arguments[-1])


def sums_bytes(filters: int) -> int:
    """Bytes of the sums over parts of six pixels."""
    return 4 * SLOTS * (-(-filters // FILTERS) * FILTERS)


def find_parts(weights: NDArray[np.int8], most: int) -> tuple[Part, ...]:
    """The fewest parts of at most ``most`` positions whose sums fit their fields."""
    _, taps, channels = weights.shape
    parts = _parts(taps, channels, most)
    while not all(fits_field(p.of(weights).astype(np.int64)) for p in parts):
        most //= 2  # at 32 positions any weights fit
        parts = _parts(taps, channels, most)
    return parts


def _parts(taps: int, channels: int, most: int) -> tuple[Part, ...]:
    if channels <= most:
        count = -(-taps // (most // channels))
        each = -(-taps // count)
        starts = range(0, taps, each)
        return tuple(Part(tap, min(each, taps - tap), 0, channels) for tap in starts)
    count = -(-channels // most)
    each = -(-channels // count // UNROLL) * UNROLL
    return tuple(
        Part(tap, 1, channel, min(each, channels - channel))
        for tap in range(taps)
        for channel in range(0, channels, each)
    )


def sum_bounds(rows: Int) -> tuple[Int, Int]:
    """Smallest and largest sum of products of each row of weights with int8 numbers."""
    up, down = np.maximum(rows, 0).sum(axis=1), np.minimum(rows, 0).sum(axis=1)
    return 127 * down - 128 * up, 127 * up - 128 * down


def fits_field(rows: Int) -> bool:
    """True where no sum of products leaves its field."""
    low, high = sum_bounds(rows)
    limit = 1 << (FIELD_BITS - 1)
    return bool(low.min() >= -limit and high.max() < limit)


def pack_weights(rows: NDArray[np.int8], block: int) -> NDArray[np.int8]:
    """Rows (filters, positions) in reading order: blocks of filters, positions, filters. The last
    block overlaps the one before where there is no whole one left."""
    starts = [min(c, len(rows) - block) for c in range(0, len(rows), block)]
    return np.concatenate([rows[c : c + block].T.ravel() for c in starts])

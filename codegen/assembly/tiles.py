"""Convolutions by tiles of six pixels: what instruction sets without byte products share.

`ek_conv_tiles_s8` walks over the output and finds the windows; a tile kernel, written for one
instruction set, multiplies. Here the weights are put in the order in which it reads them, and the
requantization into its proven form.

Three pixels a, b, c travel in two words, ``a + 2**21 * b`` and ``c + 2**11 * b``, so that two
32-bit products (modulo 2**32) are three: the sums A and C of the low parts are read off with their
signs, the low eleven bits of B are in the first word, the others in the second. That holds as long
as no sum of a call passes `MOST`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.block import Block, Pieces
from codegen.assembly.isa import Isa
from codegen.assembly.listed import pack_lists
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.accumulators import fold_zero_point
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import attributes
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D, QDense, Requant, Window
from quantize.high_word import HighWord, high_word, without_high_word
from quantize.two_products import two_products

PIXELS = 6
TAPS = 64
ROWS = 16
FILTERS = 64
RESUME, WAIT, BY_FILTER, RESUME_WORDS, WAIT_WORDS, LISTED = 1, 2, 4, 8, 16, 32
"""As the macros of these names in ek_tile.h."""
SEGMENTS = 4 * PIXELS * ROWS
"""Bytes of pointers that the driver keeps on the stack."""
MOST = 2**20 - 2**10 - 1
"""Largest sum of a call: with it, B has eleven low bits with a sign, and ten more."""
NO_FORM = "a channel's rounding has no proven form"
LONG, SHORT = "long", "short"
"""Forms of a channel: `quantize.high_word`, `quantize.two_products`."""
Bytes = NDArray[np.int8]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class TileKernel:
    """What a tile kernel has to know when it is written.

    Attributes:
        signed: outputs are rounded twice.
        clamp: the output's range is narrower than int8.
        listed: weights of zero are left out.
        forms: those of the channels.
    """

    signed: bool
    clamp: bool
    listed: bool = False
    forms: Pieces = frozenset({LONG})

    @property
    def portable(self) -> str:
        """The portable equal."""
        return "ek_tile_signed_s8" if self.signed else "ek_tile_s8"

    @property
    def symbol(self) -> str:
        """The function's name in the model."""
        return "tile" + "_listed" * self.listed + "_signed" * self.signed + "_clamp" * self.clamp


@dataclass(frozen=True)
class Split:
    """How the taps of a window and the filters are divided into calls.

    Attributes:
        height, width: kernel rows, and bytes of each.
        filters: how many the layer has.
    """

    height: int
    width: int
    filters: int

    @property
    def rows(self) -> int:
        """Kernel rows of a call."""
        return max(1, min(self.height, TAPS // self.width, ROWS))

    @property
    def pieces(self) -> int:
        """Calls that share a kernel row."""
        return -(-self.width // TAPS)

    @property
    def piece(self) -> int:
        """Bytes of each kernel row that a call takes: equal shares of long ones."""
        return -(-self.width // self.pieces)

    @property
    def calls(self) -> list[tuple[slice, slice]]:
        """Rows and bytes of each call of a block."""
        rows = [slice(r, r + self.rows) for r in range(0, self.height, self.rows)]
        pieces = [slice(b, b + self.piece) for b in range(0, self.width, self.piece)]
        return list(itertools.product(rows, pieces))  # slices end where the array does

    @property
    def block(self) -> int:
        """Filters of a block: sums that wait for further calls must have room."""
        return min(self.filters, FILTERS) if len(self.calls) > 1 else self.filters

    @property
    def waiting(self) -> int:
        """Sums that wait for the next call."""
        return PIXELS * (self.block & ~1) if len(self.calls) > 1 else 0

    def blocks(self) -> Iterator[list[int]]:
        """The filters of each block, in pairs; an odd last one comes with the one before it."""
        start = 0
        while start < self.filters:
            count = min(self.block, self.filters - start)
            if count == 1:
                yield [start - 1, start]
                return
            count &= ~1
            yield list(range(start, start + count))
            start += count


def split_of(node: Node) -> Split:
    """The division of a convolution's taps and filters."""
    filters, height, width, channels = node.input(1).type.shape
    return Split(height, width * channels, filters)


def is_plain(node: Node) -> bool:
    """Whether every window is one pixel, so that all pixels of an image may lie in one row."""
    op = node.op
    assert isinstance(op, QConv2D)
    return node.input(1).type.shape[1:3] == (1, 1) and op.window == Window()


def refuse(node: Node, bits: int = 31) -> str:
    """Why a convolution cannot be computed by tiles, with multipliers of so many bits."""
    reason = _refuse_shape(node)
    if not reason and largest_sum(node, split_of(node).calls) > MOST:
        reason = "weights are so large that three sums do not fit into two words"
    return reason or ("" if form_of(node, bits) else NO_FORM)


def lacking(node: Node, bits: int = 31) -> NDArray[np.bool_] | None:
    """Filters for which `refuse` says no."""
    if _refuse_shape(node):
        return None
    beyond = largest_sums(node, split_of(node).calls) > MOST
    return np.asarray(beyond | without_form(node, bits))


def _refuse_shape(node: Node) -> str:
    op = node.op
    assert isinstance(op, QConv2D)
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8} or op.w_zero:
        return OtherKind("not int8 with symmetric weights")
    if op.groups > 1:
        return OtherKind("not for groups")
    if op.window.dilations[1] > 1:
        return "dilated rows"
    return "one filter" if node.output.type.shape[3] < 2 else ""


def form_of(node: Node, bits: int = 31) -> HighWord | None:
    """The proven form of a layer's requantization, with multipliers of so many bits."""
    return high_word(*_accumulators(node), bits)


def words_of(node: Node, form: HighWord, bits: int) -> tuple[NDArray[np.int32], Pieces]:
    """Three words for each channel, and which forms they have.

    Args:
        node: the layer.
        form: that of all its channels.
        bits: of its multipliers. Cores that do not take all 31 have no long product; there channels
            that two 32-bit products scale have that form.
    """
    words = form.words()
    if bits == 31 or form.signed:
        return words, frozenset({LONG})
    two = two_products(*_accumulators(node))
    words[two.found] = two.words()[two.found]
    return words, frozenset([SHORT] * bool(two.found.any()) + [LONG] * (not two.found.all()))


def short_share(node: Node, bits: int) -> float:
    """Which part of a layer's channels two 32-bit products scale."""
    form = form_of(node, bits)
    assert form is not None  # else refused
    return 0.0 if form.signed else float(two_products(*_accumulators(node)).found.mean())


def without_form(node: Node, bits: int = 31) -> NDArray[np.bool_]:
    """Filters for which `form_of` finds none."""
    return without_high_word(*_accumulators(node), bits)


def _accumulators(node: Node) -> tuple[Requant, Int, tuple[Int, Int]]:
    """What becomes of a layer's accumulators, their biases, and the bounds of their sums."""
    op = node.op
    assert isinstance(op, QConv2D | QDense)
    rows = node.input(1).array.reshape(node.output.type.shape[-1], -1).astype(np.int64)
    bias = fold_zero_point(node, rows, op.x_zero, op.requant).astype(np.int64)
    negative, positive = np.minimum(rows, 0).sum(axis=1), np.maximum(rows, 0).sum(axis=1)
    bounds = 127 * negative - 128 * positive, 127 * positive - 128 * negative
    return op.requant, bias, bounds


def largest_sum(node: Node, calls: Sequence[tuple[slice, slice]]) -> int:
    """The largest magnitude that a filter's sum over the taps of one of the calls can reach."""
    return int(largest_sums(node, calls).max())


def largest_sums(node: Node, calls: Sequence[tuple[slice, slice]]) -> Int:
    """`largest_sum` of each filter."""
    split = split_of(node)
    taps = np.abs(node.input(1).array.astype(np.int64)).reshape(-1, split.height, split.width)
    found = np.stack([taps[:, r, c].sum(axis=(1, 2)) for r, c in calls])
    return np.asarray(128 * found.max(axis=0))


def scratch(node: Node) -> int:
    """Bytes of waiting sums, of a line of the zero point and of copied pieces."""
    op = node.op
    assert isinstance(op, QConv2D)
    line = TAPS + PIXELS * TAPS if any(op.window.padding) else 0
    return 4 * split_of(node).waiting + line


def overlap(node: Node) -> Declared:
    """Six pixels at a time; one block of filters reads every window before it writes."""
    op = node.op
    assert isinstance(op, QConv2D)
    _, height, width, _ = node.input(1).type.shape
    gathered = len(list(split_of(node).blocks())) == 1
    return by_walk(node, Walk((height, width), op.window, PIXELS, gathered))


def pack(weights: Bytes, split: Split, by_filter: bool = False) -> Bytes:
    """Weights in reading order: block, call, pair of filters, tap, filter; or, with 128 added to
    each, block, call, filter, tap."""
    parts = [part.reshape(len(part) // 2, 2, -1) for part in parts_of(weights, split)]
    packed = np.concatenate([(p if by_filter else p.transpose(0, 2, 1)).ravel() for p in parts])
    return packed ^ np.int8(-128) if by_filter else packed


def parts_of(weights: Bytes, split: Split) -> Iterator[Bytes]:
    """Weights of each call of each block, shape (filters, taps)."""
    taps = weights.reshape(split.filters, split.height, split.width)
    for filters in split.blocks():
        for rows, columns in split.calls:
            yield taps[filters][:, rows, columns].reshape(len(filters), -1)


def emit(
    w: StepWriter,
    isa: Isa,
    write: Callable[[TileKernel], Block],
    bits: int = 31,
    by_filter: bool = False,
    listed: bool = False,
) -> None:
    """Emit a convolution whose tiles an instruction set's kernel computes.

    Args:
        w: the step.
        isa: the instruction set.
        write: makes the tile kernel.
        bits: of the multipliers.
        by_filter: order of the weights, see `pack`.
        listed: weights of zero are left out, see `listed`.
    """
    op = attributes(w, QConv2D)
    split, form = split_of(w.node), form_of(w.node, bits)
    assert form is not None  # else refused
    words, forms = words_of(w.node, form, bits)
    clamp = (op.requant.low, op.requant.high) != (-128, 127)
    kind = TileKernel(form.signed, clamp, listed, forms)
    kernel = w.function(isa, write(kind), kind.portable)
    order = [f for filters in split.blocks() for f in filters]
    _, height, width, _ = w.node.input(1).type.shape
    window = declare_window(w, (height, width), op.window, flat=is_plain(w.node))
    fits = largest_sum(w.node, [(slice(None), slice(None))]) <= MOST
    if listed:
        weights, flags = pack_lists(parts_of(w.node.input(1).array, split)), LISTED
    else:
        weights, flags = pack(w.node.input(1).array, split, by_filter), BY_FILTER * by_filter
    layer = w.declare(
        "ek_conv_tiles", "tiles",
        weights=w.weights(weights, "weights"),
        table=w.table(words[order].ravel(), "requant"),
        rows=split.rows, piece=split.piece, filters=split.block, waiting=split.waiting,
        padded=int(any(op.window.padding)), flags=flags,
        resume=RESUME_WORDS if fits else RESUME, wait=WAIT_WORDS if fits else WAIT, fill=op.x_zero,
        offset=2 * op.requant.zero_point + 1, low=op.requant.low, high=op.requant.high,
    )  # fmt: skip
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call("ek_conv_tiles_s8", window, layer, kernel, x, w.scratch(), y)

"""3x3 convolutions by Winograd's F(4, 3) on Armv7E-M: half the products, four times the weights."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.conv_layer import accumulators
from codegen.assembly.armv7e_m.scaling import CLAMP, SCALE, SHIFT, TWICE, Scaling
from codegen.assembly.armv7e_m.winograd_block import tile_function
from codegen.assembly.armv7e_m.winograd_columns import columns_function
from codegen.assembly.armv7e_m.winograd_frame import (
    COLUMN_INSTRUCTIONS,
    FILTERS,
    FRAME_BYTES,
    PAIR_BYTES,
    PAIR_INSTRUCTIONS,
    POINTS,
    RECORD_BYTES,
    ROWS,
    SLOT_BYTES,
    TAPS,
    TWICE_DIVIDED,
    UNROLL,
    WAITING_BYTES,
)
from codegen.assembly.armv7e_m.winograd_scaling import find_form
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.others import Mask, with_others
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import attributes
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter, Variant
from edgekit.errors import ModelError
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D

COLUMNS, WIDTH = 2, 4
"""Columns of outputs in a tile, of inputs."""
WORD = 4
"""Channels that are transformed together."""
MEMORY = 2048 - FRAME_BYTES
"""Bytes of scratch: with what the function keeps on the stack, 2 KiB."""
OUTPUT_INSTRUCTIONS = {SCALE: 32, CLAMP: 48, TWICE_DIVIDED: 51, TWICE: 67, SHIFT: 58}
"""Of a filter's eight outputs, by what becomes of sums."""
LAYER, BAND, TILE, PART, COLUMN, EDGE, REST, LESS = 200, 146, 60, 220, 17, 65, 78, 134
"""What the driver in C spends on each of these, about: it is the compiler's. `EDGE`: columns that
reach over an edge, `REST`: a last block of filters that is not whole, `LESS`: what a tile saves
whose addresses are those of the tile before, moved on."""
POINT_ROWS = np.array(
    [[-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [6, 0, 0], [0, 0, 24]], np.int64
)
"""Weights of each point from those of three rows."""


@dataclass(frozen=True)
class Parts:
    """How a layer is divided so that it fits into scratch.

    Attributes:
        channels: in all; a part of them is transformed at a time.
        filters: in all.
        part: channels of a part.
        group: blocks of filters of a group; other groups transform the channels again.
        spare: bytes for outputs of rows below the last one.
    """

    channels: int
    filters: int
    part: int
    group: int
    spare: int

    @property
    def blocks(self) -> int:
        """Of filters, a last one that is not whole included."""
        return -(-self.filters // FILTERS)

    @property
    def starts(self) -> list[int]:
        """First filter of each block."""
        return [min(FILTERS * b, self.filters - FILTERS) for b in range(self.blocks)]

    @property
    def counts(self) -> list[int]:
        """Channels of each part."""
        return [min(self.part, self.channels - c) for c in range(0, self.channels, self.part)]

    @property
    def groups(self) -> list[int]:
        """Blocks of each group."""
        return [min(self.group, self.blocks - b) for b in range(0, self.blocks, self.group)]

    @property
    def is_whole(self) -> bool:
        """Whether columns are transformed once and stay for the next tile."""
        return len(self.counts) == 1 and len(self.groups) == 1

    @property
    def nbytes(self) -> int:
        """Of scratch: columns, sums of a block, sums that wait, what is spare."""
        waiting = self.group * WAITING_BYTES if len(self.counts) > 1 else 0
        return self.part // 2 * RECORD_BYTES + SLOT_BYTES + waiting + self.spare


def parts_of(node: Node) -> Parts | None:
    """The cheapest division that fits into scratch; None where none does."""
    _, height, _, filters = node.output.type.shape
    spare = 2 * filters if height % ROWS else 0
    return _cheapest_parts(node.input(0).type.shape[3], filters, spare)


@functools.cache
def _cheapest_parts(channels: int, filters: int, spare: int) -> Parts | None:
    blocks, found = -(-filters // FILTERS), []
    for count in range(1, channels // WORD + 1):
        part = -(-channels // (WORD * count)) * WORD
        for groups in range(1, blocks + 1):
            parts = Parts(channels, filters, part, -(-blocks // groups), spare)
            if parts.nbytes <= MEMORY:
                found.append(parts)
                break
    return min(found, key=lambda p: _tile_cost(p, not p.is_whole).total, default=None)


def refuse(node: Node) -> str:
    """Why the functions cannot compute a node; empty where they can."""
    reason = _refuse_shape(node)
    if reason:
        return reason
    try:
        found = _form(node)
    except ModelError as error:
        return error.summary
    return "no cheap form of its requantization" if found[1].any() else ""


def lacking(node: Node) -> Mask | None:
    """Filters without a proven form."""
    return None if _refuse_shape(node) else _form(node)[1]


def _refuse_shape(node: Node) -> str:
    op, (_, height, width, _) = node.op, node.input(1).type.shape
    assert isinstance(op, QConv2D)
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8} or op.w_zero:
        return "not int8 with symmetric weights"
    if op.groups > 1:
        return "not for groups"
    if (height, width) != (TAPS, TAPS) or {*op.window.strides, *op.window.dilations} != {1}:
        return "not for other windows than 3x3 with stride 1"
    y = node.output.type.shape
    if y[0] > 1:
        return "batches"
    if node.input(0).type.shape[3] % WORD:
        return "channels that are no multiple of 4"
    if y[3] < FILTERS or y[2] < COLUMNS:
        return "few filters or columns"
    return "" if parts_of(node) else "more filters than scratch has room for"


@functools.lru_cache(maxsize=256)
def _form(node: Node) -> tuple[Scaling, Mask]:
    return find_form(*accumulators(node))


def stream(weights: NDArray[np.int8], parts: Parts) -> NDArray[np.int16]:
    """Weights in reading order: group, part, block, point, pair of channels, tap, filter, channel.

    Args:
        weights: filters x 3 x 3 x channels.
        parts: how they are divided.
    """
    points = np.einsum("pr,frtc->fptc", POINT_ROWS, weights.astype(np.int64)).astype(np.int16)
    # Channels 0 and 2 of four are a pair, 1 and 3 the other: as SXTAB16 takes bytes of a word.
    pairs = points.reshape(*points.shape[:3], -1, 2, 2).swapaxes(4, 5)
    pairs = pairs.reshape(*points.shape[:3], -1, 2).transpose(1, 3, 2, 0, 4)
    found, block = [], 0
    for group in parts.groups:
        first = 0
        for count in parts.counts:
            for start in parts.starts[block : block + group]:
                own = pairs[:, first // 2 : (first + count) // 2, :, start : start + FILTERS]
                found.append(own.ravel())
            first += count
        block += group
    return np.concatenate(found)


def constants(scaling: Scaling, parts: Parts) -> NDArray[np.int32]:
    """Of each block: what its sums start with, then two words for each filter."""
    order = np.array([range(s, s + FILTERS) for s in parts.starts])
    scale = scaling.constants[order].reshape(len(order), -1)
    words = np.concatenate([scaling.start[order], scale], axis=1)
    return (words & 0xFFFFFFFF).astype(np.uint32).view(np.int32).ravel()


def emit(w: StepWriter) -> None:
    """Write a layer."""
    op, parts = attributes(w, QConv2D), parts_of(w.node)
    assert parts is not None  # else refused
    scaling, _ = _form(w.node)
    window = declare_window(w, (TAPS, TAPS), op.window)
    low, high = op.requant.low, op.requant.high
    layer = w.declare(
        "ek_conv_winograd", "winograd",
        weights=w.weights(stream(w.node.input(1).array, parts), "weights"),
        q=w.table(constants(scaling, parts), "requant"),
        fill=w.filler(np.full(parts.part, op.x_zero, np.int8), "fill"),
        channels=parts.part, blocks=parts.group, code=PAIR_BYTES, unrolled=UNROLL,
        tail=scaling.tail, zero=2 * op.requant.zero_point + 1, add=255 - high + low,
        subtract=255 - high,
    )  # fmt: skip
    columns = w.function(ARMV7E_M, columns_function(), "ek_winograd_columns_s8")
    tile = w.function(ARMV7E_M, tile_function(), "ek_winograd_tile_s8")
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    w.call("ek_conv_winograd_s8", window, layer, columns, tile, x, w.scratch(), y)


def scratch(node: Node) -> int:
    """Bytes, see `Parts`."""
    parts = parts_of(node)
    assert parts is not None  # else refused
    return parts.nbytes


def overlap(node: Node) -> Declared:
    """Bands of four rows, whose outputs are written while others of the band still read."""
    op = node.op
    assert isinstance(op, QConv2D)
    pixels = ROWS * node.output.type.shape[2]
    return by_walk(node, Walk((TAPS, TAPS), op.window, pixels))


def cost(node: Node) -> Cost:
    """Executed by one run; what the driver in C spends was measured."""
    parts = parts_of(node)
    assert parts is not None  # else refused
    _, height, width, _ = node.output.type.shape
    bands, tiles = -(-height // ROWS), -(-width // COLUMNS)
    tail = _form(node)[0].tail
    # The first tile of a band, and the last one of odd width, transform all columns.
    whole = min(tiles, 1 + width % COLUMNS) if parts.is_whole else tiles
    found = whole * _tile_cost(parts, True, tail) + (tiles - whole) * _tile_cost(parts, False, tail)
    return bands * (found + BAND) + Cost(borders=EDGE * _edges(node, parts), control=LAYER)


def _edges(node: Node, parts: Parts) -> int:
    """Transformed columns of which a part lies outside the input."""
    op, (_, height, width, _) = node.op, node.output.type.shape
    assert isinstance(op, QConv2D)
    (_, in_h, in_w, _), (top, left, _, _) = node.input(0).type.shape, op.window.padding
    columns = []
    for x in range(0, width, COLUMNS):
        first = min(x, width - COLUMNS)
        stays = parts.is_whole and x > 0 and first == x
        columns += [first - left + k for k in range(COLUMNS if stays else 0, WIDTH)]
    inside = sum(0 <= x < in_w for x in columns)
    bands = range(-top, height - top, ROWS)
    whole = sum(y >= 0 and y + POINTS <= in_h for y in bands)
    times = len(parts.groups) * len(parts.counts)
    return times * (len(columns) * len(bands) - inside * whole)


def _tile_cost(parts: Parts, whole: bool, tail: int = SCALE) -> Cost:
    """A tile, all its columns transformed or half of them."""
    columns = WIDTH if whole else COLUMNS
    found = Cost()
    for group in parts.groups:
        for index, count in enumerate(parts.counts):
            pairs, is_last = count // 2, index == len(parts.counts) - 1
            fill = columns * (COLUMN_INSTRUCTIONS * count // WORD + 21) + 14 * pairs * (not whole)
            point = PAIR_INSTRUCTIONS * pairs + 3 * -(-pairs // UNROLL) + 8
            wait = 120 if index else 5 if is_last else 19
            block = Cost(products=POINTS * point + 138, packing=wait)
            found += Cost(packing=fill, control=PART + COLUMN * columns) + group * block
    rest = parts.filters % FILTERS > 0
    found += TILE + REST * len(parts.counts) * rest - LESS * (not whole and not rest)
    return found + parts.blocks * Cost(requantize=FILTERS * OUTPUT_INSTRUCTIONS[tail] + 12)


CONV_WINOGRAD = with_others(
    Variant(
        emit,
        scratch,
        overlap=overlap,
        name="conv winograd",
        refuse=refuse,
        cost=cost,
        stack=lambda node: FRAME_BYTES,
        pays_flash=True,
    ),
    lacking,
)
"""Four rows and two columns of outputs, four filters at a time."""

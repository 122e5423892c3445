"""Convolutions of int16 activations on Armv7E-M, four pixels at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.columns_block import (
    GROUP_BYTES,
    GROUP_INSTRUCTIONS,
    TAPS,
    UNROLL,
    columns_function,
)
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import attributes
from codegen.c.operators.overlap import Walk, by_walk
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D, Requant, Rounding
from edgekit.schedule import Overlap

Int = NDArray[np.int64]
PIXELS = 4
PART = 256
"""Most taps that are copied at once."""
FULL = -(2**15), 2**15 - 1
POSITIVE = 0, 2**15 - 1


@dataclass(frozen=True)
class Parts:
    """How the taps of a window are divided.

    Attributes:
        height, width: kernel rows, and values of each.
    """

    height: int
    width: int

    @property
    def rows(self) -> int:
        """Kernel rows of a part: as many as fit, in equal shares."""
        most = max(1, PART // self.width)
        return -(-self.height // -(-self.height // most))

    @property
    def piece(self) -> int:
        """Values of each kernel row in a part: equal shares of long rows, even."""
        shares = -(-self.width // PART)
        return self.width if shares == 1 else -(-self.width // (2 * shares)) * 2

    @property
    def slices(self) -> list[tuple[slice, slice]]:
        """Rows and values of each part."""
        rows = [slice(r, min(r + self.rows, self.height)) for r in range(0, self.height, self.rows)]
        pieces = [
            slice(b, min(b + self.piece, self.width)) for b in range(0, self.width, self.piece)
        ]
        return [(r, b) for r in rows for b in pieces]

    @property
    def groups(self) -> list[int]:
        """Groups of taps of each part."""
        sizes = [(r.stop - r.start) * (b.stop - b.start) for r, b in self.slices]
        return [-(-size // TAPS) for size in sizes]


def parts_of(node: Node) -> Parts:
    """The division of a convolution's taps."""
    _, height, width, channels = node.input(1).type.shape
    return Parts(height, width * channels)


def refuse_wide(node: Node, requant: Requant) -> str:
    """Why sums of int16 and int8 numbers cannot be scaled by one high product of 32 bits."""
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT16}:
        return "not int16"
    if requant.rule is not Rounding.REDUCED:
        return "not TFLite's scale of 16 bits"
    if (requant.low, requant.high) not in (FULL, POSITIVE) or requant.zero_point:
        return "a clamp of its own"
    if not all(-17 <= s <= -1 for s, m in zip(requant.shift, requant.multiplier, strict=True) if m):
        return "a scale beyond the high word of a product"
    weights = node.input(1).array.astype(np.int64)
    reach = 2**15 * np.abs(weights).reshape(len(weights), -1).sum(axis=1)
    reach += np.abs(node.input(2).array.astype(np.int64))
    return "sums beyond 32 bits" if (reach >= 2**31).any() else ""


def high_multipliers(requant: Requant, filters: int) -> Int:
    """Scales as SMMULR takes them, exactly: 32 - (15 - shift) more bits."""
    found = np.array(requant.multiplier, np.int64) << (17 + np.array(requant.shift, np.int64))
    return np.broadcast_to(found, (filters,))


def refuse(node: Node) -> str:
    """Why the function cannot compute a node; empty where it can."""
    op = node.op
    assert isinstance(op, QConv2D)
    problem = refuse_wide(node, op.requant)
    if problem:
        return problem
    if op.groups > 1 or op.window.dilations[1] > 1:
        return "groups or dilated rows"
    return ""


def words(taps: NDArray[np.int8]) -> NDArray[np.int32]:
    """Weights as the function reads them, filters x taps: whole groups, a word 0, 2, 1, 3."""
    padded = np.pad(taps, ((0, 0), (0, -taps.shape[1] % TAPS)))
    turned = padded.reshape(len(taps), -1, 2, 2).transpose(0, 1, 3, 2)
    return np.ascontiguousarray(turned).reshape(len(taps), -1).view("<i4").astype(np.int32)


def stream(node: Node) -> NDArray[np.int32]:
    """Starts, weights and scales, part by part."""
    op = node.op
    assert isinstance(op, QConv2D)
    weights, parts = node.input(1).array, parts_of(node)
    rows = weights.reshape(len(weights), parts.height, parts.width)
    found: list[NDArray[np.int32]] = []
    for index, (row, piece) in enumerate(parts.slices):
        columns = [words(rows[:, row, piece].reshape(len(rows), -1))]
        if index == 0:
            columns.insert(0, node.input(2).array.astype(np.int32)[:, None])
        if index == len(parts.slices) - 1:
            scales = high_multipliers(op.requant, len(rows))
            columns.append(scales.astype(np.int32)[:, None])
        found.append(np.concatenate(columns, axis=1).ravel())
    return np.concatenate(found)


def column_bytes(node: Node) -> int:
    """Of the copied windows."""
    return 2 * PIXELS * TAPS * max(parts_of(node).groups)


def scratch(node: Node) -> int:
    """Bytes of the copied windows and of the sums that wait."""
    waiting = len(parts_of(node).slices) > 1
    return column_bytes(node) + 4 * PIXELS * node.output.type.shape[3] * waiting


def overlap(node: Node) -> Sequence[Overlap | None]:
    """The windows of four pixels are copied before one of them is written."""
    op = node.op
    assert isinstance(op, QConv2D)
    _, height, width, _ = node.input(1).type.shape
    return by_walk(node, Walk((height, width), op.window, PIXELS, gathered=True))


def emit(w: StepWriter) -> None:
    """Write a layer."""
    op, parts = attributes(w, QConv2D), parts_of(w.node)
    _, height, width, _ = w.node.input(1).type.shape
    window = declare_window(w, (height, width), op.window)
    layer = w.declare(
        "ek_conv_columns", "columns",
        weights=w.weights(stream(w.node), "weights"), rows=parts.rows, piece=parts.piece,
        group_bytes=GROUP_BYTES, low=op.requant.low,
    )  # fmt: skip
    kernel = w.function(ARMV7E_M, columns_function(op.requant.low == 0), "ek_columns_s16")
    waiting = f"(int32_t *)(void *)({w.scratch()} + {column_bytes(w.node)})"
    sums = waiting if len(parts.slices) > 1 else "NULL"
    columns = f"(int16_t *)(void *){w.scratch()}"
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call("ek_conv_columns_s16", window, layer, kernel, x, columns, sums, y)


def cost(node: Node) -> Cost:
    """Executed by one run; what the driver in C spends was measured."""
    op = node.op
    assert isinstance(op, QConv2D)
    parts, filters = parts_of(node), node.output.type.shape[3]
    tile = Cost(control=450, requantize=15 * filters)
    for (rows, piece), groups in zip(parts.slices, parts.groups, strict=True):
        count = rows.stop - rows.start
        rest = count * (piece.stop - piece.start) % TAPS != 0
        filling = 16 * groups + 54 * count + 39 * rest
        borders = 35 * count * any(op.window.padding)
        tile += PIXELS * Cost(packing=filling, borders=borders)
        loop = 14 + 2 * -(-groups // UNROLL)
        tile += filters * Cost(products=GROUP_INSTRUCTIONS * groups, control=loop)
    pixels = node.output.type.size // filters
    return -(-pixels // PIXELS) * tile


COLUMNS = Variant(
    emit,
    scratch,
    overlap=overlap,
    name="columns",
    refuse=refuse,
    instructions=lambda node: cost(node).total,
    parts=cost,
)
"""Four pixels of int16 with one filter."""

"""Convolutions of int16 activations on Armv7E-M, four pixels at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.columns_block import (
    GROUP_BYTES,
    GROUP_INSTRUCTIONS,
    UNROLL,
    columns_function,
)
from codegen.assembly.columns import (
    PIXELS,
    TAPS,
    high_multipliers,
    overlap,
    parts_of,
    refuse,
    scratch,
    working_memory,
)
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import attributes
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D


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
            scales = high_multipliers(node, op.requant)
            columns.append(scales.astype(np.int32)[:, None])
        found.append(np.concatenate(columns, axis=1).ravel())
    return np.concatenate(found)


def emit(w: StepWriter) -> None:
    """Write a layer."""
    op, parts = attributes(w, QConv2D), parts_of(w.node)
    _, height, width, _ = w.node.input(1).type.shape
    window = declare_window(w, (height, width), op.window)
    layer = w.declare(
        "ek_conv_columns", "columns",
        weights=w.weights(stream(w.node), "weights"), rows=parts.rows, piece=parts.piece,
        filters=w.node.output.type.shape[3], again=0, group_bytes=GROUP_BYTES, low=op.requant.low,
    )  # fmt: skip
    kernel = w.function(ARMV7E_M, columns_function(op.requant.low == 0), "ek_columns_s16")
    columns, sums = working_memory(w)
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
    cost=cost,
)
"""Four pixels of int16 with one filter."""

"""Convolutions of int16 activations on RV32IMC, four pixels with four filters at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.columns import (
    PIXELS,
    TAPS,
    column_bytes,
    high_multipliers,
    overlap,
    parts_of,
    refuse,
    working_memory,
)
from codegen.assembly.cost import Cost
from codegen.assembly.isa import RV32
from codegen.assembly.rv32.columns_block import FRAME, columns_function
from codegen.assembly.rv32.products import FILTERS, WORDS
from codegen.assembly.rv32.registers import SAVED
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import attributes
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D


def order_of(filters: int) -> list[int]:
    """Filters as the function takes them: the last come with some of those before them."""
    whole = list(range(filters // FILTERS * FILTERS))
    return whole + list(range(filters - FILTERS, filters)) * (filters % FILTERS != 0)


def stream(node: Node) -> NDArray[np.int32]:
    """Starts, weights and scales of four filters at a time, part by part."""
    op = node.op
    assert isinstance(op, QConv2D)
    order, parts = order_of(node.output.type.shape[3]), parts_of(node)
    rows = node.input(1).array[order].reshape(len(order), parts.height, parts.width)
    found: list[NDArray[np.int32]] = []
    for index, (row, piece) in enumerate(parts.slices):
        taps = rows[:, row, piece].reshape(len(rows), -1)
        taps = np.pad(taps, ((0, 0), (0, -taps.shape[1] % TAPS)))
        turned = taps.reshape(-1, FILTERS, taps.shape[1]).transpose(0, 2, 1)
        columns = [np.ascontiguousarray(turned).reshape(len(turned), -1).view("<i4")]
        if index == 0:
            columns.insert(0, node.input(2).array[order].astype(np.int32).reshape(-1, FILTERS))
        if index == len(parts.slices) - 1:
            scales = high_multipliers(node, op.requant)[order]
            columns.append(scales.astype(np.int32).reshape(-1, FILTERS))
        found.append(np.concatenate(columns, axis=1).ravel())
    return np.concatenate(found).astype(np.int32)


def scratch(node: Node) -> int:
    """Bytes of the copied windows and of the sums that wait."""
    waiting = len(parts_of(node).slices) > 1
    return column_bytes(node) + 4 * PIXELS * len(order_of(node.output.type.shape[3])) * waiting


def emit(w: StepWriter) -> None:
    """Write a layer."""
    op, parts, filters = attributes(w, QConv2D), parts_of(w.node), w.node.output.type.shape[3]
    _, height, width, _ = w.node.input(1).type.shape
    window = declare_window(w, (height, width), op.window)
    layer = w.declare(
        "ek_conv_columns", "columns",
        weights=w.weights(stream(w.node), "weights"), rows=parts.rows, piece=parts.piece,
        filters=filters // FILTERS * FILTERS, again=FILTERS * (filters % FILTERS != 0),
        group_bytes=0, low=op.requant.low,
    )  # fmt: skip
    kernel = w.function(RV32, columns_function(op.requant.low == 0), "ek_column_quads_s16")
    columns, sums = working_memory(w)
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call("ek_conv_quads_s16", window, layer, kernel, x, columns, sums, y)


def refuse_columns(node: Node) -> str:
    """Why the function cannot compute a node; empty where it can."""
    few = node.output.type.shape[3] < FILTERS
    return refuse(node) or (f"fewer than {FILTERS} filters" if few else "")


def cost(node: Node) -> Cost:
    """Executed by one run; what the driver in C spends was measured."""
    op = node.op
    assert isinstance(op, QConv2D)
    parts, filters = parts_of(node), node.output.type.shape[3]
    quads = len(order_of(filters)) // FILTERS
    again = filters % FILTERS != 0
    tile = Cost(control=300, requantize=(9 * FILTERS * PIXELS + 34) * quads)
    for (rows, piece), groups in zip(parts.slices, parts.groups, strict=True):
        count = rows.stop - rows.start
        rest = count * (piece.stop - piece.start) % TAPS != 0
        filling = 2.8 * TAPS * groups + 36 * count + 35 * rest
        borders = 21 * count * any(op.window.padding)
        tile += PIXELS * Cost(packing=filling, borders=borders)
        products = TAPS * (WORDS + FILTERS * (1 + 2 * WORDS))
        tile += quads * Cost(products=products * groups, control=24 + 3 * groups)
        tile += (2 * len(SAVED) + 60) * (1 + again)
    tile += quads * Cost(requantize=36) * (len(parts.slices) - 1)
    pixels = node.output.type.size // filters
    return -(-pixels // PIXELS) * tile


COLUMNS = Variant(
    emit,
    scratch,
    overlap=overlap,
    name="columns",
    refuse=refuse_columns,
    cost=cost,
    stack=lambda node: 4 * (len(FRAME) + len(SAVED) + 2),
)
"""Four pixels of int16 with four filters."""

"""Dense layers, row by row: see `lanes`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.cost import Cost
from codegen.assembly.mve.lanes import GROUP, Shape, lanes_block
from codegen.assembly.mve.layer import FULL, HALF, Layer, by_parity, interleave, layer_of
from codegen.assembly.prepared import prepared
from codegen.c.operators.overlap import Declared
from codegen.c.step import StepWriter
from edgekit.ir import Node
from edgekit.schedule.overlap import ROWS, Overlap


def dense_of(node: Node) -> tuple[Layer, Shape] | str:
    """How a node is computed, or why it is not."""
    layer = layer_of(node)
    if isinstance(layer, str):
        return layer
    depth = layer.weights[0].size
    count, rest = divmod(layer.filters, GROUP)
    return layer, Shape(depth, count > 0, rest, layer.scaling.form)


def packed(layer: Layer) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """Weights and table in reading order, see ``ek_lanes_s8``."""
    filters, depth = layer.filters, layer.weights[0].size
    size = depth if depth % FULL == HALF else -(-depth // FULL) * FULL
    filled = np.zeros((filters, 1, size), np.int8)
    filled[:, 0, :depth] = layer.weights.reshape(filters, depth)
    groups = [tuple(range(i, min(i + GROUP, filters))) for i in range(0, filters, GROUP)]
    return interleave(filled, groups), by_parity(layer.scaling.table(layer.bias))


def rows_of(node: Node) -> int:
    """Rows of a dense layer."""
    return node.output.type.shape[0]


def emit_dense(w: StepWriter, found: tuple[Layer, Shape]) -> None:
    layer, shape = found
    weights, table = packed(layer)
    pointer = w.declare(
        "ek_lanes",
        "lanes",
        weights=w.weights(weights, "weights"),
        table=w.table(table, "requant"),
        filters=layer.filters,
        scaling=layer.scaling_fields,
        depth=shape.depth,
    )
    x, y, rows = w.read(w.node.input(0)), w.write(w.node.output), rows_of(w.node)
    block = lanes_block(shape)
    if rows == 1:
        w.assemble(shape.form.isa, block, "ek_lanes_s8", pointer, x, y)
        return
    with w.loop("i", rows):
        from_, to = f"{x} + i * {shape.depth}", f"{y} + i * {layer.filters}"
        w.assemble(shape.form.isa, block, "ek_lanes_s8", pointer, from_, to)


def _overlap(node: Node) -> Declared:
    """A row is read until its last output is written."""
    rows, filters = rows_of(node), node.output.type.shape[-1]
    depth = node.input(0).type.size // rows
    if rows == 1:
        return ()
    return [Overlap(ROWS, min(r * depth - (r + 1) * filters for r in range(rows)))]


def _cost(node: Node, found: tuple[Layer, Shape]) -> Cost:
    layer, shape = found
    return rows_of(node) * (shape.cost(layer.filters) + 5)


DENSE = prepared("lanes", dense_of, emit_dense, _cost, overlap=lambda node, found: _overlap(node))

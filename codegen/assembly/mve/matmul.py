"""Products of two int8 matrices, two columns at a time."""

from __future__ import annotations

import numpy as np

from codegen.assembly.cost import Cost
from codegen.assembly.isa import MVE
from codegen.assembly.mve.matmul_block import STEP, fill_block, pair_block
from codegen.assembly.mve.parts import SCRATCH, TILE
from codegen.assembly.mve.scaling import Scaling, scaling_of
from codegen.assembly.prepared import prepared
from codegen.c.operators.geometry import braces
from codegen.c.operators.integer import attributes
from codegen.c.operators.layers import STACK_AXES, declare_matmul
from codegen.c.step import StepWriter
from edgekit.ir import Node
from edgekit.ir.ops import QMatMul

PLACES = 1 << 16
"""Scatter stores and gather loads have 16-bit offsets."""
CALL, COLUMNS, PRODUCT, STEP_CALL = 8, 34, 90, 130
"""Instructions in C: of a call of the function, of two columns, of a product, of a layer."""


def scaling(node: Node) -> Scaling | str:
    """How sums become outputs, or why the function cannot compute a node."""
    op, depth, columns = node.op, node.input(0).type.shape[-1], node.input(1).type.shape[-1]
    assert isinstance(op, QMatMul)
    if len(node.output.type.shape) > STACK_AXES + 2:
        return "too many axes"
    if columns < 2 or scratch(node) > SCRATCH:
        return "one column, or more rows of the right matrix than are expanded at once"
    if STEP * columns >= PLACES or 255 * 255 * depth >= 2**31:
        return "too wide for 16-bit offsets"
    found = scaling_of(op.requant, np.array([255 * 255 * depth]), late=True)
    return found or f"no vector form of its {op.requant.rule.value} rounding is proven"


def scratch(node: Node) -> int:
    """Bytes of two expanded columns."""
    return 4 * STEP * -(-node.input(0).type.shape[-1] // STEP)


def emit(w: StepWriter, found: Scaling) -> None:
    """Write a step."""
    op = attributes(w, QMatMul)
    a, b, q = w.node.input(0), w.node.input(1), op.requant
    (rows, depth), columns = a.type.shape[-2:], b.type.shape[-1]
    form, lines = found.form, np.minimum(np.arange(TILE), rows - 1)
    table = found.table(np.zeros(1, np.int32))[0].tolist()
    layer = w.declare(
        "ek_matmul_pair", "layer", panel="NULL", steps=(depth - 1) // STEP,
        rest=(depth - 1) % STEP + 1, tiles=0, x_step=TILE * depth, y_step=TILE * columns,
        row=braces((lines[1:] * depth).tolist()),
        place=braces([int(n) * columns + c for n in lines for c in range(2)]),
        table=braces(2 * table), scaling=form.fields(q.zero_point, q.low, q.high),
    )  # fmt: skip
    source = w.declare("ek_matmul_source", "source", depth=depth, columns=columns, zero=op.b_zero)
    multiply = w.function(form.isa, pair_block(form)[0], "ek_matmul_pair_s8")
    fill = w.function(MVE, fill_block()[0], "ek_matmul_fill_s8")
    w.call(
        "ek_matmul_pairs_s8", declare_matmul(w), layer, source, multiply, fill,
        -op.a_zero * (1 << (form.left if form.late else 0)), w.read(a), w.read(b),
        f"(int16_t *)(void *){w.scratch()}", w.write(w.node.output),
    )  # fmt: skip


def cost(node: Node, found: Scaling) -> Cost:
    """Executed by one run."""
    rows, depth = node.input(0).type.shape[-2:]
    columns = node.output.type.shape[-1]
    (block, tile, step), (fill, eight) = pair_block(found.form), fill_block()
    calls = (rows >= TILE) + (rows % TILE > 0)
    pair = COLUMNS + fill.cost() - eight + -(-depth // STEP) * eight
    pair += calls * (block.cost() - tile - step + CALL)
    pair += -(-rows // TILE) * (tile + (depth - 1) // STEP * step)
    count = node.output.type.size // (rows * columns)
    return count * (PRODUCT + -(-columns // 2) * pair) + STEP_CALL


MATMUL = prepared("matmul pairs", scaling, emit, cost, scratch=lambda node, _: scratch(node))
"""All rows with two columns."""

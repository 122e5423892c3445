"""Products of two int8 matrices on RV32IMC: packed products of six rows with four columns."""

from __future__ import annotations

import numpy as np

from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.isa import RV32
from codegen.assembly.prepared import prepared
from codegen.assembly.rv32.dense import unroll_of
from codegen.assembly.rv32.matmul_block import CHUNK, EXCESS, FRAME, rows_count, rows_function
from codegen.assembly.rv32.products import COLUMN, FILTERS, SLOTS
from codegen.assembly.rv32.registers import SAVED
from codegen.assembly.rv32.scale import NO_FORM, Scaling, field_bits, find_scaling
from codegen.c.operators.geometry import braces
from codegen.c.operators.integer import attributes
from codegen.c.operators.layers import STACK_AXES, declare_matmul
from codegen.c.step import StepWriter
from edgekit.ir import Node
from edgekit.ir.ops import QMatMul

MOST_DEPTH = 256
"""Columns of the left matrix whose six rows are packed."""
PER_LEFT, PER_RIGHT, PER_TILE, PER_MATRIX = 7.5, 5, 190, 90
"""Instructions of the driver in C, counted: for elements of both matrices, six rows, a product."""
Constants = tuple[Scaling, int]
"""Of a product, and the bits of the field of a sum."""


@cached
def scaling_of(node: Node) -> Constants | str:
    """The constants of a product and the bits of the field of a sum, or why the function cannot
    compute it."""
    op, a, b = node.op, node.input(0).type.shape, node.input(1).type.shape
    assert isinstance(op, QMatMul)
    if len(node.output.type.shape) > STACK_AXES + 2:
        return "too many axes"
    if a[-1] > MOST_DEPTH or a[-2] < 2 or b[-1] < FILTERS:
        return f"at least 2 rows and {FILTERS} columns only, up to {MOST_DEPTH} deep"
    ends = np.multiply.outer(*(np.array([-128, 127]) - zero for zero in (op.a_zero, op.b_zero)))
    low, high = (np.array([a[-1] * end], np.int64) for end in (ends.min(), ends.max()))
    none = np.zeros(1, np.int64)
    bits = field_bits(np.minimum(low, none), np.maximum(high, none))
    found = find_scaling(op.requant, low, high, none, bits)
    return NO_FORM if found is None else (found, bits)


def scratch(node: Node, _: Constants) -> int:
    """Bytes of the packed rows and of the columns' terms."""
    return COLUMN * node.input(0).type.shape[-1] + 4 * node.output.type.shape[-1]


def emit(w: StepWriter, found: Constants) -> None:
    """Write a step."""
    op, (scaling, bits) = attributes(w, QMatMul), found
    a, b, y = w.node.input(0), w.node.input(1), w.node.output
    depth, columns = b.type.shape[-2:]
    low, top = op.requant.low, op.requant.high - op.requant.low
    layer = w.declare(
        "ek_matmul_packed", "layer", start=braces([1 << (bits - 1)] * SLOTS),
        next=braces([0] * SLOTS), terms="NULL", excess=EXCESS * -(-depth // CHUNK), depth=depth,
        columns=columns, table=braces(scaling.table.tolist()), left=32 - bits, top=top,
        zero=2 * (op.requant.zero_point - low) + 1, low=low,
    )  # fmt: skip
    kernel = f"ek_matmul_packed{'_signed' * scaling.is_signed}_s8"
    code = rows_function(unroll_of(depth), low, top, scaling.is_signed)
    words = f"(uint32_t *)(void *){w.scratch()}"
    terms = f"(int32_t *)(void *)({w.scratch()} + {COLUMN * depth})"
    w.call(
        "ek_matmul_sixes_s8", declare_matmul(w), layer, w.function(RV32, code, kernel), op.a_zero,
        op.b_zero, w.read(a), w.read(b), terms, words, w.write(y),
    )  # fmt: skip


def cost(node: Node, found: Constants) -> Cost:
    """Executed by one run."""
    rows, depth = node.input(0).type.shape[-2:]
    columns = node.output.type.shape[-1]
    count = node.output.type.size // (rows * columns)
    tile = rows_count(depth, columns, found[0].is_signed)
    tile += Cost(packing=PER_LEFT * SLOTS * depth, control=PER_TILE)
    terms = Cost(packing=PER_RIGHT * depth * columns)
    return count * (PER_MATRIX + terms + -(-rows // SLOTS) * tile) + PER_MATRIX


MATMUL = prepared(
    "matmul packed",
    scaling_of,
    emit,
    cost,
    scratch=scratch,
    stack=lambda node, _: 4 * (len(FRAME) + len(SAVED) + 2),
)
"""Six rows with all columns."""

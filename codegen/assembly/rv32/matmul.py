"""Products of two int8 matrices on RV32IMC: packed products of six rows with four columns."""

from __future__ import annotations

import numpy as np

from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.isa import RV32
from codegen.assembly.rv32.dense import unroll_of
from codegen.assembly.rv32.matmul_block import CHUNK, EXCESS, FRAME, rows_count, rows_function
from codegen.assembly.rv32.products import COLUMN, FILTERS, SLOTS
from codegen.assembly.rv32.registers import SAVED
from codegen.assembly.rv32.scale import Scaling, field_bits, find_scaling
from codegen.c.operators.geometry import braces
from codegen.c.operators.integer import attributes
from codegen.c.operators.layers import STACK_AXES, declare_matmul
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.ops import QMatMul

MOST_DEPTH = 256
"""Columns of the left matrix whose six rows are packed."""
PER_LEFT, PER_RIGHT, PER_TILE, PER_MATRIX = 7.5, 5, 190, 90
"""Instructions of the driver in C, counted: for elements of both matrices, six rows, a product."""


@cached
def scaling_of(node: Node) -> tuple[Scaling, int] | None:
    """The constants of a product and the bits of the field of a sum."""
    op, depth = node.op, node.input(0).type.shape[-1]
    assert isinstance(op, QMatMul)
    ends = np.multiply.outer(*(np.array([-128, 127]) - zero for zero in (op.a_zero, op.b_zero)))
    low, high = (np.array([depth * end], np.int64) for end in (ends.min(), ends.max()))
    none = np.zeros(1, np.int64)
    bits = field_bits(np.minimum(low, none), np.maximum(high, none))
    found = find_scaling(op.requant, low, high, none, bits)
    return None if found is None else (found, bits)


def refuse(node: Node) -> str:
    """Why the function cannot compute a node; empty where it can."""
    a, b = node.input(0).type.shape, node.input(1).type.shape
    if len(node.output.type.shape) > STACK_AXES + 2:
        return "too many axes"
    if a[-1] > MOST_DEPTH or a[-2] < 2 or b[-1] < FILTERS:
        return f"at least 2 rows and {FILTERS} columns only, up to {MOST_DEPTH} deep"
    return "" if scaling_of(node) else "a scale has no proven form"


def scratch(node: Node) -> int:
    """Bytes of the packed rows and of the columns' terms."""
    return COLUMN * node.input(0).type.shape[-1] + 4 * node.output.type.shape[-1]


def emit(w: StepWriter) -> None:
    """Write a step."""
    op, found = attributes(w, QMatMul), scaling_of(w.node)
    assert found is not None
    scaling, bits = found
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


def cost(node: Node) -> Cost:
    """Executed by one run."""
    found, (rows, depth) = scaling_of(node), node.input(0).type.shape[-2:]
    assert found is not None
    columns = node.output.type.shape[-1]
    count = node.output.type.size // (rows * columns)
    tile = rows_count(depth, columns, found[0].is_signed)
    tile += Cost(packing=PER_LEFT * SLOTS * depth, control=PER_TILE)
    terms = Cost(packing=PER_RIGHT * depth * columns)
    return count * (PER_MATRIX + terms + -(-rows // SLOTS) * tile) + PER_MATRIX


MATMUL = Variant(
    emit,
    scratch,
    name="matmul packed",
    refuse=refuse,
    cost=cost,
    stack=lambda node: 4 * (len(FRAME) + len(SAVED) + 2),
)
"""Six rows with all columns."""

"""Sums of two int8 tensors of one shape as an affine function: what instruction sets share."""

from __future__ import annotations

from collections.abc import Callable

from codegen.assembly.block import Block
from codegen.assembly.isa import Isa
from codegen.c.operators.integer import attributes
from codegen.c.step import StepWriter
from edgekit.ir import DType, Node
from edgekit.ir.ops import QAdd
from quantize.affine_sum import affine_sum

FIRST, SECOND, OFFSET, SHIFT, COUNT, LOW, HIGH = range(0, 28, 4)
"""Of ``ek_affine_terms``."""
KERNEL = "ek_affine_sum_s8"


def refuse(node: Node) -> str:
    """Why a sum cannot be computed as one affine function."""
    op, types = node.op, [node.input(0).type, node.input(1).type, node.output.type]
    assert isinstance(op, QAdd)
    if {t.dtype for t in types} != {DType.INT8} or len({t.shape for t in types}) > 1:
        return "int8 tensors of one shape only"
    return "" if affine_sum(op) else "no affine form is proven"


def emit(w: StepWriter, isa: Isa, write: Callable[[bool], Block]) -> None:
    """Emit a sum; ``write`` makes the function, with a clamp or without."""
    op = attributes(w, QAdd)
    form = affine_sum(op)
    assert form is not None  # else refused
    low, high = op.requant.low, op.requant.high
    fields = w.declare(
        "ek_affine_terms",
        "sum",
        first=form.first,
        second=form.second,
        offset=form.offset,
        shift=form.shift,
        count=w.node.output.type.size,
        low=low,
        high=high,
    )
    block = write((low, high) != (-128, 127))
    operands = w.read(w.node.input(0)), w.read(w.node.input(1))
    w.assemble(isa, block, KERNEL, fields, *operands, w.write(w.node.output))

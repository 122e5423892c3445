"""Sums of two int8 tensors of one shape as an affine function: what instruction sets share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.isa import Isa
from codegen.c.operators.integer import attributes, declare_affine_sum
from codegen.c.step import StepWriter
from edgekit.ir import DType, Node
from edgekit.ir.ops import QAdd
from quantize.affine_sum import affine_sum

COUNT, FIRST, SECOND, OFFSET, SHIFT, LOW, HIGH = range(0, 28, 4)
"""Offsets in ``ek_affine_sum``."""
KERNEL = "ek_affine_add_s8"


@dataclass(frozen=True)
class SumCost:
    """Instructions of an instruction set's kernel.

    Attributes:
        call: of a sum.
        element: of each element; ``clamped``: more, to less than int8.
    """

    call: int
    element: Cost
    clamped: float

    def total(self, node: Node) -> Cost:
        """All elements."""
        each = self.element + Cost(requantize=self.clamped * _clamps(node))
        return self.call + node.output.type.size * each


def refuse(node: Node) -> str:
    """Why a sum cannot be computed as one affine function."""
    op, types = node.op, [node.input(0).type, node.input(1).type, node.output.type]
    assert isinstance(op, QAdd)
    if {t.dtype for t in types} != {DType.INT8} or len({t.shape for t in types}) > 1:
        return "int8 tensors of one shape only"
    return "" if affine_sum(op) else "no affine form is proven"


def emit(w: StepWriter, isa: Isa, write: Callable[[bool, int], Block]) -> None:
    """Emit a sum; ``write`` makes the function, with a clamp or without, for one shift."""
    op = attributes(w, QAdd)
    form = affine_sum(op)
    assert form is not None  # else refused
    fields = declare_affine_sum(w, op, form)
    block = write(_clamps(w.node), form.shift)
    operands = w.read(w.node.input(0)), w.read(w.node.input(1))
    w.assemble(isa, block, KERNEL, fields, *operands, w.write(w.node.output))


def _clamps(node: Node) -> bool:
    """Whether outputs are clamped to less than int8."""
    assert isinstance(node.op, QAdd)
    return (node.op.requant.low, node.op.requant.high) != (-128, 127)

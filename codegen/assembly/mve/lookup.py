"""Functions of one int8 element: sixteen entries of the table are gathered at once."""

from __future__ import annotations

from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.isa import MVE
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.overlap import by_element
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node

LANES = 16


def lookup_block() -> Block:
    """``ek_lookup_s8(size, table, x, y)``."""
    b = Block("lookup")
    b.name(size="r0", table="r1", x="r2", y="r3", index="q0", found="q1", sign="q2")
    b.op("push {{r4, lr}}")
    b.op("vmov.i8 {sign}, #0x80")
    done = b.label("done")
    b.op("wlstp.8 lr, {size}, {done}", done=done)
    with b.loop("letp lr, {head}"):
        b.op("vldrb.8 {index}, [{x}], #16")
        b.op("veor {index}, {index}, {sign}")
        b.op("vldrb.u8 {found}, [{table}, {index}]")
        b.op("vstrb.8 {found}, [{y}], #16")
    b.place(done)
    b.op("pop {{r4, pc}}")
    return b


def _emit(w: StepWriter) -> None:
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    table = w.table(w.node.input(1).array, "table")
    w.assemble(MVE, lookup_block(), "ek_lookup_s8", w.node.output.type.size, table, x, y)


def _refuse(node: Node) -> str:
    values = (node.input(0), node.input(1), node.output)
    return "" if all(v.type.dtype is DType.INT8 for v in values) else OtherKind("not int8")


def _cost(node: Node) -> Cost:
    turns = -(-node.output.type.size // LANES)
    return 8 + turns * (Cost(products=3) + Cost(packing=1) + 1)


LOOKUP = Variant(
    _emit,
    overlap=by_element,
    name="lookup",
    refuse=_refuse,
    cost=_cost,
)

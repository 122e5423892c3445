"""Sums of tensors of one shape in one affine step (`quantize.affine_sum`), eight at a time.

The shift costs nothing, as both of its halves narrow; it is part of the function. The second half
rounds, for which the offset is less by half a unit: binutils 2.40 writes VQRSHRNB for VQSHRNB.
"""

from __future__ import annotations

from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.isa import MVE
from codegen.assembly.refusal import OtherKind
from codegen.assembly.sums import LOW
from codegen.c.operators.integer import declare_affine_sum
from codegen.c.operators.overlap import by_element
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node
from edgekit.ir.ops import QAdd
from quantize.affine_sum import affine_sum

HALFWORD = 16
"""Bits that the first half of the shift drops."""


def add_block(clamped: bool, shift: int) -> Block:
    """``ek_affine_add_s8(a, x0, x1, y)``."""
    b = Block(f"add_{shift}" + "_clamped" * clamped)
    b.name(a="r0", x0="r1", x1="r2", y="r3", count="r4", second="r6", offset="r7")
    b.name(factor="q3", low="q4", high="q5")
    b.op("push {{r4-r8, lr}}")
    b.op("ldm {a}, {{r4-r7}}")
    b.op("vdup.32 {factor}, r5")
    b.op("sub {offset}, {offset}, #{half}", half=1 << shift - 1)
    if clamped:
        b.op("vpush {{d8-d11}}")
        b.op("ldrd r5, r0, [{a}, #{at}]", at=LOW)
        b.op("vdup.8 {low}, r5")
        b.op("vdup.8 {high}, r0")
    one_by_one, done = b.labels("one_by_one done")
    b.op("lsr r5, {count}, #3")
    b.op("and {count}, {count}, #7")
    b.op("wls lr, r5, {rest}", rest=one_by_one)
    with b.loop("le lr, {head}"):
        b.op("vldrb.s32 q0, [{x0}], #4")
        b.op("vldrb.s32 q2, [{x1}], #4")
        b.op("vldrb.s32 q1, [{x0}], #4")
        _sum(b, "q0")
        b.op("vldrb.s32 q2, [{x1}], #4")
        _sum(b, "q1")
        _store(b, "q0", clamped, shift)
        _store(b, "q1", clamped, shift)
    b.place(one_by_one)
    b.op("wlstp.32 lr, {count}, {done}", done=done)
    with b.loop("letp lr, {head}"):
        b.op("vldrb.s32 q0, [{x0}], #4")
        b.op("vldrb.s32 q2, [{x1}], #4")
        _sum(b, "q0")
        _store(b, "q0", clamped, shift)
    b.place(done)
    if clamped:
        b.op("vpop {{d8-d11}}")
    b.op("pop {{r4-r8, pc}}")
    return b


@noted
def _sum(b: Block, q: str) -> None:
    """q = q * first + offset + q2 * second."""
    b.op(f"vmlas.s32 {q}, {{factor}}, {{offset}}")
    b.op(f"vmla.s32 {q}, q2, {{second}}")


@noted
def _store(b: Block, q: str, clamped: bool, shift: int) -> None:
    """Shift by a halfword, then by the rest, and store the lowest byte of each word."""
    b.op(f"vshrnb.i32 {q}, {q}, #{HALFWORD}")
    b.op(f"vqrshrnb.s16 {q}, {q}, #{shift - HALFWORD}")
    if clamped:
        b.op(f"vmax.s8 {q}, {q}, {{low}}")
        b.op(f"vmin.s8 {q}, {q}, {{high}}")
    b.op(f"vstrb.32 {q}, [{{y}}], #4")


def _is_clamped(op: QAdd) -> bool:
    return (op.requant.low, op.requant.high) != (-128, 127)


def emit_add(w: StepWriter) -> None:
    op = w.node.op
    assert isinstance(op, QAdd)
    form = affine_sum(op)
    assert form is not None
    a, b = w.node.input(0), w.node.input(1)
    pointer = declare_affine_sum(w, op, form)
    block = add_block(_is_clamped(op), form.shift)
    w.assemble(
        MVE, block, "ek_affine_add_s8", pointer, w.read(a), w.read(b), w.write(w.node.output)
    )


def _refuse(node: Node) -> str:
    op = node.op
    assert isinstance(op, QAdd)
    values = (node.input(0), node.input(1), node.output)
    if any(v.type.dtype is not DType.INT8 for v in values):
        return OtherKind("not int8")
    if len({v.type.size for v in values}) > 1:
        return "an operand repeats"
    form = affine_sum(op)
    if form is None:
        return "no affine form is equal"
    return "" if form.shift > HALFWORD else "factors above 64"


def _cost(node: Node) -> Cost:
    op, size = node.op, node.output.type.size
    assert isinstance(op, QAdd)
    clamp = 2 if _is_clamped(op) else 0
    four = Cost(products=4, requantize=3 + clamp)
    return 17 + 2 * clamp + size // 8 * (2 * four + 1) + -(-(size % 8) // 4) * (four + 1)


ADD = Variant(
    emit_add,
    overlap=by_element,
    name="affine",
    refuse=_refuse,
    cost=_cost,
)

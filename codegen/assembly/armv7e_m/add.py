"""Sums of int8 tensors on Armv7E-M: one affine function of both operands, proven on all pairs.

The form is that of `quantize.affine_sum`. With bytes in the upper half of a halfword SMLAW
multiplies them by a 32-bit factor, drops 16 bits (8 of the product by the byte) and adds; with a
shift by 16 the outputs are upper halves, of which USAT16 clamps two at once, 128 higher.
"""

from __future__ import annotations

from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.overlap import by_element
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node
from edgekit.ir.ops import QAdd
from quantize.affine_sum import AffineSum, affine_sum

BLOCK = 8
"""Elements of one turn of the loop."""
_SHIFT = 16
_BYTES = "#0xff00ff00"


def sum_of(node: Node) -> AffineSum | None:
    """The proven constants of a sum, with a shift by a whole halfword."""
    op = node.op
    assert isinstance(op, QAdd)
    found = affine_sum(op, _SHIFT, dropped=8)
    return found if found is not None and found.shift == _SHIFT else None


def add_block() -> Block:
    """``(const ek_add_affine *, a, b, y)``: eight elements a turn, the rest one by one."""
    b = Block("add_affine")
    b.name(a="r1", b="r2", y="r3", count="r4", first="r5", second="r6", start="r7")
    b.name(x0="r8", x1="r9", z0="r10", z1="r11", odd="r12", odd_z="lr", sum="r0")
    one, rest, done = b.labels("one rest done")
    b.op("push {{r4-r11, lr}}")
    b.op("ldm r0, {{{count}, {first}, {second}, {start}}}")
    b.op("subs {count}, {count}, #{block}", block=BLOCK)
    b.op("blt {label}", label=rest)
    with b.loop("subs {count}, {count}, #8", "bge {head}"):
        b.op("ldm {a}!, {{{x0}, {x1}}}")
        b.op("ldm {b}!, {{{z0}, {z1}}}")
        _four(b, "x0", "z0")
        _four(b, "x1", "z1")
        b.op("stm {y}!, {{{x0}, {x1}}}")
    b.place(rest)
    b.op("adds {count}, {count}, #{block}", block=BLOCK)
    b.op("beq {label}", label=done)
    b.place(one)
    b.op("ldrsb {x0}, [{a}], #1")
    b.op("ldrsb {z0}, [{b}], #1")
    b.op("lsl {x0}, {x0}, #8")
    b.op("lsl {z0}, {z0}, #8")
    b.op("smlawb {sum}, {first}, {x0}, {start}")
    b.op("smlawb {sum}, {second}, {z0}, {sum}")
    b.op("usat {sum}, #8, {sum}, asr #16")
    b.op("eor {sum}, {sum}, #0x80")
    b.op("strb {sum}, [{y}], #1")
    b.op("subs {count}, {count}, #1")
    b.op("bne {label}", label=one)
    b.place(done)
    b.op("pop {{r4-r11, pc}}")
    return b


@noted
def _four(b: Block, x: str, z: str) -> None:
    """Four elements of both operands; the outputs replace ``x``."""
    b.name(x=b.reg(x), z=b.reg(z))
    b.op("and {odd}, {x}, {bytes}", bytes=_BYTES)
    b.op("and {odd_z}, {z}, {bytes}", bytes=_BYTES)
    _two(b, "odd", "odd_z")
    b.op("lsl {x}, {x}, #8")
    b.op("and {x}, {x}, {bytes}", bytes=_BYTES)
    b.op("lsl {z}, {z}, #8")
    b.op("and {z}, {z}, {bytes}", bytes=_BYTES)
    _two(b, "x", "z")
    b.op("orr {x}, {x}, {odd}, lsl #8")
    b.op("eor {x}, {x}, #0x80808080")


@noted
def _two(b: Block, x: str, z: str) -> None:
    """Elements in both halves of ``x`` and ``z``: outputs plus 128 in the halves of ``x``."""
    b.name(two=b.reg(x), two_z=b.reg(z))
    b.op("smlawb {sum}, {first}, {two}, {start}")
    b.op("smlawt {two}, {first}, {two}, {start}")
    b.op("smlawb {sum}, {second}, {two_z}, {sum}")
    b.op("smlawt {two}, {second}, {two_z}, {two}")
    b.op("pkhtb {two}, {two}, {sum}, asr #16")
    b.op("usat16 {two}, #8, {two}")


def emit(w: StepWriter) -> None:
    """Write a step."""
    found = sum_of(w.node)
    assert found is not None
    args = w.declare(
        "ek_add_affine",
        "args",
        count=w.node.output.type.size,
        first=found.first,
        second=found.second,
        start=found.offset + (128 << _SHIFT),
    )
    a, b = w.read(w.node.input(0)), w.read(w.node.input(1))
    w.assemble(ARMV7E_M, add_block(), "ek_add_affine_s8", args, a, b, w.write(w.node.output))


def refuse(node: Node) -> str:
    """Why a sum cannot be computed by the block."""
    op = node.op
    assert isinstance(op, QAdd)
    operands = (node.input(0), node.input(1))
    if {v.type.dtype for v in (*operands, node.output)} != {DType.INT8}:
        return OtherKind("not a sum of int8 tensors")
    if any(v.is_constant or v.type.shape != node.output.type.shape for v in operands):
        return "an operand is constant or repeated"
    if (op.requant.low, op.requant.high) != (-128, 127):
        return "a clamp of its own"
    return "" if sum_of(node) is not None else "no affine form is proven"


def cost(node: Node) -> Cost:
    """Executed by the block."""
    turns, rest = divmod(node.output.type.size, BLOCK)
    turn = Cost(products=18, packing=12, requantize=13, control=2)
    one = Cost(products=4, packing=2, requantize=3, control=2)
    return 16 + turn * turns + one * rest


ADD = Variant(
    emit,
    overlap=by_element,
    name="add",
    refuse=refuse,
    cost=cost,
)

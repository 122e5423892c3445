"""Products of int16 tensors on Armv7E-M, rounded twice as TFLite's are.

The rounded high word of ``2 * p * m`` is SMMLAR of ``p * (2 * m - 2**32)`` and ``p``, so that ``p``
may have 31 bits.
"""

from __future__ import annotations

from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.overlap import by_element
from codegen.c.operators.wide import declare_product, refuse_product
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node
from edgekit.ir.ops import QMul


def product_block(shift: int, positive: bool) -> Block:
    """``(const ek_wide_product *, x, z, y)``: two elements a turn, then one that is left.

    Args:
        shift: to the right.
        positive: outputs begin at 0.
    """
    b = Block(f"product_s16_s{shift}" + "_positive" * positive)
    b.name(x="r1", z="r2", y="r3", count="r4", multiplier="r5", half="r6")
    b.name(xs="r7", zs="r8", first="r9", second="r10", product="r0", other="r12")
    rest, done = b.labels("rest done")
    clamp = "usat {sum}, #15" if positive else "ssat {sum}, #16"
    b.op("push {{r4-r10, lr}}")
    b.op("ldm r0, {{{count}, {multiplier}, {half}}}")
    b.op("lsl {multiplier}, {multiplier}, #1")
    b.op("subs {count}, {count}, #2")
    b.op("blt {label}", label=rest)
    with b.loop("subs {count}, {count}, #2", "bge {head}"):
        b.op("ldr {xs}, [{x}], #4")
        b.op("ldr {zs}, [{z}], #4")
        b.op("smulbb {product}, {xs}, {zs}")
        b.op("smultt {other}, {xs}, {zs}")
        _scale(b, "product", "first", clamp, shift)
        _scale(b, "other", "second", clamp, shift)
        b.op("pkhbt {first}, {first}, {second}, lsl #16")
        b.op("str {first}, [{y}], #4")
    b.place(rest)
    b.op("adds {count}, {count}, #2")
    b.op("beq {label}", label=done)
    b.op("ldrh {xs}, [{x}]")
    b.op("ldrh {zs}, [{z}]")
    b.op("smulbb {product}, {xs}, {zs}")
    _scale(b, "product", "first", clamp, shift)
    b.op("strh {first}, [{y}]")
    b.place(done)
    b.op("pop {{r4-r10, pc}}")
    return b


@noted
def _scale(b: Block, product: str, sum: str, clamp: str, shift: int) -> None:
    """The high word, half of a unit, one less below zero; the shift."""
    b.name(of=b.reg(product), sum=b.reg(sum))
    b.op("smmlar {sum}, {of}, {multiplier}, {of}")
    b.op("add {sum}, {sum}, {of}, asr #31")
    b.op("add {sum}, {sum}, {half}")
    b.op(f"{clamp}, {{sum}}, asr #{shift}")


def emit(w: StepWriter) -> None:
    """Write a step."""
    op = w.node.op
    assert isinstance(op, QMul)
    block = product_block(-op.requant.shift[0], op.requant.low == 0)
    w.assemble(ARMV7E_M, block, "ek_product_s16", *declare_product(w))


def refuse(node: Node) -> str:
    """Why the block cannot compute a product."""
    op = node.op
    assert isinstance(op, QMul)
    if node.output.type.dtype is not DType.INT16:
        return OtherKind("not a product of int16 tensors")
    clamped = op.requant.low not in (0, -(2**15))
    return refuse_product(node) or ("a clamp of its own" if clamped else "")


def cost(node: Node) -> Cost:
    """Executed by the block."""
    pairs, rest = divmod(node.output.type.size, 2)
    pair = Cost(products=4, requantize=8, packing=1, control=3)
    return 8 + pairs * pair + rest * Cost(products=3, requantize=4, control=1)


MUL_WORDS = Variant(
    emit,
    overlap=by_element,
    name="mul words",
    refuse=refuse,
    cost=cost,
)
"""Products of int16."""

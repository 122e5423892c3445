"""Sums of int16 tensors on Armv7E-M: TFLite's recipe by two high words (`quantize.wide_sum`)."""

from __future__ import annotations

from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.overlap import by_element
from codegen.c.operators.wide import declare_sum
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node
from quantize.wide_sum import WideSum, wide_sum


def sum_block(form: WideSum) -> Block:
    """``(const ek_wide_sum *, x, z, y)``: two elements a turn, then one that is left.

    Of the form only shifts, the rule, signs and whether outputs begin at 0 are in the code.
    """
    marks = ("once" * form.once, "minus" * (form.multiplier < 0), "positive" * (form.low == 0))
    shifts = f"s{form.shift}", f"s{form.out_shift}"
    b = Block("_".join(("sum_s16", *shifts, *filter(None, marks))))
    b.name(x="r1", z="r2", y="r3", count="r4", factor="r5", multiplier="r6", half="r7")
    b.name(scale="r8", out_half="r9", xs="r10", zs="r11", high="r12", sum="lr", first="r0")
    rest, done = b.labels("rest done")
    b.op("push {{r4-r11, lr}}")
    b.op("ldm r0, {{{count}, {factor}, {multiplier}, {half}, {scale}, {out_half}}}")
    if form.multiplier < 0 and _is_away(form):
        b.op("sub {half}, {half}, #1")
    b.op("subs {count}, {count}, #2")
    b.op("blt {label}", label=rest)
    with b.loop("subs {count}, {count}, #2", "bge {head}"):
        b.op("ldr {xs}, [{x}], #4")
        b.op("ldr {zs}, [{z}], #4")
        b.op("lsl {high}, {zs}, #16")
        _one(b, form, "smulbb", "high", "first")
        b.op("bfc {zs}, #0, #16")
        _one(b, form, "smultb", "zs", "sum")
        b.op("pkhbt {first}, {first}, {sum}, lsl #16")
        b.op("str {first}, [{y}], #4")
    b.place(rest)
    b.op("adds {count}, {count}, #2")
    b.op("beq {label}", label=done)
    b.op("ldrsh {xs}, [{x}]")
    b.op("ldrh {zs}, [{z}]")
    b.op("lsl {high}, {zs}, #16")
    _one(b, form, "smulbb", "high", "first")
    b.op("strh {first}, [{y}]")
    b.place(done)
    b.op("pop {{r4-r11, pc}}")
    return b


@noted
def _one(b: Block, form: WideSum, multiply: str, z: str, out: str) -> None:
    """One output from a half of `xs`, and of the other operand times 2**16."""
    b.name(other=b.reg(z), out=b.reg(out))
    if form.shift == 0:
        b.op(f"{multiply} {{sum}}, {{xs}}, {{factor}}")
        b.op("smmlar {sum}, {other}, {multiplier}, {sum}")
    else:
        b.op(f"smmla{'' if form.once else 'r'} {{sum}}, {{other}}, {{multiplier}}, {{half}}")
        if not form.once:
            b.op(f"{'sub' if form.multiplier < 0 else 'add'} {{sum}}, {{sum}}, {{other}}, asr #31")
        b.op(f"{multiply} {{other}}, {{xs}}, {{factor}}")
        b.op(f"add {{sum}}, {{other}}, {{sum}}, asr #{form.shift}")
    if form.once:
        b.op("smmla {other}, {sum}, {scale}, {out_half}")
    else:
        b.op("lsl {sum}, {sum}, #1")
        b.op("smmlar {other}, {sum}, {scale}, {out_half}")
        b.op("add {other}, {other}, {sum}, asr #31")
    clamp = "usat {out}, #15" if form.low == 0 else "ssat {out}, #16"
    b.op(f"{clamp}, {{other}}, asr #{form.out_shift}")


def _is_away(form: WideSum) -> bool:
    """Whether the other operand is rounded half away from zero. Where its factor is negative, what
    is positive is known from what is not, so that the unit is taken off beforehand."""
    return form.shift > 0 and not form.once


def emit(w: StepWriter) -> None:
    """Write a step."""
    form = wide_sum(w.node)
    assert isinstance(form, WideSum)
    w.assemble(ARMV7E_M, sum_block(form), "ek_sum_s16", *declare_sum(w, form))


def refuse(node: Node) -> str:
    """Why a sum cannot be computed by the block."""
    if node.output.type.dtype is not DType.INT16:
        return OtherKind("not a sum of int16 tensors")
    form = wide_sum(node)
    if isinstance(form, str):
        return form
    return "" if form.low in (0, -(2**15)) else "a clamp of its own"


def cost(node: Node) -> Cost:
    """Executed by the block."""
    form = wide_sum(node)
    assert isinstance(form, WideSum)
    products = 2 + (form.shift > 0) * (2 - form.once)
    one = Cost(products=products, requantize=2 if form.once else 4)
    pairs, rest = divmod(node.output.type.size, 2)
    pair = 2 * one + Cost(packing=3, control=5)
    start = 6 + (form.multiplier < 0 and _is_away(form))
    return start + pair * pairs + (one + Cost(packing=1, control=3)) * rest


ADD_WORDS = Variant(
    emit,
    overlap=by_element,
    name="add words",
    refuse=refuse,
    cost=cost,
)
"""Sums of int16."""

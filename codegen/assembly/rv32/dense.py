"""Dense layers: one load, one multiplication and one addition for each weight.

A block of outputs keeps its sums in registers, so that each input is loaded once for all of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.block import noted
from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.isa import RV32
from codegen.assembly.rv32.blocks import NEXT_BLOCK, load_constants, next_block
from codegen.assembly.rv32.layer import accumulators, pack_weights
from codegen.assembly.rv32.outputs import (
    SATURATED,
    clamp_and_store,
    clamp_suffix,
    scale,
    scale_signed,
)
from codegen.assembly.rv32.registers import SAVED, Function
from codegen.assembly.rv32.scale import NO_FORM, Scaling, find_scaling, without_scaling
from codegen.c.operators.integer import attributes
from codegen.c.operators.overlap import by_row
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node
from edgekit.ir.ops import QDense

BLOCKS = (16, 8, 4, 2, 1)
"""How many outputs may be computed together."""
WEIGHTS, TABLE, DEPTH, OUTPUTS, TOP, ZERO, START, LEFT, PIECES, PIECE = (4 * i for i in range(10))
"""Fields of ``ek_dense_scaled``."""
SUMS = (*(f"s{i}" for i in range(12)), "t3", "t4", "t5", "t6")
_WORDS = ("y", "weights", "x", "row", "last", "channel", "layer")


def dense(block: int, unroll: int, low: int, top: int, is_signed: bool) -> Function:
    """``ek_dense_scaled_s8(layer, x, y)``, or that with a correction."""
    kind = "_signed" if is_signed else ""
    b = Function(f"dense{block}x{unroll}{kind}{clamp_suffix(low, top)}", _WORDS)
    sums = SUMS[:block]
    _enter(b, block)
    with b.loop("bnez {left}, {head}"):
        _sum(b, sums, unroll)
        b.name(row="a0", y="a1", u="a2", t="a3", multiplier="a4", offset="a5", shift="a6")
        b.name(top="a7", up="t0", zero="t1", correction="t2", layer="ra")
        for name in ("layer", "row", "y"):
            b.load(b.reg(name), name)
        b.load(b.reg("t"), "channel")
        b.op("add {y}, {y}, {t}")
        for name, at in (("top", TOP), ("up", LEFT), ("zero", ZERO)):
            b.op(f"lw {{{name}}}, {{at}}({{layer}})", at=at)
        for i, register in enumerate(sums):
            load_constants(b, "row", i)
            b.op("sll {u}, {s}, {up}", s=register)
            if is_signed:
                b.op("srai {correction}, {shift}, 5")
            (scale_signed if is_signed else scale)(b)
            clamp_and_store(b, low, top, f"{i}({b.reg('y')})")
        next_block(b, block)
    b.finish()
    return b


def _enter(b: Function, block: int) -> None:
    b.name(layer="a0", x="a1", y="a2", u="a3")
    for name in ("layer", "x", "y"):
        b.store(b.reg(name), name)
    for field, word in ((WEIGHTS, "weights"), (TABLE, "row")):
        b.op("lw {u}, {at}({layer})", at=field)
        b.store(b.reg("u"), word)
    b.op("lw {u}, {at}({layer})", at=OUTPUTS)
    b.op("addi {u}, {u}, {less}", less=-block)
    b.store(b.reg("u"), "last")
    b.store("zero", "channel")


@noted
def _sum(b: Function, sums: tuple[str, ...], unroll: int) -> None:
    """All inputs with the weights of a block."""
    b.name(x="a0", w="a1", end="a2", value="a3", weight="a4", p="a5", layer="a6", start="a7")
    b.load(b.reg("layer"), "layer")
    b.load(b.reg("x"), "x")
    b.load(b.reg("w"), "weights")
    b.op("lw {end}, {at}({layer})", at=DEPTH)
    b.op("lw {start}, {at}({layer})", at=START)
    b.op("add {end}, {end}, {x}")
    for register in sums:
        b.op("mv {s}, {start}", s=register)
    row_products(b, sums, unroll)
    b.store(b.reg("w"), "weights")


@noted
def row_products(b: Function, sums: tuple[str, ...], unroll: int) -> None:
    """From ``{x}`` to ``{end}`` each input with the weights of a block, from ``{w}`` on."""
    closing = (
        f"addi {{w}}, {{w}}, {unroll * len(sums)}",
        f"addi {{x}}, {{x}}, {unroll}",
        "bltu {x}, {end}, {head}",
    )
    with b.loop(*closing):
        for position in range(unroll):
            b.op("lb {value}, {at}({x})", at=position)
            for i, register in enumerate(sums):
                b.op("lb {weight}, {at}({w})", at=len(sums) * position + i)
                b.op("mul {weight}, {weight}, {value}")
                b.op("add {s}, {s}, {weight}", s=register)


def dense_count(block: int, depth: int, outputs: int, is_signed: bool) -> Cost:
    """Instructions of one call of `dense`, half of the outputs clamped."""
    unroll = unroll_of(depth)
    each = 4 + (9 if is_signed else 3) + 3 + SATURATED // 2
    one = Cost(
        products=depth * (1 + 3 * block),
        requantize=block * (1 + each),
        control=3 * depth // unroll + 7 + 10 + NEXT_BLOCK,
    )
    return 2 * len(SAVED) + 16 + -(-outputs // block) * one


def unroll_of(depth: int) -> int:
    """Inputs in one turn of the loop: whole turns only, for there is nothing behind the last."""
    return 4 if depth % 4 == 0 else 2 if depth % 2 == 0 else 1


def block_of(node: Node) -> int:
    """How many outputs are computed together: the cheapest choice."""
    outputs, depth = node.input(1).type.shape
    fitting = [n for n in BLOCKS if n <= outputs]
    return min(fitting, key=lambda n: dense_count(n, depth, outputs, False).total)


@cached
def dense_scaling(node: Node) -> tuple[Scaling, int] | None:
    """The layer's constants and the width of its field."""
    arguments = accumulators(node, 1)
    scaling = find_scaling(*arguments)
    return None if scaling is None else (scaling, arguments[-1])


def dense_lacking(node: Node) -> NDArray[np.bool_]:
    """Outputs whose scale has no proven form."""
    return without_scaling(*accumulators(node, 1))


def dense_refusal(node: Node) -> str:
    """Why the kernel cannot compute a layer; empty where it can."""
    op = node.op
    assert isinstance(op, QDense)
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8}:
        return "activations are not int8"
    if op.w_zero or not node.input(1).is_constant:
        return "weights are not constant or have a zero point"
    return "" if dense_scaling(node) else NO_FORM


def emit_dense(w: StepWriter) -> None:
    """One call for each row."""
    op, node = attributes(w, QDense), w.node
    found, weights, block = dense_scaling(node), node.input(1).array, block_of(node)
    assert found is not None
    scaling, bits = found
    low, top = op.requant.low, op.requant.high - op.requant.low
    layer = w.declare(
        "ek_dense_scaled", "layer",
        weights=w.weights(pack_weights(weights, block), "weights"),
        table=w.table(scaling.table, "scaling"),
        depth=weights.shape[1], outputs=len(weights), top=top,
        zero=2 * (op.requant.zero_point - low) + 1, start=1 << (bits - 1),
        left=32 - bits, low=low, block=block,
    )  # fmt: skip
    code = dense(block, unroll_of(weights.shape[1]), low, top, scaling.is_signed)
    kernel = f"ek_dense_scaled{'_signed' if scaling.is_signed else ''}_s8"
    with w.each_sample(node.input(0), node.output) as (x, y):
        w.assemble(RV32, code, kernel, layer, x, y)


def dense_cost(node: Node) -> Cost:
    """Instructions of all rows."""
    (outputs, depth), found = node.input(1).type.shape, dense_scaling(node)
    assert found is not None
    count = dense_count(block_of(node), depth, outputs, found[0].is_signed)
    return node.output.type.shape[0] * (count + 8)


DENSE = Variant(
    emit_dense,
    overlap=by_row,
    name="dense",
    refuse=dense_refusal,
    cost=dense_cost,
    stack=lambda node: 4 * (len(_WORDS) + len(SAVED) + 2),
)

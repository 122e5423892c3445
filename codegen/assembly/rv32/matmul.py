"""Products of two int8 matrices on RV32IMC: four rows with four columns, sixteen sums in registers.

The rows are copied beforehand, less their zero point; the right matrix is read where it lies.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from codegen.assembly.cost import Cost
from codegen.assembly.isa import RV32
from codegen.assembly.rv32.dense import unroll_of
from codegen.assembly.rv32.outputs import (
    SATURATED,
    clamp_and_store,
    clamp_suffix,
    scale,
    scale_signed,
)
from codegen.assembly.rv32.products import (
    FILTERS,
    SUMS,
    WORDS,
    multiply_position,
    name_operands,
    sums_of,
)
from codegen.assembly.rv32.registers import SAVED, Function
from codegen.assembly.rv32.scale import Scaling, field_bits, find_scaling
from codegen.c.operators.geometry import braces
from codegen.c.operators.integer import attributes
from codegen.c.operators.layers import STACK_AXES, declare_matmul
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.ops import QMatMul

MOST_DEPTH = 512
"""Columns of the left matrix whose four rows are copied."""
SIZE = 2
"""Bytes of a copied element."""
START, NEXT, DEPTH, COLUMNS, TABLE, LEFT, TOP, ZERO = 0, 16, 32, 36, 40, 52, 56, 60
"""Fields of ``ek_matmul_quads``."""
FRAME = ("layer", "x", "x_end", "b", "y", "columns", "left")
PER_ELEMENT, PER_TILE, PER_MATRIX = 5.5, 120, 90
"""Instructions of the driver in C, counted."""


def quads(unroll: int, low: int, top: int, is_signed: bool) -> Function:
    """``ek_matmul_quads_s8(layer, x, b, y)``, or that with a correction."""
    kind = "_signed" if is_signed else ""
    b = Function(f"matmul_quads{unroll}{kind}{clamp_suffix(low, top)}", FRAME)
    _enter(b)
    with b.loop("bnez {left}, {head}"):
        _sum(b, unroll)
        _outputs(b, low, top, is_signed)
        _next_columns(b)
    b.finish()
    return b


def _enter(b: Function) -> None:
    """Fill the frame from the arguments."""
    b.name(u="a4")
    for register, word in (("a0", "layer"), ("a1", "x"), ("a2", "b"), ("a3", "y")):
        b.store(register, word)
    b.op("lw {u}, {at}(a0)", at=DEPTH)
    b.op("slli {u}, {u}, {shift}", shift=(SIZE * WORDS).bit_length() - 1)
    b.op("add {u}, {u}, a1")
    b.store(b.reg("u"), "x_end")
    b.op("lw {u}, {at}(a0)", at=COLUMNS)
    b.store(b.reg("u"), "columns")
    b.store(b.reg("u"), "left")


def _sum(b: Function, unroll: int) -> None:
    """All elements of four rows with those of four columns, which take the places of filters."""
    name_operands(b)
    b.name(step="s11")
    b.load(b.reg("p"), "layer")
    for row in range(WORDS):
        first, *others = (sums_of(f)[row] for f in range(FILTERS))
        b.op("lw {s}, {at}({p})", s=first, at=START + 4 * row)
        for register in others:
            b.op("mv {s}, {first}", s=register, first=first)
    for register, word in (("x", "x"), ("end", "x_end"), ("w", "b"), ("step", "columns")):
        b.load(b.reg(register), word)
    closing = f"addi {{x}}, {{x}}, {SIZE * WORDS * unroll}", "bne {x}, {end}, {head}"
    with b.loop(*closing):
        for position in range(unroll):
            multiply_position(b, position, 0, "lh", SIZE)
            b.op("add {w}, {w}, {step}")


def _outputs(b: Function, low: int, top: int, is_signed: bool) -> None:
    """Scale, clamp and store sixteen sums, row by row."""
    b.name(layer="a0", y="a1", u="a2", t="a3", multiplier="a4", offset="a5", shift="a6", top="a7")
    b.name(up="t0", zero="s0", correction="s11", to="ra")
    b.load(b.reg("layer"), "layer")
    b.load(b.reg("y"), "y")
    fields = {"multiplier": TABLE, "offset": TABLE + 4, "shift": TABLE + 8, "up": LEFT, "top": TOP}
    for name, field in {**fields, **({"zero": ZERO} if is_signed else {})}.items():
        b.op(f"lw {{{name}}}, {{field}}({{layer}})", field=field)
    if is_signed:
        b.op("srai {correction}, {shift}, 5")
    for row in range(WORDS):
        b.op("lw {to}, {at}({layer})", at=NEXT + 4 * row)
        b.op("add {to}, {to}, {y}")
        for f in range(FILTERS):
            b.op("sll {u}, {s}, {up}", s=sums_of(f)[row])
            (scale_signed if is_signed else scale)(b)
            clamp_and_store(b, low, top, f"{f}({b.reg('to')})")


def _next_columns(b: Function) -> None:
    """On to the next columns; ``{left}`` is 0 after the last. The last four may be some of those
    before."""
    b.name(left="a2", step="a3", w="a4")
    fits, done = b.label(), b.label()
    b.load(b.reg("left"), "left")
    b.op("addi {left}, {left}, {n}", n=-FILTERS)
    b.op("beqz {left}, {done}", done=done)
    b.op("li {step}, {n}", n=FILTERS)
    b.op("bge {left}, {step}, {fits}", fits=fits)
    b.op("mv {step}, {left}")
    b.op("li {left}, {n}", n=FILTERS)
    b.place(fits)
    b.store(b.reg("left"), "left")
    b.op("add {y}, {y}, {step}")
    b.store(b.reg("y"), "y")
    b.load(b.reg("w"), "b")
    b.op("add {w}, {w}, {step}")
    b.store(b.reg("w"), "b")
    b.place(done)


def quads_count(depth: int, columns: int, is_signed: bool) -> Cost:
    """Instructions of one call of `quads`, half of the outputs clamped."""
    each = 1 + (8 if is_signed else 3) + 3 + SATURATED // 2
    position = WORDS + FILTERS * (1 + 2 * WORDS) + 1
    block = Cost(
        products=depth * position,
        requantize=len(SUMS) * (1 + each) + 2 * WORDS + 7 + 2 * is_signed,
        control=2 * depth // unroll_of(depth) + 5 + 12,
    )
    return 2 * len(SAVED) + 13 + -(-columns // FILTERS) * block


@lru_cache(maxsize=64)
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
        return f"not up to {MOST_DEPTH} deep, 2 rows and {FILTERS} columns at least"
    return "" if scaling_of(node) else "a scale has no proven form"


def scratch(node: Node) -> int:
    """Bytes of the copied rows."""
    return SIZE * WORDS * node.input(0).type.shape[-1]


def emit(w: StepWriter) -> None:
    """Write a step."""
    op, found = attributes(w, QMatMul), scaling_of(w.node)
    assert found is not None
    scaling, bits = found
    a, b, y = w.node.input(0), w.node.input(1), w.node.output
    depth, columns = b.type.shape[-2:]
    low, top = op.requant.low, op.requant.high - op.requant.low
    layer = w.declare(
        "ek_matmul_quads", "layer", start=braces([1 << (bits - 1)] * WORDS),
        next=braces([0] * WORDS), depth=depth, columns=columns,
        table=braces(scaling.table.tolist()), left=32 - bits, top=top,
        zero=2 * (op.requant.zero_point - low) + 1, low=low,
    )  # fmt: skip
    kernel = f"ek_matmul_quads{'_signed' * scaling.is_signed}_s8"
    multiply = w.function(RV32, quads(unroll_of(depth), low, top, scaling.is_signed), kernel)
    w.call(
        "ek_matmul_rows_s8", declare_matmul(w), layer, multiply, op.a_zero, op.b_zero, w.read(a),
        w.read(b), f"(int16_t *)(void *){w.scratch()}", w.write(y),
    )  # fmt: skip


def cost(node: Node) -> Cost:
    """Executed by one run."""
    found, (rows, depth) = scaling_of(node), node.input(0).type.shape[-2:]
    assert found is not None
    columns = node.output.type.shape[-1]
    count = node.output.type.size // (rows * columns)
    tile = quads_count(depth, columns, found[0].is_signed)
    tile += Cost(packing=PER_ELEMENT * WORDS * depth, control=PER_TILE)
    return count * (PER_MATRIX + -(-rows // WORDS) * tile) + PER_MATRIX


MATMUL = Variant(
    emit,
    scratch,
    name="matmul quads",
    refuse=refuse,
    cost=cost,
    stack=lambda node: 4 * (len(FRAME) + len(SAVED) + 2),
)
"""Four rows with all columns."""

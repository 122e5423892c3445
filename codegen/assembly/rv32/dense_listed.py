"""Dense layers that skip weights of zero: six instructions for each of the others."""

from __future__ import annotations

from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.isa import RV32
from codegen.assembly.listed import ListCost, listed, pack_lists, pieces_of
from codegen.assembly.rv32.blocks import ENTRY, load_constants
from codegen.assembly.rv32.dense import (
    DENSE,
    LEFT,
    OUTPUTS,
    PIECE,
    PIECES,
    START,
    TABLE,
    TOP,
    WEIGHTS,
    ZERO,
    dense_scaling,
)
from codegen.assembly.rv32.listed import multiply_listed
from codegen.assembly.rv32.outputs import (
    SATURATED,
    clamp_and_store,
    clamp_suffix,
    scale,
    scale_signed,
)
from codegen.assembly.rv32.registers import SAVED, Function
from codegen.c.operators.integer import attributes
from codegen.c.step import StepWriter
from edgekit.ir import Node
from edgekit.ir.ops import QDense

DENSE_LIST = ListCost(item=6, head=9, turn=3)


def dense(low: int, top: int, is_signed: bool) -> Function:
    """``ek_dense_scaled_s8(layer, x, y)`` with lists, or that with a correction."""
    kind = "_signed" if is_signed else ""
    b = Function(f"dense_listed{kind}{clamp_suffix(low, top)}", ())
    items = b.label("items")
    b.name(list="s0", row="s1", left="s2", top="s3", zero="s4", start="s5", up="s6")
    b.name(pieces="s7", piece="s8", items="s9", x="s10", y="s11", layer="a0")
    b.name(sum="t0", w="t1", value="t2", at="t3", n="t4", skip="t1", groups="t5")
    b.op("mv {x}, a1")
    b.op("mv {y}, a2")
    for register, field in (
        ("list", WEIGHTS), ("row", TABLE), ("left", OUTPUTS), ("top", TOP), ("zero", ZERO),
        ("start", START), ("up", LEFT), ("pieces", PIECES), ("piece", PIECE),
    ):  # fmt: skip
        b.op(f"lw {{{register}}}, {field}({{layer}})")
    b.op("lla {items}, {to}", to=items)
    b.name(u="a0", t="a1", multiplier="a2", offset="a3", shift="a4", correction="a5")
    with b.loop("bnez {left}, {head}"):
        b.op("mv {sum}, {start}")
        b.op("mv {at}, {x}")
        b.op("mv {n}, {pieces}")
        with b.loop("bnez {n}, {head}"):
            multiply_listed(b, items, _item, DENSE_LIST)
            b.op("add {at}, {at}, {piece}")
            b.op("addi {n}, {n}, -1")
        load_constants(b, "row")
        b.op("sll {u}, {sum}, {up}")
        if is_signed:
            b.op("srai {correction}, {shift}, 5")
        (scale_signed if is_signed else scale)(b)
        clamp_and_store(b, low, top, f"0({b.reg('y')})")
        b.op("addi {y}, {y}, 1")
        b.op("addi {row}, {row}, {step}", step=ENTRY)
        b.op("addi {left}, {left}, -1")
    b.finish()
    return b


def _item(b: Block, at: int) -> None:
    b.op("lb {w}, {at_}({list})", at_=at)
    b.op("lbu {value}, {at_}({list})", at_=at + 1)
    b.op("add {value}, {value}, {at}")
    b.op("lb {value}, 0({value})")
    b.op("mul {w}, {w}, {value}")
    b.op("add {sum}, {sum}, {w}")


def _emit(w: StepWriter) -> None:
    """One call for each row."""
    op, node = attributes(w, QDense), w.node
    found, parts = dense_scaling(node), pieces_of(node.input(1).array)
    assert found is not None
    scaling, bits = found
    low, top = op.requant.low, op.requant.high - op.requant.low
    pieces, piece = parts[0].shape
    layer = w.declare(
        "ek_dense_scaled", "layer",
        weights=w.weights(pack_lists(parts), "weights"),
        table=w.table(scaling.table, "scaling"),
        outputs=len(parts), top=top, zero=2 * (op.requant.zero_point - low) + 1,
        start=1 << (bits - 1), left=32 - bits, pieces=pieces, piece=piece, low=low, block=1,
    )  # fmt: skip
    code = dense(low, top, scaling.is_signed)
    kernel = f"ek_dense_scaled{'_signed' if scaling.is_signed else ''}_s8"
    with w.each_sample(node.input(0), node.output) as (x, y):
        w.assemble(RV32, code, kernel, layer, x, y)


def _cost(node: Node) -> Cost:
    """Instructions of all rows, half of the outputs clamped."""
    parts, found = pieces_of(node.input(1).array), dense_scaling(node)
    assert found is not None
    scaled = 9 if found[0].is_signed else 3
    each = Cost(
        requantize=3 + 1 + scaled + 3 + SATURATED // 2 + 1,
        control=6 + 3 * len(parts[0]),
    )
    row = Cost(products=DENSE_LIST.total(parts), control=2 * len(SAVED) + 24) + len(parts) * each
    return node.output.type.shape[0] * row


DENSE_SPARSE = listed(DENSE, _emit, _cost)

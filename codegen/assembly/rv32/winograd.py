"""Winograd convolutions (codegen/assembly/winograd.py) on RV32IMC, product by product."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.isa import RV32
from codegen.assembly.rv32.layer import accumulators
from codegen.assembly.rv32.products import FIELD_BITS
from codegen.assembly.rv32.scale import best_scaling
from codegen.assembly.rv32.winograd_block import (
    BLOCK_INSTRUCTIONS,
    OUTPUT_INSTRUCTIONS,
    POINT_INSTRUCTIONS,
    SLOT_BYTES,
    STACK_BYTES,
    TURN_INSTRUCTIONS,
    tile_function,
)
from codegen.assembly.rv32.winograd_columns import (
    COLUMN_INSTRUCTIONS,
    ENTER_INSTRUCTIONS,
    MOVE_INSTRUCTIONS,
    columns_function,
)
from codegen.assembly.winograd import Form, Int, Spent, Winograd
from codegen.assembly.winograd_parts import (
    FACTOR,
    FILTERS,
    POINTS,
    ROWS,
    SIGNED,
    SUMS,
    THIRD,
    WORD,
    word,
)
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D

_FIELD_LIMIT = 29
"""Bits of sums whose product with `FACTOR` can be brought to the top of a word."""


@cached
def _form(node: Node) -> Form:
    """That of packed products: a multiplication modulo 2**32 divides by 24 and moves sums to the
    top of a word, where theirs are."""
    op = node.op
    assert isinstance(op, QConv2D)
    requant, low, high, bias, bits = accumulators(node, FIELD_BITS)
    scaling, lacking = best_scaling(requant, low, high, bias, bits)
    rows = scaling.table.reshape(-1, 3)

    def blocks(order: Int) -> NDArray[np.int64]:
        """Three words for each filter."""
        return rows[order].reshape(len(order), -1).astype(np.int64)

    arguments = {
        "zero": 2 * (requant.zero_point - requant.low) + 1,
        "add": requant.low,
        "subtract": requant.high - requant.low,
        "start": word(FACTOR << (bits - 1)),
        "factor": word(THIRD << max(_FIELD_LIMIT - bits, 0)),
    }
    return Form(
        SIGNED if scaling.is_signed else 0, lacking | (bits > _FIELD_LIMIT), blocks, arguments
    )


def _block(pairs: int, index: int, is_last: bool) -> Cost:
    point = TURN_INSTRUCTIONS * 2 * pairs // WORD + POINT_INSTRUCTIONS
    wait = SUMS * ROWS * (2 * (index > 0) + (not is_last))
    return Cost(products=POINTS * point + BLOCK_INSTRUCTIONS, packing=wait)


WINOGRAD = Winograd(
    RV32,
    columns_function,
    "ek_winograd_plain_columns_s8",
    tile_function,
    "ek_winograd_plain_tile_s8",
    stack=STACK_BYTES,
    slots=SLOT_BYTES,
    code=0,
    unrolled=1,
    form=_form,
    spent=Spent(
        layer=150, band=215, tile=43, part=264, column=-2, edge=72, rest=80, less=182,
        enter=ENTER_INSTRUCTIONS, word=COLUMN_INSTRUCTIONS, moved=MOVE_INSTRUCTIONS, block=_block,
        outputs=lambda tail: Cost(requantize=FILTERS * OUTPUT_INSTRUCTIONS[tail]),
    ),
)  # fmt: skip
CONV_WINOGRAD = WINOGRAD.variant()

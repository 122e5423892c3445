"""Winograd convolutions (codegen/assembly/winograd.py) on Armv7-M, product by product."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7_m.winograd_block import (
    BLOCK_INSTRUCTIONS,
    CLAMPED,
    OUTPUT_INSTRUCTIONS,
    POINT_INSTRUCTIONS,
    SLOT_BYTES,
    STACK_BYTES,
    TURN_INSTRUCTIONS,
    tile_function,
)
from codegen.assembly.armv7_m.winograd_columns import (
    COLUMN_INSTRUCTIONS,
    ENTER_INSTRUCTIONS,
    MOVE_INSTRUCTIONS,
    columns_function,
)
from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7_M
from codegen.assembly.tiles import form_of, without_form
from codegen.assembly.winograd import Form, Int, Spent, Winograd
from codegen.assembly.winograd_parts import FILTERS, POINTS, SIGNED, SUMS, THIRD, WORD, word
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D

_MOST = 1 << 28
"""Eight times a sum below it is one word."""


@cached
def _form(node: Node) -> Form:
    """That of tiles, since a multiplication modulo 2**32 and a shift divide by 24."""
    op, weights = node.op, node.input(1).array.astype(np.int64)
    assert isinstance(op, QConv2D)
    most = 128 * np.abs(weights).reshape(len(weights), -1).sum(axis=1)
    lacking, found, requant = without_form(node) | (most >= _MOST), form_of(node), op.requant

    def blocks(order: Int) -> NDArray[np.int64]:
        """Three words for each filter."""
        assert found is not None  # else refused
        return found.words()[order].reshape(len(order), -1).astype(np.int64)

    narrow = (requant.low, requant.high) != (-128, 127)
    tail = (SIGNED if found and found.signed else 0) + (CLAMPED if narrow else 0)
    arguments = {
        "zero": 2 * requant.zero_point + 1,
        "add": requant.low,
        "subtract": requant.high,
        "start": 0,
        "factor": word(THIRD),
    }
    return Form(tail, lacking, blocks, arguments)


def _block(pairs: int, index: int, is_last: bool) -> Cost:
    point = TURN_INSTRUCTIONS * 2 * pairs // WORD + POINT_INSTRUCTIONS
    wait = 0 if is_last and not index else SUMS * (8 + 8 * (index > 0) + 5 * (not is_last))
    return Cost(products=POINTS * point + BLOCK_INSTRUCTIONS, packing=wait)


WINOGRAD = Winograd(
    ARMV7_M,
    columns_function,
    "ek_winograd_plain_columns_s8",
    tile_function,
    "ek_winograd_high_tile_s8",
    stack=STACK_BYTES,
    slots=SLOT_BYTES,
    code=0,
    unrolled=1,
    form=_form,
    spent=Spent(
        layer=200, band=143, tile=80, part=160, column=29, edge=65, rest=76, less=115,
        enter=ENTER_INSTRUCTIONS, word=COLUMN_INSTRUCTIONS, moved=MOVE_INSTRUCTIONS, block=_block,
        outputs=lambda tail: Cost(requantize=FILTERS * OUTPUT_INSTRUCTIONS[tail]),
    ),
)  # fmt: skip
CONV_WINOGRAD = WINOGRAD.variant()

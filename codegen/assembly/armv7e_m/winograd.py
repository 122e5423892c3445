"""Winograd convolutions (codegen/assembly/winograd.py) on Armv7E-M, two channels at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.conv_layer import accumulators
from codegen.assembly.armv7e_m.scaling import CLAMP, SCALE, SHIFT, TWICE
from codegen.assembly.armv7e_m.winograd_block import tile_function
from codegen.assembly.armv7e_m.winograd_columns import columns_function
from codegen.assembly.armv7e_m.winograd_frame import (
    COLUMN_INSTRUCTIONS,
    FRAME_BYTES,
    PAIR_BYTES,
    PAIR_INSTRUCTIONS,
    SLOT_BYTES,
    TWICE_DIVIDED,
    UNROLL,
)
from codegen.assembly.armv7e_m.winograd_scaling import find_form
from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.winograd import Form, Int, Spent, Winograd
from codegen.assembly.winograd_parts import FILTERS, POINTS
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D

OUTPUT_INSTRUCTIONS = {SCALE: 32, CLAMP: 48, TWICE_DIVIDED: 51, TWICE: 67, SHIFT: 58}
"""Of a filter's eight outputs, by what becomes of sums."""


@cached
def _form(node: Node) -> Form:
    op = node.op
    assert isinstance(op, QConv2D)
    scaling, lacking = find_form(*accumulators(node))
    requant = op.requant

    def blocks(order: Int) -> NDArray[np.int64]:
        """What the sums of a block start with, then two words for each filter."""
        scale = scaling.constants[order].reshape(len(order), -1)
        return np.concatenate([scaling.start[order], scale], axis=1)

    arguments = {
        "zero": 2 * requant.zero_point + 1,
        "add": 255 - requant.high + requant.low,
        "subtract": 255 - requant.high,
        "start": 0,
        "factor": 0,
    }
    return Form(scaling.tail, lacking, blocks, arguments)


def _block(pairs: int, index: int, is_last: bool) -> Cost:
    point = PAIR_INSTRUCTIONS * pairs + 3 * -(-pairs // UNROLL) + 8
    wait = 120 if index else 5 if is_last else 19
    return Cost(products=POINTS * point + 138, packing=wait)


WINOGRAD = Winograd(
    ARMV7E_M,
    columns_function,
    "ek_winograd_columns_s8",
    tile_function,
    "ek_winograd_tile_s8",
    stack=FRAME_BYTES,
    slots=SLOT_BYTES,
    code=PAIR_BYTES,
    unrolled=UNROLL,
    form=_form,
    spent=Spent(
        layer=200, band=146, tile=60, part=220, column=17, edge=65, rest=78, less=134,
        enter=21, word=COLUMN_INSTRUCTIONS, moved=14, block=_block,
        outputs=lambda tail: Cost(requantize=FILTERS * OUTPUT_INSTRUCTIONS[tail] + 12),
    ),
)  # fmt: skip
CONV_WINOGRAD = WINOGRAD.variant()

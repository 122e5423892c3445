"""Depthwise 3x3 convolutions on Armv7E-M, strides 1 and 2: when, and how they are called."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.assembly.armv7e_m.depthwise_block import depthwise3x3
from codegen.assembly.armv7e_m.depthwise_filters import (
    Filters,
    by_filters,
    filters_of,
    is_int8,
    pack,
)
from codegen.assembly.armv7e_m.depthwise_rows import rows_of
from codegen.assembly.armv7e_m.depthwise_strided import depthwise3x3_strided
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.refusal import OtherKind
from codegen.c.step import StepWriter
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D
from edgekit.schedule import Overlap

SCRATCH_BYTES = 2048


def emit(w: StepWriter, filters: Filters) -> None:
    """Write a step."""
    op, rows = w.node.op, rows_of(w.node)
    assert isinstance(op, QConv2D)
    backward, packed = w.step.backward, pack(filters, rows.channels)
    args = w.declare(
        "ek_depthwise3x3",
        "args",
        filters=w.weights(packed, "filters", 4 * 2 * len(packed)),
        channels=rows.channels,
        in_row=rows.in_w * rows.channels,
        out_row=rows.out_w * rows.channels,
        in_h=rows.in_h,
        out_h=rows.out_h,
        out_w=rows.out_w,
        pairs=rows.pairs,
        half=rows.half,
        odd=rows.odd,
        left=rows.left,
        right=rows.extra,
        pad_top=rows.top,
        pad=(op.x_zero << 16) + (op.x_zero & 0xFFFF),
        band=rows.bands - 1 if backward else 0,
        step=-1 if backward else 1,
        bands=rows.bands,
        stride=rows.stride,
        shift=filters.shift,
    )
    if rows.stride == 1:
        block = depthwise3x3(filters.shift, rows.left)
    else:
        block = depthwise3x3_strided(filters.shift, rows.left)
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.assemble(ARMV7E_M, block, "ek_depthwise3x3_s8", args, x, y, w.scratch())


def refuse_shape(node: Node) -> str:
    """Why the blocks cannot compute a layer, whatever its filters are."""
    op = node.op
    assert isinstance(op, QConv2D)
    if not is_int8(node):
        return OtherKind("not an int8 depthwise convolution")
    channels = node.input(0).type.shape[3]
    if node.input(1).type.shape != (channels, 3, 3, 1) or channels < 4:
        return OtherKind("not a 3x3 filter for each of at least 4 channels")
    window = op.window
    if window.strides not in ((1, 1), (2, 2)) or window.dilations != (1, 1):
        return "strides or dilations other than 1 and 2"
    if max(window.padding) > 1:
        return "padding of more than 1"
    rows = rows_of(node)
    if rows.scratch > SCRATCH_BYTES:
        return f"rows of more than {SCRATCH_BYTES} bytes of scratch"
    return rows.refusal()


def overlap(node: Node) -> Sequence[Overlap | None]:
    """By rows, for one sample."""
    return () if node.input(0).type.shape[0] != 1 else [rows_of(node).overlap()]


def cost(node: Node) -> Cost:
    """Executed by the block."""
    return node.output.type.shape[0] * rows_of(node).cost()


DEPTHWISE_3X3 = by_filters(
    "depthwise3x3",
    filters_of,
    refuse_shape,
    emit,
    cost,
    scratch=lambda node: rows_of(node).scratch,
    overlap=overlap,
)

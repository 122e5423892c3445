"""Depthwise convolutions with windows of any size, stride and dilation on Armv7E-M.

One function computes all channels of one output pixel, four at a time: nine instructions for four
products, of which a word of activations takes three and two words of weights, halfwords with 256
times their value, one. Portable C walks over the pixels and copies windows at the border.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.depthwise_filters import (
    WEIGHT_SCALE,
    Filters,
    filters_of,
    lacking,
    refuse_filters,
)
from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.others import with_others
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import conv_scratch, is_depthwise
from codegen.c.operators.overlap import by_window
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D

MOST_TAPS = 49
_OUTPUTS = ("r4", "r5", "r6", "r7")


def pixel_block(shift: int, kernel_w: int) -> Block:
    """``(const ek_depthwise_quads *, x, y, steps)`` for windows of ``kernel_w`` columns."""
    b = Block(f"depthwise_pixel_w{kernel_w}_s{shift}")
    b.name(args="r0", x="r1", y="r2", row="r3", column="lr", filter="r12", at="r8")
    b.name(w02="r9", w13="r10", a02="r11", a13="r3")
    saved = {"quads": 0, "rows": 4, "row": 8, "rows_left": 12, "start": 16}
    b.op("push {{r4-r11, lr}}")
    b.op("sub sp, sp, #20")
    b.op("ldm {row}, {{r4, {column}}}")
    b.op(f"str r4, [sp, #{saved['row']}]")
    b.op("ldr {filter}, [{args}]")
    b.op("ldr r4, [{args}, #4]")
    b.op(f"str r4, [sp, #{saved['quads']}]")
    b.op("ldr r4, [{args}, #8]")
    b.op(f"str r4, [sp, #{saved['rows']}]")
    with b.loop(
        f"ldr r4, [sp, #{saved['quads']}]", "subs r4, r4, #1",
        f"str r4, [sp, #{saved['quads']}]", "bne {head}",
    ):  # fmt: skip
        b.op("ldm {filter}!, {{r4-r7}}")
        b.op(f"ldr {{args}}, [sp, #{saved['rows']}]")
        b.op(f"str {{x}}, [sp, #{saved['start']}]")
        with b.loop("subs {args}, {args}, #1", "bne {head}"):
            b.op("mov {at}, {x}")
            for _ in range(kernel_w):
                _tap(b)
            b.op(f"ldr {{a13}}, [sp, #{saved['row']}]")
            b.op("add {x}, {x}, {a13}")
        _store(b, shift)
        b.op(f"ldr {{x}}, [sp, #{saved['start']}]")
        b.op("add {x}, {x}, #4")
    b.op("add sp, sp, #20")
    b.op("pop {{r4-r11, pc}}")
    return b


def _tap(b: Block) -> None:
    """One pixel of the window against its weights."""
    b.op("ldr {a02}, [{at}]")
    b.op("add {at}, {at}, {column}")
    b.op("ldrd {w02}, {w13}, [{filter}], #8")
    b.op("sxtb16 {a13}, {a02}, ror #8")
    b.op("sxtb16 {a02}, {a02}")
    b.op("smlabb r4, {a02}, {w02}, r4")
    b.op("smlatt r6, {a02}, {w02}, r6")
    b.op("smlabb r5, {a13}, {w13}, r5")
    b.op("smlatt r7, {a13}, {w13}, r7")


def _store(b: Block, shift: int) -> None:
    """Requantize and store four outputs."""
    b.op("ldm {filter}!, {{r8-r11}}")
    for sum, multiplier in zip(_OUTPUTS, ("r8", "r9", "r10", "r11"), strict=True):
        b.op(f"smmulr {sum}, {sum}, {multiplier}")
        b.op(f"ssat {sum}, #8, {sum}, asr #{shift}")
        b.op(f"strb {sum}, [{{y}}], #1")


def pack_quads(filters: Filters) -> NDArray[np.int32]:
    """For four channels: starts, weights of each tap as halfwords, multipliers."""
    channels = len(filters.start)
    taps = filters.weights.reshape(channels // 4, 4, -1).astype(np.int64) * WEIGHT_SCALE
    low, high = taps[:, :2].transpose(0, 2, 1), taps[:, 2:].transpose(0, 2, 1)
    words = ((low & 0xFFFF) | (high << 16)).reshape(channels // 4, -1)
    parts = [filters.start.reshape(-1, 4), words, filters.multiplier.reshape(-1, 4)]
    return np.concatenate(parts, axis=1).astype(np.int32)


def emit(w: StepWriter) -> None:
    """Write a step."""
    op, filters = w.node.op, filters_of(w.node)
    assert isinstance(op, QConv2D)
    assert isinstance(filters, Filters)
    channels, kernel_h, kernel_w, _ = w.node.input(1).type.shape
    window = declare_window(w, (kernel_h, kernel_w), op.window, op.groups)
    args = w.declare(
        "ek_depthwise_quads",
        "args",
        filters=w.weights(pack_quads(filters), "filters", 4 * 2 * channels),
        quads=channels // 4,
        kernel_h=kernel_h,
        kernel_w=kernel_w,
        shift=filters.shift,
    )
    block = pixel_block(filters.shift, kernel_w)
    pixel = w.function(ARMV7E_M, block, "ek_depthwise_quads_s8")
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call("ek_depthwise_windows_s8", pixel, window, args, op.x_zero, x, w.scratch(), y)


def refuse(node: Node) -> str:
    """Why a layer cannot be computed by the block."""
    return _refuse_shape(node) or refuse_filters(node)


def _refuse_shape(node: Node) -> str:
    op = node.op
    assert isinstance(op, QConv2D)
    types = {node.input(0).type.dtype, node.output.type.dtype}
    if types != {DType.INT8} or op.w_zero or not is_depthwise(node):
        return "not an int8 depthwise convolution"
    channels, kernel_h, kernel_w, _ = node.input(1).type.shape
    if channels != node.input(0).type.shape[3] or channels % 4:
        return "not one filter for each channel, or not a multiple of 4 channels"
    if kernel_h * kernel_w > MOST_TAPS:
        return f"more than {MOST_TAPS} taps"
    return ""


def cost(node: Node) -> Cost:
    """Executed by the block and, roughly, by its caller, who copies windows at the border."""
    op = node.op
    assert isinstance(op, QConv2D)
    channels, kernel_h, kernel_w, _ = node.input(1).type.shape
    pixels = node.output.type.size // channels
    row = Cost(products=7 * kernel_w, packing=2 * kernel_w, control=5)
    quad = Cost(requantize=14, control=10) + kernel_h * row
    inside = _inside(node, op, 0) * _inside(node, op, 1) * node.input(0).type.shape[0]
    copied = Cost(borders=(pixels - inside) * kernel_h * kernel_w * (10 + 4 * channels))
    return pixels * (50 + channels // 4 * quad) + copied


def _inside(node: Node, op: QConv2D, axis: int) -> int:
    """Output positions along an axis whose windows do not reach over the border."""
    window, size = op.window, node.input(0).type.shape[1 + axis]
    reach = (node.input(1).type.shape[1 + axis] - 1) * window.dilations[axis]
    starts = np.arange(node.output.type.shape[1 + axis]) * window.strides[axis]
    starts -= window.padding[axis]
    return int(((starts >= 0) & (starts + reach < size)).sum())


DEPTHWISE_WINDOWS = with_others(
    Variant(
        emit,
        scratch=conv_scratch,
        overlap=by_window,
        name="depthwise",
        refuse=refuse,
        instructions=lambda node: cost(node).total,
        parts=cost,
    ),
    lambda node: None if _refuse_shape(node) else lacking(node),
)

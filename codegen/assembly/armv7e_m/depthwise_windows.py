"""Depthwise convolutions with windows of any size, stride and dilation on Armv7E-M.

One function computes all channels of one output pixel, four at a time: nine instructions for four
products, of which a word of activations takes three and two words of weights, halfwords with 256
times their value, one. Where a channel has 2, 4, 8, ... filters it is loaded for all of them: eight
instructions or seven. Portable C walks over the pixels and copies windows at the border.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.depthwise_filters import (
    WEIGHT_SCALE,
    Filters,
    by_filters,
    filters_of,
    is_int8,
    twice_rounded,
)
from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import conv_scratch, repeats_of
from codegen.c.operators.overlap import by_window
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D

MOST_TAPS = 49
REPEATS = (1, 2, 4, 8, 16, 32)
"""Filters of each channel."""
STORE, STORE_TWICE = 14, 37
"""Instructions that begin, scale and store four outputs, rounded once or twice."""
_OUTPUTS = ("r4", "r5", "r6", "r7")


def pixel_block(shift: int, kernel_w: int, repeat: int) -> Block:
    """``(const ek_depthwise_quads *, x, y, steps)`` for windows of ``kernel_w`` columns and so many
    filters for each channel; without a shift for outputs that are rounded twice."""
    filters = f"x{repeat}_" * (repeat > 1)
    b = Block(f"depthwise_pixel_w{kernel_w}_{filters}" + (f"s{shift}" if shift else "twice"))
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
                _tap(b, repeat)
            b.op(f"ldr {{a13}}, [sp, #{saved['row']}]")
            b.op("add {x}, {x}, {a13}")
        if shift:
            _store(b, shift)
        else:
            _store_rounded_twice(b)
        b.op(f"ldr {{x}}, [sp, #{saved['start']}]")
        if repeat <= 4:
            b.op("add {x}, {x}, #{step}", step=4 // repeat)
        else:
            b.op(f"ldr r4, [sp, #{saved['quads']}]")  # before this one; whole channels are left
            b.op("sub r4, r4, #1")
            b.op("tst r4, #{mask}", mask=repeat // 4 - 1)
            b.op("it eq")
            b.op("addeq {x}, {x}, #1")
    b.op("add sp, sp, #20")
    b.op("pop {{r4-r11, pc}}")
    return b


@noted
def _tap(b: Block, repeat: int) -> None:
    """One pixel of the window against its weights."""
    if repeat > 1:
        _repeated_tap(b, repeat)
        return
    b.op("ldr {a02}, [{at}]")
    b.op("add {at}, {at}, {column}")
    b.op("ldrd {w02}, {w13}, [{filter}], #8")
    b.op("sxtb16 {a13}, {a02}, ror #8")
    b.op("sxtb16 {a02}, {a02}")
    b.op("smlabb r4, {a02}, {w02}, r4")
    b.op("smlatt r6, {a02}, {w02}, r6")
    b.op("smlabb r5, {a13}, {w13}, r5")
    b.op("smlatt r7, {a13}, {w13}, r7")


@noted
def _repeated_tap(b: Block, repeat: int) -> None:
    """The same for two filters of each of two channels, or four of one."""
    second = "{a13}" if repeat == 2 else "{a02}"
    b.op("ldrsb {a02}, [{at}]")
    if repeat == 2:
        b.op("ldrsb {a13}, [{at}, #1]")
    b.op("add {at}, {at}, {column}")
    b.op("ldrd {w02}, {w13}, [{filter}], #8")
    b.op("smlabb r4, {a02}, {w02}, r4")
    b.op(f"smlabt r6, {second}, {{w02}}, r6")
    b.op("smlabb r5, {a02}, {w13}, r5")
    b.op(f"smlabt r7, {second}, {{w13}}, r7")


@noted
def _store(b: Block, shift: int) -> None:
    """Requantize and store four outputs."""
    b.op("ldm {filter}!, {{r8-r11}}")
    for sum, multiplier in zip(_OUTPUTS, ("r8", "r9", "r10", "r11"), strict=True):
        b.op(f"smmulr {sum}, {sum}, {multiplier}")
        b.op(f"ssat {sum}, #8, {sum}, asr #{shift}")
        b.op(f"strb {sum}, [{{y}}], #1")


@noted
def _store_rounded_twice(b: Block) -> None:
    """The same for outputs that are rounded twice."""
    b.name(multiplier="r8", half="r9", twice="r10", shift="r11")
    for sum in _OUTPUTS:
        b.op("ldrd {multiplier}, {half}, [{filter}], #8")
        b.op("rbit {shift}, {half}")
        b.op("clz {shift}, {shift}")
        round_twice(b, sum)
        b.op(f"strb {sum}, [{{y}}], #1")


@noted
def round_twice(b: Block, sum: str) -> None:
    """By the steps of the rule: ``2 * acc`` times the multiplier, the sign, the shift."""
    b.op(f"asr {{twice}}, {sum}, #7")
    b.op(f"smmlar {sum}, {{twice}}, {{multiplier}}, {{half}}")
    b.op(f"add {sum}, {sum}, {{twice}}, asr #31")
    b.op(f"asr {sum}, {sum}, {{shift}}")
    b.op(f"ssat {sum}, #8, {sum}, asr #1")


def pack_quads(filters: Filters) -> NDArray[np.int32]:
    """For four channels: starts, weights of each tap as halfwords, multipliers (each with its half
    where there are any)."""
    channels = len(filters.start)
    taps = filters.weights.reshape(channels // 4, 4, -1).astype(np.int64) * WEIGHT_SCALE
    low, high = taps[:, :2].transpose(0, 2, 1), taps[:, 2:].transpose(0, 2, 1)
    words = ((low & 0xFFFF) | (high << 16)).reshape(channels // 4, -1)
    last = filters.multiplier
    if filters.half is not None:
        last = np.stack([last, filters.half], axis=1)
    parts = [filters.start.reshape(-1, 4), words, last.reshape(channels // 4, -1)]
    return np.concatenate(parts, axis=1).astype(np.int32)


def emit(w: StepWriter, filters: Filters) -> None:
    """Write a step."""
    op = w.node.op
    assert isinstance(op, QConv2D)
    channels, kernel_h, kernel_w, _ = w.node.input(1).type.shape
    window = declare_window(w, (kernel_h, kernel_w), op.window, op.groups)
    constants = channels * (2 if filters.half is None else 3)
    args = w.declare(
        "ek_depthwise_quads",
        "args",
        filters=w.weights(pack_quads(filters), "filters", 4 * constants),
        quads=channels // 4,
        kernel_h=kernel_h,
        kernel_w=kernel_w,
        shift=filters.shift,
        repeat=repeats_of(w.node),
    )
    block = pixel_block(filters.shift, kernel_w, repeats_of(w.node))
    kernel = "ek_depthwise_quads_s8" if filters.shift else "ek_depthwise_quads_twice_s8"
    pixel = w.function(ARMV7E_M, block, kernel)
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call("ek_depthwise_windows_s8", pixel, window, args, op.x_zero, x, w.scratch(), y)


def refuse_shape(node: Node) -> str:
    """Why the block cannot compute a layer, whatever its filters are."""
    op = node.op
    assert isinstance(op, QConv2D)
    if not is_int8(node):
        return OtherKind("not an int8 depthwise convolution")
    channels, kernel_h, kernel_w, _ = node.input(1).type.shape
    if repeats_of(node) not in REPEATS or channels % 4:
        return "filters of a channel that are no power of 2, or no multiple of 4 in all"
    if kernel_h * kernel_w > MOST_TAPS:
        return f"more than {MOST_TAPS} taps"
    return ""


def cost(node: Node, store: int) -> Cost:
    """Executed by the block and by its caller, who copies windows at the border, as compilers make
    it.

    Args:
        node: the layer.
        store: instructions that begin, scale and store four outputs.
    """
    samples, *_, channels = node.output.type.shape
    _, kernel_h, kernel_w, _ = node.input(1).type.shape
    pixels = node.output.type.size // channels
    repeat = repeats_of(node)
    row = Cost(products=7 * kernel_w, packing=(2, 1, 0)[min(repeat // 2, 2)] * kernel_w, control=5)
    quad = Cost(requantize=store, control=8 + 4 * (repeat > 4)) + kernel_h * row
    return pixels * (17 + channels // 4 * quad) + samples * _copied(node)


def _copied(node: Node) -> Cost:
    """Windows of one sample that reach over the border: their taps, and bytes of the taps inside
    the input and outside."""
    rows, columns = _inside(node, 0), _inside(node, 1)
    height, width = node.input(1).type.shape[1:3]
    whole = int((rows == height).sum()) * int((columns == width).sum())
    taps = height * width * (len(rows) * len(columns) - whole)
    inside = int(rows.sum()) * int(columns.sum()) - height * width * whole
    channels = node.input(0).type.shape[-1]
    return Cost(borders=8 * taps + channels * (5.8 * inside + 0.6 * (taps - inside)))


def _inside(node: Node, axis: int) -> NDArray[np.int64]:
    """Taps inside the input, of each output position along an axis."""
    op, size = node.op, node.input(0).type.shape[1 + axis]
    assert isinstance(op, QConv2D)
    first = np.arange(node.output.type.shape[1 + axis]) * op.window.strides[axis]
    taps = np.arange(node.input(1).type.shape[1 + axis]) * op.window.dilations[axis]
    found = np.add.outer(first - op.window.padding[axis], taps)
    return np.asarray(((found >= 0) & (found < size)).sum(axis=1), np.int64)


def _windows(name: str, filters: Callable[[Node], Filters | str], store: int) -> Variant:
    """The kernel for filters of one kind."""
    return by_filters(
        name,
        filters,
        refuse_shape,
        emit,
        lambda node: cost(node, store),
        scratch=conv_scratch,
        overlap=by_window,
    )


DEPTHWISE_WINDOWS = _windows("depthwise", filters_of, STORE)
"""Outputs scaled by one product and one shift."""
DEPTHWISE_TWICE = _windows("depthwise twice", twice_rounded, STORE_TWICE)
"""Outputs rounded twice, as TFLite's are on both sides of the zero point."""

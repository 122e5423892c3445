"""Depthwise convolutions with any window: tap by tap, eight channels in each step.

Bytes are widened to halfwords and multiplied to words, even channels and odd ones apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.isa import MVE
from codegen.assembly.mve.lanes import finish_vectors
from codegen.assembly.mve.layer import Layer, by_parity, layer_of
from codegen.assembly.mve.parts import Part, parts_of
from codegen.assembly.mve.patches import SLACK, declare_rows, rows_block
from codegen.assembly.mve.scaling import Form
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D, Window

LANES = 8
CALL, PIXEL, GROUP, ROW, TAP = 34, 8, 30, 4, 8
"""Instructions of a call, of a pixel, of eight channels, of a row of taps, of a tap."""
CHANNELS, ZERO_POINT, LOW = 8, 44, 48
"""Offsets in ``ek_taps``."""


@dataclass(frozen=True, eq=False)
class Taps:
    """A depthwise convolution as rows and taps."""

    layer: Layer
    window: Window
    kernel: tuple[int, int]
    parts: tuple[Part, ...]
    size: tuple[int, int]

    @property
    def scratch(self) -> int:
        """Bytes of padded rows."""
        return max(p.patch.nbytes for p in self.parts) + SLACK

    @property
    def cost(self) -> Cost:
        """Instructions of one run."""
        taps = self.kernel[0] * Cost(products=self.kernel[1] * TAP, control=ROW)
        pixel = PIXEL + -(-self.layer.filters // LANES) * (Cost(requantize=GROUP) + taps)
        row = sum((p.patch.cost + CALL + p.width * pixel for p in self.parts), Cost())
        return self.size[0] * row


def taps_of(node: Node) -> Taps | str:
    """How a node is computed, or why it is not."""
    op = node.op
    assert isinstance(op, QConv2D)
    _, kh, kw, _ = node.input(1).type.shape
    _, height, width, channels = node.output.type.shape
    if op.groups != node.input(0).type.shape[3] or op.groups != channels or op.groups == 1:
        return "not depthwise with one filter for each channel"
    layer = layer_of(node)
    if isinstance(layer, str):
        return layer
    parts = parts_of(node, (kh, kw), op.window, lambda part: part.patch.nbytes)
    return Taps(layer, op.window, (kh, kw), parts, (height, width))


def packed(layer: Layer) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """Weights and table in reading order, see ``ek_taps_s8``."""
    count = -(-layer.filters // LANES)
    taps = layer.weights.reshape(layer.filters, -1)
    filled = np.zeros((count * LANES, taps.shape[1]), np.int8)
    filled[: layer.filters] = taps
    weights = filled.reshape(count, LANES, -1).transpose(0, 2, 1).ravel()
    return weights, by_parity(layer.scaling.table(layer.bias))


def taps_block(form: Form) -> Block:
    """``ek_taps_s8(a, x, y, pixels)``."""
    b = Block(f"taps_{form.tag}")
    b.name(x="r0", tap="r2", w="r3", table="r4", y="r5", tap_step="r6", skip="r7")
    b.name(rows="r8", columns="r9", left="r10", pixels="r11", count="r12", zero="q6")
    b.op("push {{r4-r11, lr}}")
    b.op("vpush {{d8-d13}}")
    b.op("push {{r0-r3}}")
    b.op("mov {y}, r2")
    b.op("mov {pixels}, r3")
    b.op("ldr r2, [r0, #{at}]", at=ZERO_POINT)
    b.op("vdup.16 {zero}, r2")
    b.op("add r2, r0, #{at}", at=CHANNELS + 4)
    b.op("ldm r2, {{r8, r9}}")
    b.op("ldrd {tap_step}, {skip}, [r2, #8]")
    with b.loop("subs {pixels}, {pixels}, #1", "bne {head}"):
        b.op("ldrd r0, r1, [sp]")
        b.op("ldr {left}, [r0, #{at}]", at=CHANNELS)
        b.op("ldrd {w}, {table}, [r0]")
        b.op("ldr r2, [r0, #{at}]", at=CHANNELS + 20)
        b.op("add r2, r2, r1")
        b.op("str r2, [sp, #4]")
        b.op("mov {x}, r1")
        with b.loop("subs {left}, {left}, #8", "bgt {head}"):
            _channels(b, form)
    b.op("add sp, sp, #16")
    b.op("vpop {{d8-d13}}")
    b.op("pop {{r4-r11, pc}}")
    return b


def _channels(b: Block, form: Form) -> None:
    """Eight channels of a pixel."""
    b.op("vmov.i32 q0, #0")
    b.op("vmov.i32 q1, #0")
    b.op("mov {tap}, {x}")
    b.op("mov {count}, {rows}")
    with b.loop("add {tap}, {tap}, {skip}", "subs {count}, {count}, #1", "bne {head}"):
        b.op("dls lr, {columns}")
        with b.loop("le lr, {head}"):
            b.op("vldrb.s16 q2, [{tap}]")
            b.op("vldrb.s16 q3, [{w}], #8")
            b.op("add {tap}, {tap}, {tap_step}")
            b.op("vmullb.s16 q4, q2, q3")
            b.op("vmullt.s16 q5, q2, q3")
            b.op("vadd.i32 q0, q0, q4")
            b.op("vadd.i32 q1, q1, q5")
    finish_vectors(b, form)
    if form.clamped:
        b.op("ldr r2, [sp]")
        b.op("add r2, r2, #{at}", at=LOW)
        b.op("ldrd r2, {count}, [r2]")
        b.op("vdup.16 q1, r2")
        b.op("vdup.16 q2, {count}")
        b.op("vmax.s16 q0, q0, q1")
        b.op("vmin.s16 q0, q0, q2")
    else:
        b.op("vqmovnb.s16 q0, q0")
    b.op("add {x}, {x}, #8")
    b.op("cmp {left}, #8")
    b.op("it lt")
    b.op("movlt {count}, {left}")
    b.op("it ge")
    b.op("movge {count}, #8")
    b.op("vctp.16 {count}")
    b.op("vpst")
    b.op("vstrbt.16 q0, [{y}]")
    b.op("add {y}, {y}, {count}")


def emit_taps(w: StepWriter) -> None:
    found, op = taps_of(w.node), w.node.op
    assert isinstance(found, Taps)
    assert isinstance(op, QConv2D)
    weights, table = packed(found.layer)
    filters, pitch = found.layer.filters, found.parts[0].patch.pitch
    tap_step = filters * found.window.dilations[1]
    taps = w.declare(
        "ek_taps",
        "taps",
        weights=w.weights(weights, "weights"),
        table=w.table(table, "requant"),
        channels=filters,
        rows=found.kernel[0],
        columns=found.kernel[1],
        tap_step=tap_step,
        row_skip=pitch - found.kernel[1] * tap_step,
        pixel_step=filters * found.window.strides[1],
        scaling=found.layer.scaling_fields,
        row_bytes=pitch,
    )
    rows = [declare_rows(w, p.patch, op, f"rows{i}") for i, p in enumerate(found.parts)]
    order = list(enumerate(found.parts))[:: -1 if w.step.backward else 1]
    with w.each_sample(w.node.input(0), w.node.output) as (x, y), w.loop("i", found.size[0]):
        row = f"({found.size[0] - 1} - i)" if w.step.backward else "i"
        start = f"{row} * {found.window.strides[0]} - {found.window.padding[0]}"
        for index, part in order:
            w.assemble(MVE, rows_block(), "ek_rows_s8", rows[index], x, w.scratch(), start)
            to = f"{y} + ({row} * {found.size[1]} + {part.start}) * {filters}"
            block = taps_block(found.layer.scaling.form)
            w.assemble(MVE, block, "ek_taps_s8", taps, w.scratch(), to, part.width)


def _overlap(node: Node) -> Declared:
    found = taps_of(node)
    assert isinstance(found, Taps)
    if len(found.parts) > 1:  # earlier than pixel by pixel, later than row by row
        return by_walk(node, Walk(found.kernel, found.window))
    return by_walk(node, Walk(found.kernel, found.window, found.size[1], gathered=True))


def _refuse(node: Node) -> str:
    found = taps_of(node)
    return found if isinstance(found, str) else ""


def _scratch(node: Node) -> int:
    found = taps_of(node)
    assert isinstance(found, Taps)
    return found.scratch


def _cost(node: Node) -> Cost:
    found = taps_of(node)
    assert isinstance(found, Taps)
    return found.cost


TAPS = Variant(
    emit_taps,
    scratch=_scratch,
    overlap=_overlap,
    name="taps",
    refuse=_refuse,
    cost=_cost,
)

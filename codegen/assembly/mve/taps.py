"""Depthwise convolutions with any window: tap by tap, eight filters in each step.

Bytes are widened to halfwords, or are halfwords of int16 activations, and multiplied to words, even
channels and odd ones apart. Where a channel has several filters, it is repeated in the padded rows.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.block import Block, noted
from codegen.assembly.columns import high_multipliers, refuse_wide
from codegen.assembly.cost import Cost
from codegen.assembly.isa import MVE
from codegen.assembly.mve.lanes import finish_vectors
from codegen.assembly.mve.layer import FULL, Layer, by_parity, layer_of
from codegen.assembly.mve.parts import Part, parts_of
from codegen.assembly.mve.patches import SLACK, declare_rows, rows_block
from codegen.assembly.mve.scaling import Form
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.integer import repeats_of
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D, Window

LANES = 8
CALL, PIXEL, ROW, TAP = 14, 9, 4, 8
"""Instructions of a call, of a pixel, of a row of taps, of a tap."""
CHANNELS, ZERO_POINT, LOW = 8, 44, 48
"""Offsets in ``ek_taps``."""


@dataclass(frozen=True, eq=False)
class Wide:
    """A layer of int16 activations.

    Attributes:
        weights: (filters, ...), as in the graph.
        starts: (filters, 2): bias, and scale times 2**32.
        low: smallest output, -2**15 or 0.
    """

    weights: NDArray[np.int8]
    starts: NDArray[np.int32]
    low: int

    @property
    def filters(self) -> int:
        """Number of output channels."""
        return len(self.weights)

    @property
    def scaling_fields(self) -> str:
        """Initialiser of an ``ek_scaling``."""
        return f"{{0, 0, 0, 0, {self.low}, {2**15 - 1}}}"


@dataclass(frozen=True, eq=False)
class Taps:
    """A depthwise convolution as rows and taps."""

    layer: Layer | Wide
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
        group = Cost(requantize=_group_instructions(self.form, self.is_positive))
        pixel = PIXEL + -(-self.layer.filters // LANES) * (group + taps)
        row = sum((p.patch.cost + CALL + p.width * pixel for p in self.parts), Cost())
        return self.size[0] * row

    @property
    def table(self) -> NDArray[np.int32]:
        """Constants of each filter."""
        if isinstance(self.layer, Wide):
            return self.layer.starts
        return self.layer.scaling.table(self.layer.bias)

    @property
    def form(self) -> Form | None:
        """Of the requantization, None for int16."""
        return None if isinstance(self.layer, Wide) else self.layer.scaling.form

    @property
    def is_positive(self) -> bool:
        """True for outputs of int16 that begin at 0."""
        return isinstance(self.layer, Wide) and self.layer.low == 0


def taps_of(node: Node) -> Taps | str:
    """How a node is computed, or why it is not."""
    op = node.op
    assert isinstance(op, QConv2D)
    _, kh, kw, depth = node.input(1).type.shape
    _, height, width, _ = node.output.type.shape
    if op.groups != node.input(0).type.shape[3] or op.groups == 1 or depth > 1:
        return OtherKind("not depthwise")
    if repeats_of(node) * node.input(0).type.dtype.itemsize > FULL:
        return "too many filters for each channel"
    layer = layer_of(node) if node.input(0).type.dtype is DType.INT8 else _wide(node, op)
    if isinstance(layer, str):
        return layer
    parts = parts_of(node, (kh, kw), op.window, lambda part: part.patch.nbytes)
    return Taps(layer, op.window, (kh, kw), parts, (height, width))


def _wide(node: Node, op: QConv2D) -> Wide | str:
    """A layer of int16, or why it cannot be."""
    problem = refuse_wide(node, op.requant)
    if problem:
        return problem
    starts = np.stack([node.input(2).array, high_multipliers(node, op.requant)], axis=1)
    return Wide(node.input(1).array, starts.astype(np.int32), op.requant.low)


def packed(found: Taps) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """Weights and table in reading order, see ``ek_taps.h``."""
    filters = found.layer.filters
    count = -(-filters // LANES)
    taps = found.layer.weights.reshape(filters, -1)
    filled = np.zeros((count * LANES, taps.shape[1]), np.int8)
    filled[:filters] = taps
    weights = filled.reshape(count, LANES, -1).transpose(0, 2, 1).ravel()
    return weights, by_parity(found.table)


@functools.cache
def _group_instructions(form: Form | None, is_positive: bool) -> int:
    """Of eight channels, but for their rows and taps."""
    b = _named("")
    _channels(b, form, is_positive)
    return b.cost().total + 2 - ROW - TAP


def _named(symbol: str) -> Block:
    """A function with its registers."""
    b = Block(symbol)
    b.name(x="r0", tap="r2", w="r3", table="r4", y="r5", tap_step="r6", skip="r7")
    b.name(rows="r8", columns="r9", left="r10", pixels="r11", count="r12", zero="q6")
    return b


def taps_block(form: Form | None, is_positive: bool) -> Block:
    """``ek_taps_s8(a, x, y, pixels)`` for a form, or ``ek_taps_s16`` (outputs may begin at 0)."""
    b = _named(f"taps_{form.tag if form else 's16' + 'p' * is_positive}")
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
            _channels(b, form, is_positive)
    b.op("add sp, sp, #16")
    b.op("vpop {{d8-d13}}")
    b.op("pop {{r4-r11, pc}}")
    return b


@noted
def _channels(b: Block, form: Form | None, is_positive: bool) -> None:
    """Eight channels of a pixel."""
    b.op("vmov.i32 q0, #0")
    b.op("vmov.i32 q1, #0")
    b.op("mov {tap}, {x}")
    b.op("mov {count}, {rows}")
    load, letter, size = ("vldrb.s16", "b", 1) if form else ("vldrh.u16", "h", 2)
    with b.loop("add {tap}, {tap}, {skip}", "subs {count}, {count}, #1", "bne {head}"):
        b.op("dls lr, {columns}")
        with b.loop("le lr, {head}"):
            b.op(f"{load} q2, [{{tap}}]")
            b.op("vldrb.s16 q3, [{w}], #8")
            b.op("add {tap}, {tap}, {tap_step}")
            b.op("vmullb.s16 q4, q2, q3")
            b.op("vmullt.s16 q5, q2, q3")
            b.op("vadd.i32 q0, q0, q4")
            b.op("vadd.i32 q1, q1, q5")
    if form:
        _finish(b, form)
    else:
        _finish_wide(b, is_positive)
    b.op("add {x}, {x}, #{step}", step=LANES * size)
    b.op("cmp {left}, #8")
    b.op("it lt")
    b.op("movlt {count}, {left}")
    b.op("it ge")
    b.op("movge {count}, #8")
    b.op("vctp.16 {count}")
    b.op("vpst")
    b.op(f"vstr{letter}t.16 q0, [{{y}}]")
    b.op("add {y}, {y}, {count}" + (", lsl #1" if size == 2 else ""))


@noted
def _finish(b: Block, form: Form) -> None:
    """Eight outputs of int8 in q0."""
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


@noted
def _finish_wide(b: Block, is_positive: bool) -> None:
    """Eight outputs of int16 in q0."""
    for operation in ("vadd.i32", "vrmulh.s32"):
        for q in range(2):
            b.op("vldrw.u32 q3, [{table}], #16")
            b.op(f"{operation} q{q}, q{q}, q3")
    b.op("vqmovnb.s32 q0, q0")
    b.op("vqmovnt.s32 q0, q1")
    if is_positive:
        b.op("vmax.s16 q0, q0, {zero}")


def emit_taps(w: StepWriter) -> None:
    found, op = taps_of(w.node), w.node.op
    assert isinstance(found, Taps)
    assert isinstance(op, QConv2D)
    weights, table = packed(found)
    filters, patch, kind = found.layer.filters, found.parts[0].patch, w.node.output.type.dtype
    pixel = filters * kind.itemsize
    tap_step = pixel * found.window.dilations[1]
    taps = w.declare(
        "ek_taps",
        "taps",
        weights=w.weights(weights, "weights"),
        table=w.table(table, "requant"),
        channels=filters,
        rows=found.kernel[0],
        columns=found.kernel[1],
        tap_step=tap_step,
        row_skip=patch.pitch - found.kernel[1] * tap_step,
        pixel_step=pixel * found.window.strides[1],
        scaling=found.layer.scaling_fields,
        row_bytes=patch.pitch,
    )
    rows = [declare_rows(w, p.patch, op, f"rows{i}") for i, p in enumerate(found.parts)]
    order = list(enumerate(found.parts))[:: -1 if w.step.backward else 1]
    block = taps_block(found.form, found.is_positive)
    isa = found.form.isa if found.form else MVE
    copying = rows_block(patch.repeat, patch.size)
    rows_of = f"({kind.c_name} *)(void *){w.scratch()}" if kind.itemsize > 1 else w.scratch()
    with w.each_sample(w.node.input(0), w.node.output) as (x, y), w.loop("i", found.size[0]):
        row = f"({found.size[0] - 1} - i)" if w.step.backward else "i"
        start = f"{row} * {found.window.strides[0]} - {found.window.padding[0]}"
        source = f"(const int8_t *)({x})" if kind.itemsize > 1 else x
        for index, part in order:
            w.assemble(MVE, copying, "ek_rows_s8", rows[index], source, w.scratch(), start)
            to = f"{y} + ({row} * {found.size[1]} + {part.start}) * {filters}"
            kernel = "ek_taps_s8" if kind is DType.INT8 else "ek_taps_s16"
            w.assemble(isa, block, kernel, taps, rows_of, to, part.width)


def _overlap(node: Node) -> Declared:
    found = taps_of(node)
    assert isinstance(found, Taps)
    if len(found.parts) > 1:  # earlier than pixel by pixel, later than row by row
        return by_walk(node, Walk(found.kernel, found.window))
    return by_walk(node, Walk(found.kernel, found.window, found.size[1], gathered=True))


def _refuse(node: Node) -> str:
    found = taps_of(node)
    return found if isinstance(found, str) else ""


def _refuse_wide(node: Node) -> str:
    is_narrow = node.input(0).type.dtype is DType.INT8
    return OtherKind("not int16") if is_narrow else _refuse(node)


def _scratch(node: Node) -> int:
    found = taps_of(node)
    assert isinstance(found, Taps)
    return found.scratch


def _cost(node: Node) -> Cost:
    found = taps_of(node)
    assert isinstance(found, Taps)
    return node.output.type.shape[0] * found.cost


TAPS = Variant(
    emit_taps,
    scratch=_scratch,
    overlap=_overlap,
    name="taps",
    refuse=_refuse,
    cost=_cost,
)
WIDE_TAPS = replace(
    TAPS,
    name="taps of int16",
    refuse=lambda node: (
        OtherKind("not int16") if node.input(0).type.dtype is DType.INT8 else _refuse(node)
    ),
)
"""The same for int16 activations; filters are not left to portable C."""

"""Depthwise convolutions with any window: tap by tap, eight filters in each step.

Bytes are widened to halfwords, or are halfwords of int16 activations, and multiplied to words, even
channels and odd ones apart. Where a channel has several filters, it is repeated in the padded rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.columns import high_multipliers, refuse_wide
from codegen.assembly.cost import Cost
from codegen.assembly.isa import MVE
from codegen.assembly.mve.layer import FULL, Layer, by_parity, layer_of
from codegen.assembly.mve.parts import Part, parts_of
from codegen.assembly.mve.patches import SLACK, declare_rows, rows_block
from codegen.assembly.mve.scaling import Form
from codegen.assembly.mve.taps_block import (
    CALL,
    LANES,
    PIXEL,
    ROW,
    TAP,
    group_instructions,
    taps_block,
)
from codegen.assembly.prepared import prepared
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.integer import repeats_of
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D, Window


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
        group = Cost(requantize=group_instructions(self.form, self.is_positive))
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


def emit_taps(w: StepWriter, found: Taps) -> None:
    op = w.node.op
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


def _overlap(node: Node, found: Taps) -> Declared:
    if len(found.parts) > 1:  # earlier than pixel by pixel, later than row by row
        return by_walk(node, Walk(found.kernel, found.window))
    return by_walk(node, Walk(found.kernel, found.window, found.size[1], gathered=True))


TAPS = prepared(
    "taps",
    taps_of,
    emit_taps,
    lambda node, found: node.output.type.shape[0] * found.cost,
    scratch=lambda node, found: found.scratch,
    overlap=_overlap,
)


def _refuse_wide(node: Node) -> str:
    is_narrow = node.input(0).type.dtype is DType.INT8
    return OtherKind("not int16") if is_narrow else TAPS.refuse(node)


WIDE_TAPS = replace(TAPS, name="taps of int16", refuse=_refuse_wide)
"""The same for int16 activations; filters are not left to portable C."""

"""Depthwise 3x3 convolutions of stride 1: bands of two output rows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from codegen.assembly.isa import RV32
from codegen.assembly.rv32.depthwise_band import FIELD_BITS, WORDS, Band, band, band_count
from codegen.assembly.rv32.layer import sum_bounds
from codegen.assembly.rv32.registers import SAVED
from codegen.assembly.rv32.scale import Scaling, find_scaling
from codegen.c.operators.integer import attributes, fold_zero_point, is_depthwise
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D, Window

KERNEL = (3, 3)
SAME = Window((1, 1), (1, 1, 1, 1))
FARTHEST = 2047
"""Largest offset of a load."""


def depthwise_refusal(node: Node) -> str:
    """Why bands cannot compute a convolution; empty where they can."""
    op = node.op
    assert isinstance(op, QConv2D)
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8} or op.w_zero:
        return "activations are not int8, or weights have a zero point"
    if not is_depthwise(node) or node.output.type.shape[3] != op.groups:
        return "not one filter for each channel"
    if node.input(1).type.shape[1:3] != KERNEL or op.window != SAME:
        return "not 3x3 of stride 1 with one row and column of padding"
    if 2 * _pitch(node) > FARTHEST:
        return "rows of more than 1023 bytes"
    return "" if depthwise_scaling(node) else "a scale has no proven form"


@lru_cache(maxsize=64)
def depthwise_scaling(node: Node) -> Scaling | None:
    """The constants of every channel."""
    op = node.op
    assert isinstance(op, QConv2D)
    rows = node.input(1).array.reshape(op.groups, -1).astype(np.int64)
    bias = fold_zero_point(node, rows, op.x_zero, op.requant).astype(np.int64)
    low, high = sum_bounds(rows)
    found = find_scaling(op.requant, bias + low, bias + high, bias, FIELD_BITS, fields="signed")
    return None if found is None or found.is_signed else found


def bands(node: Node) -> list[tuple[int, Band]]:
    """The first output row of every band, and what computes it."""
    op = node.op
    assert isinstance(op, QConv2D)
    height, low, high = node.output.type.shape[1], op.requant.low, op.requant.high
    found = []
    for row in range(0, height, 2):
        outputs = min(2, height - row)
        below = row + outputs == height
        found.append((row, Band(_pitch(node), outputs, row == 0, below, low, high - low)))
    return found


def emit_depthwise(w: StepWriter) -> None:
    """The first band, those in the middle, the last."""
    op, node, scaling = attributes(w, QConv2D), w.node, depthwise_scaling(w.node)
    assert scaling is not None
    layer = w.declare(
        "ek_depthwise3", "layer",
        weights=w.weights(node.input(1).array, "weights"),
        table=w.table(scaling.table, "scaling"),
        channels=op.groups, zero=op.x_zero, top=op.requant.high - op.requant.low,
        low=op.requant.low, width=node.output.type.shape[2],
    )  # fmt: skip
    calls = runs(bands(node))
    if w.step.backward:
        calls = [(first, count, shape) for first, count, shape in reversed(calls)]
    with w.each_sample(node.input(0), node.output) as (x, y):
        for first, count, shape in calls:
            _emit_run(w, layer, (x, y), first, count, shape)


def _emit_run(
    w: StepWriter, layer: str, at: tuple[str, str], first: int, count: int, shape: Band
) -> None:
    """Bands of one kind, from row ``first`` on."""
    x, y = at
    if count == 1:
        places = f"{x} + {first * shape.pitch}", f"{y} + {first * shape.pitch}"
        w.assemble(RV32, band(shape), "ek_depthwise3_band_s8", layer, *places, shape.edges)
        return
    with w.loop("b", count):
        turn = f"({count - 1} - b)" if w.step.backward else "b"
        w.lines.append(f"const int32_t at = {first * shape.pitch} + {turn} * {2 * shape.pitch};")
        places = f"{x} + at", f"{y} + at"
        w.assemble(RV32, band(shape), "ek_depthwise3_band_s8", layer, *places, shape.edges)


def runs(found: list[tuple[int, Band]]) -> list[tuple[int, int, Band]]:
    """Neighbouring bands of one kind: first row, number, kind."""
    joined: list[tuple[int, int, Band]] = []
    for row, shape in found:
        if joined and joined[-1][2] == shape:
            joined[-1] = (joined[-1][0], joined[-1][1] + 1, shape)
        else:
            joined.append((row, 1, shape))
    return joined


def depthwise_overlap(node: Node) -> Declared:
    """Both rows of a band are written channel by channel, while their windows are still read."""
    return by_walk(node, Walk(KERNEL, SAME, pixels=2 * node.output.type.shape[2]))


def depthwise_count(node: Node) -> int:
    """Instructions of all bands."""
    batch, _, width, channels = node.output.type.shape
    return batch * sum(band_count(shape, width, channels) + 12 for _, shape in bands(node))


def _pitch(node: Node) -> int:
    _, _, width, channels = node.input(0).type.shape
    return width * channels


DEPTHWISE = Variant(
    emit_depthwise,
    overlap=depthwise_overlap,
    name="depthwise3x3",
    refuse=depthwise_refusal,
    instructions=depthwise_count,
    stack=lambda node: 4 * (len(WORDS) + len(SAVED) + 2),
)

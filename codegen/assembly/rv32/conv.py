"""Convolutions by packed products: six output pixels at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.cost import Cost
from codegen.assembly.isa import RV32
from codegen.assembly.listed import listed, pack_lists
from codegen.assembly.rv32 import packed_listed, parts
from codegen.assembly.rv32.layer import (
    Layer,
    Part,
    conv_refusal,
    layer_of,
    pack_weights,
    sums_bytes,
)
from codegen.assembly.rv32.packed import block, block_count
from codegen.assembly.rv32.packing import packing_count
from codegen.assembly.rv32.products import COLUMN, FILTERS, SLOTS
from codegen.assembly.rv32.registers import SAVED
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import attributes
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D

STACK_BYTES = 128 + 4 * len(SAVED)


def emit_conv(w: StepWriter, is_listed: bool = False) -> None:
    """Pack the windows of six pixels, compute every filter, go on.

    Args:
        w: the step.
        is_listed: without the weights that are zero.
    """
    op, node, layer = attributes(w, QConv2D), w.node, _layer(w.node)
    weights = node.input(1).array
    window = declare_window(w, weights.shape[1:3], op.window)
    pad = w.filler(np.full(weights.shape[3], op.x_zero, np.int8), "pad")
    declared = [_declare(w, i, p, is_listed) for i, p in enumerate(layer.parts)]
    w.lines.append(f"uint32_t *const columns = (uint32_t *){w.scratch()};")
    if not layer.is_whole:
        w.lines.append(f"uint32_t *const sums = columns + {_columns_bytes(layer) // 4};")
        w.call("ek_packed_start_s32", declared[0], "sums")
    with w.each_sample(node.input(0), node.output) as (x, y), _each_group(w):
        target = f"{y} + pixel * {len(weights)}", f"{_pixels(node)} - pixel"
        for part, pointer in zip(layer.parts, declared, strict=True):
            span = part.tap, part.taps, part.channel, part.channels
            w.call("ek_packed_columns_s8", window, x, pad, "pixel", *span, "columns")
            _emit_part(w, pointer, target, is_listed)
        if not layer.is_whole:
            is_signed = layer.scaling.is_signed
            kernel = f"ek_packed_finish{'_signed' if is_signed else ''}_s8"
            code = parts.finish(*_clamp(node), is_signed)
            w.assemble(RV32, code, kernel, declared[0], "sums", *target)


def _emit_part(w: StepWriter, pointer: str, target: tuple[str, str], is_listed: bool) -> None:
    if _layer(w.node).is_whole:
        code = (packed_listed.block if is_listed else block)(*_clamp(w.node))
        kernel = f"ek_packed_{'listed' if is_listed else 'block'}_s8"
        w.assemble(RV32, code, kernel, pointer, "columns", *target)
    else:
        code = (packed_listed if is_listed else parts).part()
        kernel = f"ek_packed_{'listed_' * is_listed}part_s8"
        w.assemble(RV32, code, kernel, pointer, "columns", "sums")


@contextmanager
def _each_group(w: StepWriter) -> Iterator[None]:
    """Repeat what is written for every six pixels, ``pixel`` being the first, in the step's
    direction."""
    last = -(-_pixels(w.node) // SLOTS) - 1
    with w.loop("g", last + 1):
        turn = f"({last} - g)" if w.step.backward else "g"
        w.lines.append(f"const int32_t pixel = {SLOTS} * {turn};")
        yield


def _declare(w: StepWriter, index: int, part: Part, is_listed: bool) -> str:
    """Declare a part's ``ek_packed``; returns a pointer to it."""
    op, layer, weights = attributes(w, QConv2D), _layer(w.node), w.node.input(1).array
    rows = _rows(w.node, part)
    if not layer.is_whole:
        rows = np.pad(rows, ((0, -len(rows) % FILTERS), (0, 0)))
    packed = pack_lists([rows[: len(weights)]]) if is_listed else pack_weights(rows, FILTERS)
    low, top = _clamp(w.node)
    return w.declare(
        "ek_packed", f"part{index}",
        weights=w.weights(packed, f"part{index}"),
        table=w.table(layer.scaling.table, "scaling") if index == 0 else "NULL",
        positions=part.positions, filters=len(weights), low=low, top=top,
        zero=2 * (op.requant.zero_point - low) + 1, start=layer.start, left=32 - layer.bits,
    )  # fmt: skip


def _rows(node: Node, part: Part) -> NDArray[np.int8]:
    """A part's weights, shape (filters, positions)."""
    weights = node.input(1).array
    return part.of(weights.reshape(len(weights), -1, weights.shape[3]))


def _layer(node: Node) -> Layer:
    found = layer_of(node)
    assert found is not None
    return found


def _clamp(node: Node) -> tuple[int, int]:
    """The smallest output, and the largest less the smallest."""
    op = node.op
    assert isinstance(op, QConv2D)
    return op.requant.low, op.requant.high - op.requant.low


def _pixels(node: Node) -> int:
    """Output pixels of one sample."""
    _, height, width, _ = node.output.type.shape
    return height * width


def _columns_bytes(layer: Layer) -> int:
    return COLUMN * max(p.positions for p in layer.parts)


def conv_scratch(node: Node) -> int:
    """The columns of a part, and sums where there are several."""
    layer = _layer(node)
    sums = 0 if layer.is_whole else sums_bytes(node.output.type.shape[3])
    return _columns_bytes(layer) + sums


def conv_overlap(node: Node) -> Declared:
    """Six windows are read before anything of their pixels is written."""
    op = node.op
    assert isinstance(op, QConv2D)
    height, width = node.input(1).type.shape[1:3]
    return by_walk(node, Walk((height, width), op.window, SLOTS, gathered=True))


def conv_cost(node: Node) -> Cost:
    """Instructions, from the loops."""
    count = block_count if _layer(node).is_whole else parts.part_count
    return _with_packing(node, lambda part: count(part.positions, node.output.type.shape[3]))


def listed_cost(node: Node) -> Cost:
    """The same where weights are listed."""
    count = packed_listed.block_count if _layer(node).is_whole else packed_listed.part_count
    return _with_packing(node, lambda part: count(_rows(node, part)))


def _with_packing(node: Node, count: Callable[[Part], Cost]) -> Cost:
    """With calls that take so much for each part."""
    layer, filters = _layer(node), node.output.type.shape[3]
    each = sum((count(p) for p in layer.parts), Cost(control=10))
    if not layer.is_whole:
        each += parts.finish_count(filters, layer.scaling.is_signed)
    sample = packing_count(node, layer.parts) + -(-_pixels(node) // SLOTS) * each
    return node.output.type.shape[0] * sample


PACKED = Variant(
    emit_conv,
    scratch=conv_scratch,
    overlap=conv_overlap,
    name="packed",
    refuse=conv_refusal,
    cost=conv_cost,
    stack=lambda node: STACK_BYTES,
)
PACKED_SPARSE = listed(PACKED, partial(emit_conv, is_listed=True), listed_cost)
"""The same without the weights that are zero."""

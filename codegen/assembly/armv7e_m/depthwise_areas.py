"""Depthwise convolutions with windows of 2 to 11 columns on Armv7E-M, strides 1 and 2, dilated too,
of int8 and of int16.

An area of the output is some rows and up to 30 columns. What it reads is packed for four channels,
which makes every window a dense one far from any border: dilated columns are apart in the input
only, padding lies in scratch before packing. Portable C walks over the areas.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from codegen.assembly.armv7e_m.depthwise_area_block import Outputs, area_block, frame_bytes
from codegen.assembly.armv7e_m.depthwise_area_layer import areas_of, pack
from codegen.assembly.armv7e_m.depthwise_area_pack import fill_block, pack_block
from codegen.assembly.armv7e_m.depthwise_area_taps import pairs_of
from codegen.assembly.armv7e_m.depthwise_filters import (
    Filters,
    by_filters,
    filters_of,
    is_int8,
    twice_rounded,
)
from codegen.assembly.columns import high_multipliers, refuse_wide
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.prepared import prepared
from codegen.assembly.refusal import OtherKind
from codegen.assembly.turned import turned_step
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import is_depthwise, repeats_of
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D

Find = Callable[[Node], Filters | str]


def emit(w: StepWriter, filters: Filters) -> None:
    """Write a step."""
    op, areas = w.node.op, areas_of(w.node)
    assert isinstance(op, QConv2D)
    packed = pack(filters, areas)
    constants = 2 if filters.half is None else 3
    wide = w.node.output.type.dtype is DType.INT16
    outputs = Outputs(filters.shift, wide, positive=wide and op.requant.low == 0)
    window = declare_window(turned_step(w), areas.kernel, areas.window, op.groups)
    layer = w.declare(
        "ek_depthwise_layer",
        "layer",
        filters=w.weights(packed, "filters", 4 * constants * len(packed)),
        words=packed.shape[1],
        kernel_h=areas.kernel[0],
        width=areas.width,
        pairs=pairs_of(areas.width, areas.stride),
        turns=areas.turns,
        stride=areas.stride,
        shift=filters.shift,
        band=areas.band,
        strip=areas.strip,
        bands=areas.bands,
        strips=areas.strips,
        pad=(op.x_zero << 16) + (op.x_zero & 0xFFFF),
        low=op.requant.low,
    )
    kind = "s16" if wide else "twice_s8" if outputs.twice else "once_s8"
    block = area_block(areas.width, areas.stride, outputs)
    multiply = w.function(ARMV7E_M, block, f"ek_depthwise_area_{kind}")
    kind = "s16" if wide else "s8"
    packing = w.function(ARMV7E_M, pack_block(wide), f"ek_depthwise_pack_{kind}")
    filling = w.function(ARMV7E_M, fill_block(), "ek_depthwise_fill_s8")
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        functions = filling, packing, multiply
        w.call(f"ek_depthwise_areas_{kind}", *functions, window, layer, x, w.scratch(), y)


def refuse_shape(node: Node) -> str:
    """Why the blocks cannot compute a layer of int8, whatever its filters are."""
    if not is_int8(node):
        return OtherKind("not an int8 depthwise convolution")
    return _refuse_walk(node)


def _refuse_walk(node: Node) -> str:
    channels = node.input(0).type.shape[3]
    if repeats_of(node) > 1 or channels < 4:
        return OtherKind("not one filter for each of at least 4 channels")
    return areas_of(node).refusal()


def _stack(node: Node) -> int:
    areas = areas_of(node)
    return frame_bytes(areas.width, areas.stride)


def _areas(name: str, filters: Find, twice: bool) -> Variant:
    """The kernel for int8 filters of one kind."""
    return by_filters(
        name,
        filters,
        refuse_shape,
        emit,
        lambda node: areas_of(node).cost(twice),
        scratch=lambda node: areas_of(node).scratch,
        overlap=lambda node: areas_of(node).overlap(node),
        stack=_stack,
    )


def wide_filters(node: Node) -> Filters | str:
    """Weights and constants of a layer of int16, or why the blocks cannot compute it."""
    op, x = node.op, node.input(0).type
    assert isinstance(op, QConv2D)
    if x.dtype is not DType.INT16 or not is_depthwise(node):
        return OtherKind("not a depthwise convolution of int16")
    refused = _refuse_walk(node) or refuse_wide(node, op.requant)
    if refused:
        return refused
    weights, bias = node.input(1).array[..., 0], node.input(2).array
    multipliers, none = high_multipliers(node, op.requant), np.zeros(len(bias), np.bool_)
    return Filters(weights, bias.astype(np.int32), bias, multipliers, none)


DEPTHWISE_AREAS = _areas("depthwise areas", filters_of, twice=False)
"""Outputs scaled by one product and one shift."""
DEPTHWISE_AREAS_TWICE = _areas("depthwise areas twice", twice_rounded, twice=True)
"""Outputs rounded twice, as TFLite's are on both sides of the zero point."""
DEPTHWISE_WORDS = prepared(
    "depthwise words",
    wide_filters,
    emit,
    lambda node, _: areas_of(node).cost(twice=False),
    scratch=lambda node, _: areas_of(node).scratch,
    overlap=lambda node, _: areas_of(node).overlap(node),
    stack=lambda node, _: _stack(node),
)
"""Outputs of int16."""

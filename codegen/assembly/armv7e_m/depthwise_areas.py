"""Depthwise convolutions with windows of 2 to 11 columns on Armv7E-M, strides 1 and 2, dilated too.

An area of the output is some rows and up to 30 columns. What it reads is packed for four channels,
which makes every window a dense one far from any border: dilated columns are apart in the input
only, padding lies in scratch before packing. Portable C walks over the areas.
"""

from __future__ import annotations

from collections.abc import Callable

from codegen.assembly.armv7e_m.depthwise_area_block import area_block, frame_bytes
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
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.refusal import OtherKind
from codegen.assembly.turned import turned_step
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import repeats_of
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D


def emit(w: StepWriter, filters: Filters) -> None:
    """Write a step."""
    op, areas = w.node.op, areas_of(w.node)
    assert isinstance(op, QConv2D)
    packed = pack(filters, areas)
    constants = 2 if filters.half is None else 3
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
    )
    block = area_block(areas.width, areas.stride, filters.shift)
    kernel = "ek_depthwise_area_once_s8" if filters.shift else "ek_depthwise_area_twice_s8"
    multiply = w.function(ARMV7E_M, block, kernel)
    packing = w.function(ARMV7E_M, pack_block(), "ek_depthwise_pack_s8")
    filling = w.function(ARMV7E_M, fill_block(), "ek_depthwise_fill_s8")
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        functions = filling, packing, multiply
        w.call("ek_depthwise_areas_s8", *functions, window, layer, x, w.scratch(), y)


def refuse_shape(node: Node) -> str:
    """Why the blocks cannot compute a layer, whatever its filters are."""
    if not is_int8(node):
        return OtherKind("not an int8 depthwise convolution")
    channels = node.input(0).type.shape[3]
    if repeats_of(node) > 1 or channels < 4:
        return OtherKind("not one filter for each of at least 4 channels")
    return areas_of(node).refusal()


def _stack(node: Node) -> int:
    areas = areas_of(node)
    return frame_bytes(areas.width, areas.stride)


def _areas(name: str, filters: Callable[[Node], Filters | str], twice: bool) -> Variant:
    """The kernel for filters of one kind."""
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


DEPTHWISE_AREAS = _areas("depthwise areas", filters_of, twice=False)
"""Outputs scaled by one product and one shift."""
DEPTHWISE_AREAS_TWICE = _areas("depthwise areas twice", twice_rounded, twice=True)
"""Outputs rounded twice, as TFLite's are on both sides of the zero point."""

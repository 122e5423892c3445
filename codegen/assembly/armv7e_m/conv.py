"""Convolutions without groups, and dense layers of several rows, on Armv7E-M."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codegen.assembly.armv7e_m import conv_layer
from codegen.assembly.armv7e_m.conv_block import conv_function, entry_distance, pieces_of
from codegen.assembly.armv7e_m.conv_cost import conv_cost
from codegen.assembly.armv7e_m.conv_layer import Layer, prepare, refuse_rule
from codegen.assembly.armv7e_m.frame import LOCAL_BYTES, PASS, UPPER_BYTES
from codegen.assembly.armv7e_m.pairs import STEP
from codegen.assembly.armv7e_m.plan import PIXELS, STEP_BYTES, Plan
from codegen.assembly.armv7e_m.scaling import KEEP
from codegen.assembly.block import Block
from codegen.assembly.isa import ARMV7E_M, ARMV7E_M_FPU, Isa
from codegen.assembly.others import Mask, with_others
from codegen.assembly.prepared import prepared
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.geometry import braces
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D, QDense


def refuse_shape(node: Node) -> str:
    """Why the function cannot compute a node, whatever its filters are; empty where it can."""
    op, y = node.op, node.output.type
    assert isinstance(op, QConv2D | QDense)
    if {node.input(0).type.dtype, y.dtype} != {DType.INT8} or op.w_zero:
        return OtherKind("not int8 with symmetric weights")
    if isinstance(op, QConv2D) and op.groups > 1:
        return OtherKind("not for groups")
    if isinstance(op, QConv2D) and y.shape[0] > 1:
        return "batches"
    if isinstance(op, QDense) and y.shape[0] < PIXELS - 1:
        return "few rows"
    if isinstance(op, QConv2D) and _beyond(node, op):
        return "windows wholly outside the input"
    return "one filter" if y.shape[-1] < 2 else ""


def _beyond(node: Node, op: QConv2D) -> bool:
    """True where a window lies in the padding alone, which the copies of edges do not know."""
    window = op.window
    for axis in (0, 1):
        size, kernel = (node.input(i).type.shape[1 + axis] for i in (0, 1))
        last = (node.output.type.shape[1 + axis] - 1) * window.strides[axis] - window.padding[axis]
        if window.padding[axis] > (kernel - 1) * window.dilations[axis] or last >= size:
            return True
    return False


def emit_layer(
    w: StepWriter,
    layer: Layer,
    block: Block,
    kernel: str,
    entries: Sequence[int],
    isa: Isa = ARMV7E_M,
) -> None:
    """Write a layer that a function of this kind computes: its taps, its passes, its weights.

    Args:
        w: the step.
        layer: its taps, passes and weights.
        block: the function.
        kernel: its portable equal.
        entries: of each pass, bytes of code before the end of the multiplications.
        isa: what the function needs.
    """
    op = w.node.op
    assert isinstance(op, QConv2D | QDense)
    weights = w.weights(layer.stream(), "weights", layer.table_bytes)
    low, high = op.requant.low, op.requant.high
    w.kernels.append("ek_conv_pairs.h")
    plan = layer.plan
    taps = [braces((_offset(plan, t.dy, t.dx) + t.channel, t.dy, t.dx)) for t in plan.taps]
    pointer = w.declare(
        "ek_conv_pairs",
        "layer",
        weights=weights,
        taps=w.declare_array("ek_tap", "taps", taps),
        passes=w.declare_array("ek_pass", "passes", _passes(layer, entries)),
        pass_count=len(plan.passes),
        **_geometry(plan),
        fill=int(np.int8(op.x_zero).view(np.uint8)) * 0x01010101 - (op.x_zero < 0) * (1 << 32),
        **_frame(plan),
        add=255 - high + low,
        subtract=255 - high,
        zero=2 * op.requant.zero_point + 1,
        single=int(layer.single),
        **_walk(plan, w.step.backward),
    )
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    w.assemble(isa, block, kernel, pointer, x, y)


def _offset(plan: Plan, row: int, column: int) -> int:
    """Bytes from position (0, 0) of the input."""
    return (row * plan.geometry.size[1] + column) * plan.geometry.channels


def _passes(layer: Layer, entries: Sequence[int]) -> list[str]:
    """Initialisers of every ``ek_pass``."""
    found = []
    for p, entry in zip(layer.plan.passes, entries, strict=True):
        steps = layer.plan.pass_steps(p)
        values = dict(
            zip(
                PASS,
                (
                    p.first, layer.pass_bytes(p), entry, int(not p.is_first),
                    layer.scaling.tail if p.is_last else KEEP, STEP_BYTES * steps,
                    8 * p.taps.start, len(p.taps) if p.packs else 0,
                ),
                strict=True,
            )
        )  # fmt: skip
        found.append(braces(tuple(values.values())))
    return found


def _geometry(plan: Plan) -> dict[str, int]:
    g = plan.geometry
    (stride_h, stride_w), (top, left, _, _) = g.window.strides, g.window.padding
    rows, columns = plan.inside
    readable = plan.run >= STEP
    return {
        "in_h": g.size[0], "in_w": g.size[1], "in_c": g.channels,
        "out_w": g.out[1], "pixels": g.pixels, "out_c": g.filters,
        "stride_h": stride_h, "stride_w": stride_w, "pad_top": top, "pad_left": left,
        "origin": -_offset(plan, top, left),
        "row_step": _offset(plan, stride_h, 0), "col_step": _offset(plan, 0, stride_w),
        "fast_y": rows.start, "fast_h": len(rows), "fast_x": columns.start,
        "fast_w": len(columns),
        "run": plan.run, "columns": plan.columns,
        "steps": plan.steps if plan.shared or not readable else plan.run // STEP,
        "back": -plan.run % STEP if readable and not plan.merged else 0,
        "merged": int(plan.merged),
        "within": max(g.size[1] - plan.columns + 1, 0) if readable else 0,
        "shared": int(plan.shared),
        "staged": int(plan.columns > 1 or not readable),
    }  # fmt: skip


def _walk(plan: Plan, backward: bool) -> dict[str, int]:
    """The first tile, and how to move on."""
    g = plan.geometry
    tiles = -(-g.pixels // PIXELS)
    first = PIXELS * (tiles - 1) if backward else 0
    return {
        "first_y": first // g.out[1],
        "first_x": first % g.out[1],
        "first_left": g.pixels - first,
        "tiles": tiles,
        "first_out": first * g.filters,
        "pixel_step": -PIXELS if backward else PIXELS,
        "repeats": int(plan.repeats),
    }


def _frame(plan: Plan) -> dict[str, int]:
    total = LOCAL_BYTES + plan.tile_bytes + UPPER_BYTES + plan.edge_bytes + plan.sum_bytes
    return {
        "tile_bytes": plan.tile_bytes,
        "pad_bytes": plan.pad_bytes,
        "edge_bytes": plan.edge_bytes,
        "frame_bytes": -(-total // 8) * 8,
    }


def stack(node: Node, layer: Layer) -> int:
    """Bytes of the tile and of the sums that wait."""
    return _frame(layer.plan)["frame_bytes"]


def overlap(node: Node, layer: Layer) -> Declared:
    """All windows of a tile are copied before its first output, unless filters come in groups that
    copy them again."""
    if isinstance(node.op, QDense):
        return ()
    assert isinstance(node.op, QConv2D)
    once = sum(p.packs for p in layer.plan.passes) == layer.plan.chunks
    kernel = layer.plan.geometry.kernel
    return by_walk(node, Walk(kernel, node.op.window, PIXELS, gathered=once))


def _conv(name: str, fpu: bool) -> Variant:
    """The kernel, for a core with an FPU or without."""

    def find(node: Node) -> Layer | str:
        return refuse_shape(node) or refuse_rule(node, fpu) or prepare(node, fpu)

    def lacking(node: Node) -> Mask | None:
        return None if refuse_shape(node) else conv_layer.lacking(node, fpu)

    def emit(w: StepWriter, layer: Layer) -> None:
        entries = [entry_distance(layer.plan.pass_steps(p)) for p in layer.plan.passes]
        isa = ARMV7E_M_FPU if fpu else ARMV7E_M
        block = conv_function(pieces_of(layer), fpu=fpu)
        emit_layer(w, layer, block, "ek_conv_pairs_s8", entries, isa)

    variant = prepared(
        name,
        find,
        emit,
        lambda node, layer: conv_cost(layer),
        overlap=overlap,
        stack=stack,
        needs="fpu32" * fpu,
    )
    return with_others(variant, lacking, ARMV7E_M)


CONV = _conv("conv pairs", fpu=False)
"""Tiles of four pixels, two filters in one register."""
CONV_EVEN = _conv("conv pairs even", fpu=True)
"""The same where float products are rounded to even: layers without a proven form too."""

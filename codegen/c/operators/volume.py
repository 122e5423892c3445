"""C for convolutions and pools over any number of spatial axes."""

from __future__ import annotations

import math

import numpy as np

from codegen.c.operators.accumulators import declare_requant
from codegen.c.operators.geometry import braces
from codegen.c.operators.integer import attributes
from codegen.c.operators.real import bias_of, bounds, weights_of
from codegen.c.step import Emitter, StepWriter
from edgekit.errors import ModelError, Problem
from edgekit.ir import DType, Node
from edgekit.ir.op import Op, Shape
from edgekit.ir.ops import ConvNd, ConvTranspose, MaxPoolIndices, PoolNd, QConvTranspose
from edgekit.ir.ops.volume import Spatial
from quantize.requantize import accumulator_bounds

REAL = (DType.FLOAT32,)
MAX_POOL = "ek_max_pool_nd.h"
_AXES = 3


def declare_volume(
    w: StepWriter,
    op: Spatial,
    kernel: Shape,
    strides: Shape,
    before: Shape,
    dilations: Shape,
    groups: int = 1,
) -> str:
    """Declare the step's ``ek_volume`` and return a pointer to it.

    Raises:
        ModelError: more than three spatial axes.
    """
    (size, channels), (out, filters) = (
        op.split(v.type.shape) for v in (w.node.input(0), w.node.output)
    )
    if len(size) > _AXES:
        where = f"{w.node.op.name} '{w.node.name}'"
        problem = Problem(f"{len(size)} spatial axes", where, f"up to {_AXES}")
        raise ModelError("too many axes", [problem])
    lead = _AXES - len(size)
    fields = {"in": size, "out": out, "kernel": kernel, "stride": strides, "dilation": dilations}
    steps = [(c, 1) if op.channels_last else (1, math.prod(n)) for n, c in
             ((size, channels), (out, filters))]  # fmt: skip
    return w.declare(
        "ek_volume", "volume",
        **{name: braces([*[1] * lead, *numbers]) for name, numbers in fields.items()},
        pad=braces([*[0] * lead, *before]),
        in_c=channels, out_c=filters, groups=groups,
        x_pos=steps[0][0], x_channel=steps[0][1], y_pos=steps[1][0], y_channel=steps[1][1],
    )  # fmt: skip


def emit_conv(w: StepWriter) -> None:
    op = w.node.op
    assert isinstance(op, ConvNd | ConvTranspose)
    filters, _, *kernel = w.node.input(1).type.shape
    span = op.span if isinstance(op, ConvNd) else op
    volume = declare_volume(
        w, op, tuple(kernel), span.strides, span.before, span.dilations, op.groups
    )
    transposed = int(isinstance(op, ConvTranspose))
    weights, bias = weights_of(w), bias_of(w, filters)
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call("ek_conv_nd_f32", volume, transposed, *bounds(op.clamp), x, weights, bias, y)


def emit_qconv_transpose(w: StepWriter) -> None:
    op = attributes(w, QConvTranspose)
    layer, value = op.layer, w.node.input(1)
    axes = len(value.type.shape) - 2
    volume = declare_volume(
        w, layer, value.type.shape[2:], layer.strides, layer.before, layer.dilations, layer.groups
    )
    bias = w.node.input(2).array
    lowest, highest = accumulator_bounds(value.array, bias, op.x_zero)
    q, rule = declare_requant(w, op.requant, np.maximum(-lowest, highest))
    rows = np.ascontiguousarray(value.array.transpose(0, *range(2, axes + 2), 1))
    constants = w.weights(rows, "weights"), w.table(bias, "bias")
    sums = f"(int32_t *){w.scratch()}"
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call(
            "ek_conv_transpose_s8", volume, q, op.x_zero, x, *constants, sums, y, rule=rule,
        )  # fmt: skip


def sums(node: Node) -> int:
    """An int32 for each filter."""
    return 4 * node.input(1).type.shape[0]


def emit_pool(w: StepWriter) -> None:
    op = attributes(w, PoolNd)
    span = op.span
    volume = declare_volume(w, op, op.kernel, span.strides, span.before, span.dilations)
    source, target = w.node.input(0), w.node.output
    if op.function == "max":
        w.kernels.append(MAX_POOL)
        with w.each_sample(source, target) as (x, y):
            w.macro("EK_MAX_POOL_ND", source.type.dtype.c_name, volume, 0, 0, x, y, "NULL")
        return
    if source.type.dtype is not DType.FLOAT32:
        where = f"{w.node.op.name} '{w.node.name}'"
        problem = Problem(f"{op.function} of {source.type.dtype.value}", where, "float32")
        raise ModelError("an element type is not supported", [problem])
    with w.each_sample(source, target) as (x, y):
        w.call("ek_pool_nd_f32", volume, op.p if op.function == "lp" else 0, x, y)


def emit_max_pool_indices(w: StepWriter) -> None:
    op = attributes(w, MaxPoolIndices)
    span = op.span
    volume = declare_volume(w, op, op.kernel, span.strides, span.before, span.dilations)
    source, (target, indices) = w.node.input(0), w.node.outputs
    w.kernels.append(MAX_POOL)
    samples = source.type.shape[0]
    step, own = source.type.size // samples, indices.type.size // samples
    with w.each_sample(source, target) as (x, y):
        at, first = ("", "0") if samples == 1 else (f" + n * {own}", f"n * {step}")
        w.macro(
            "EK_MAX_POOL_ND", source.type.dtype.c_name, volume, int(op.column_major), first, x, y,
            w.write(indices) + at,
        )  # fmt: skip


EMITTERS: dict[type[Op], Emitter] = {
    ConvNd: Emitter(emit_conv, types=REAL),
    ConvTranspose: Emitter(emit_conv, types=REAL),
    MaxPoolIndices: Emitter(emit_max_pool_indices),
    PoolNd: Emitter(emit_pool),
    QConvTranspose: Emitter(emit_qconv_transpose, sums, types=(DType.INT8,)),
}

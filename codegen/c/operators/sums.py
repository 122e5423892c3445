"""C for the sums of products of 8-bit integers with zero points at run time."""

from __future__ import annotations

import numpy as np

from codegen.c.operators.integer import attributes
from codegen.c.operators.layers import declare_matmul
from codegen.c.step import Emitter, StepWriter
from edgekit.ir import DType
from edgekit.ir.op import Op
from edgekit.ir.ops import ConvInteger, MatMulInteger

BYTES = (DType.INT8, DType.UINT8)


def emit_matmul_integer(w: StepWriter) -> None:
    a, b, y = w.node.input(0), w.node.input(1), w.node.output
    geometry = declare_matmul(w)
    w.kernels.append("ek_matmul_integer.h")
    types = a.type.dtype.c_name, b.type.dtype.c_name
    w.macro("EK_MATMUL_INTEGER", *types, geometry, w.read(a), w.read(b), *_zeros(w), w.write(y))


def emit_conv_integer(w: StepWriter) -> None:
    op = attributes(w, ConvInteger)
    x, weights, y = w.node.input(0), w.node.input(1), w.node.output
    (_, channels, *size), (_, filters, *out) = x.type.shape, y.type.shape
    kernel, window = weights.type.shape[2:], op.window
    geometry = w.declare(
        "ek_window", "window", in_h=size[0], in_w=size[1], in_c=channels, out_h=out[0],
        out_w=out[1], out_c=filters, kernel_h=kernel[0], kernel_w=kernel[1],
        stride_h=window.strides[0], stride_w=window.strides[1], pad_top=window.padding[0],
        pad_left=window.padding[1], dilation_h=window.dilations[0],
        dilation_w=window.dilations[1], groups=op.groups, backward=0,
    )  # fmt: skip
    w.kernels.append("ek_conv_integer.h")
    types = x.type.dtype.c_name, weights.type.dtype.c_name
    taps, zeros = w.read(weights), _zeros(w)
    with w.each_sample(x, y) as (source, target):
        w.macro("EK_CONV_INTEGER", *types, geometry, source, taps, *zeros, target)


def _zeros(w: StepWriter) -> tuple[str, str, int]:
    """Pointers to both zero points, and the step of the second one."""
    found = []
    for index in (2, 3):
        value = w.node.optional_input(index)
        dtype = w.node.input(index - 2).type.dtype.numpy
        found.append(w.table(np.zeros(1, dtype), "zero") if value is None else w.read(value))
    second = w.node.optional_input(3)
    return found[0], found[1], 0 if second is None or second.type.size == 1 else 1


EMITTERS: dict[type[Op], Emitter] = {
    ConvInteger: Emitter(emit_conv_integer, types=BYTES),
    MatMulInteger: Emitter(emit_matmul_integer, types=BYTES),
}

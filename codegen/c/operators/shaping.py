"""C for the operators that move elements."""

from __future__ import annotations

import math

from codegen.c.literals import float_literal
from codegen.c.operators.geometry import AXES
from codegen.c.operators.integer import attributes
from codegen.c.step import StepWriter
from edgekit.errors import ModelError, Problem
from edgekit.ir import DType
from edgekit.ir.ops import Concat, Pad, Transpose

TRANSPOSE_AXES = 6


def emit_transpose(w: StepWriter) -> None:
    op = attributes(w, Transpose)
    x, y = w.node.input(0), w.node.output
    _limit_axes(w, TRANSPOSE_AXES)
    item = x.type.dtype.itemsize
    strides = [item * math.prod(x.type.shape[i + 1 :]) for i in range(len(x.type.shape))]
    lead = TRANSPOSE_AXES - len(op.perm)
    size = [1] * lead + list(y.type.shape)
    step = [0] * lead + [strides[p] for p in op.perm]
    sizes = w.declare_array("int32_t", "size", size)
    steps = w.declare_array("int32_t", "step", step)
    w.call("ek_transpose", sizes, steps, item, w.read(x), w.write(y))


def emit_pad(w: StepWriter) -> None:
    op = attributes(w, Pad)
    x, y = w.node.input(0), w.node.output
    _limit_axes(w, AXES)
    lead = AXES - len(x.type.shape)
    for variable, values in (
        ("in", [1] * lead + list(x.type.shape)),
        ("out", [1] * lead + list(y.type.shape)),
        ("before", [0] * lead + list(op.before)),
    ):
        w.declare_array("int32_t", variable, values)
    fill = float_literal(op.value) if x.type.dtype is DType.FLOAT32 else str(int(op.value))
    w.declare_array(x.type.dtype.c_name, "fill", [fill])
    item = x.type.dtype.itemsize
    w.call("ek_pad", "in", "out", "before", item, "fill", w.read(x), w.write(y))


def emit_concat(w: StepWriter) -> None:
    op = attributes(w, Concat)
    y = w.node.output
    item = y.type.dtype.itemsize
    outer = math.prod(y.type.shape[: op.axis])
    stride = item * math.prod(y.type.shape[op.axis :])
    offset = 0
    for value in w.node.inputs:
        assert value is not None
        piece = item * math.prod(value.type.shape[op.axis :])
        target = f"(unsigned char *){w.write(y)} + {offset}"
        w.call("ek_concat", outer, piece, stride, w.read(value), target)
        offset += piece


def _limit_axes(w: StepWriter, limit: int) -> None:
    rank = len(w.node.input(0).type.shape)
    if rank > limit:
        problem = Problem(f"{rank} axes", f"{w.node.op.name} '{w.node.name}'", f"up to {limit}")
        raise ModelError("too many axes", [problem])

"""Handlers of operators whose indices are data, of reductions and of ranking."""

from __future__ import annotations

import numpy as np

from edgekit.importers.tflite.context import Context
from edgekit.importers.tflite.reader import RawOperator
from edgekit.importers.tflite.steps import (
    check_inputs,
    constant,
    finish,
    numbers,
    one_axis,
    reshaped,
    step,
)
from edgekit.ir import DType, Value
from edgekit.ir.ops import (
    ArgReduce,
    Binary,
    Cast,
    Cumulate,
    Gather,
    GatherND,
    Reduce,
    ScatterND,
    Sub,
    TopK,
    Transpose,
    Where,
)
from edgekit.passes.rewrite import inverse

_REDUCE = {
    "REDUCE_ALL": "min", "REDUCE_ANY": "max", "REDUCE_MAX": "max", "REDUCE_MIN": "min",
    "REDUCE_PROD": "prod", "SUM": "sum",
}  # fmt: skip


def _indices(ctx: Context, op: RawOperator, position: int) -> Value:
    value = ctx.value(op, position)
    if value.type.dtype in (DType.INT32, DType.INT64):
        return value
    return step(ctx, op, Cast(DType.INT32), [value])


def gather(ctx: Context, op: RawOperator) -> None:
    """GATHER along an axis, with batch axes before it."""
    ctx.check_activations(op)
    x, indices = ctx.value(op, 0), _indices(ctx, op, 1)
    options = ctx.options(op, "GatherOptions")
    axis = one_axis(ctx, op, options.Axis(), len(x.type.shape))
    batch = int(options.BatchDims()) % max(len(indices.type.shape), 1)
    if not batch:
        finish(ctx, op, Gather(axis), [x, indices])
        return
    if axis != batch:
        ctx.refuse(op, f"axis {axis} with {batch} batch axes", f"axis {batch}")
    points = reshaped(ctx, op, indices, (*indices.type.shape, 1))
    finish(ctx, op, GatherND(batch), [x, points])


def embedding_lookup(ctx: Context, op: RawOperator) -> None:
    """EMBEDDING_LOOKUP: rows of a table."""
    ctx.check_activations(op, (1,))
    finish(ctx, op, Gather(0), [ctx.value(op, 1), _indices(ctx, op, 0)])


def gather_nd(ctx: Context, op: RawOperator) -> None:
    """GATHER_ND."""
    ctx.check_activations(op)
    finish(ctx, op, GatherND(), [ctx.value(op, 0), _indices(ctx, op, 1)])


def scatter_nd(ctx: Context, op: RawOperator) -> None:
    """SCATTER_ND: updates are summed into zeros."""
    ctx.check_activations(op, (1,))
    updates = ctx.value(op, 1)
    if updates.type.quant is not None or updates.type.dtype is DType.BOOL:
        ctx.refuse(op, f"updates of type {updates.type}", "float32 or plain integers")
    zeros = np.zeros(ctx.model.tensors[op.outputs[0]].shape, updates.type.dtype.numpy)
    finish(ctx, op, ScatterND("add"), [constant(ctx, op, zeros), _indices(ctx, op, 0), updates])


def reverse_sequence(ctx: Context, op: RawOperator) -> None:
    """REVERSE_SEQUENCE: indices computed from the lengths, then a choice by them."""
    ctx.check_activations(op)
    x, lengths = ctx.value(op, 0), _indices(ctx, op, 1)
    options = ctx.options(op, "ReverseSequenceOptions")
    rank = len(x.type.shape)
    time, batch = (one_axis(ctx, op, a, rank) for a in (options.SeqDim(), options.BatchDim()))
    if time == batch:
        ctx.refuse(op, f"both axes are {time}")
    perm = (batch, time, *(i for i in range(rank) if i not in (batch, time)))
    x = step(ctx, op, Transpose(perm), [x])
    count, steps = x.type.shape[:2]
    kind = lengths.type.dtype.numpy
    column = reshaped(ctx, op, lengths, (count, 1))
    position = constant(ctx, op, np.arange(steps, dtype=kind).reshape(1, steps))
    inside = step(ctx, op, Binary("less"), [position, column])
    last = step(ctx, op, Sub(), [column, constant(ctx, op, np.asarray(1, kind))])
    back = step(ctx, op, Sub(), [last, position])
    places = step(ctx, op, Where(), [inside, back, position])
    y = step(ctx, op, GatherND(1), [x, reshaped(ctx, op, places, (count, steps, 1))])
    finish(ctx, op, Transpose(inverse(perm)), [y])


def one_hot(ctx: Context, op: RawOperator) -> None:
    """ONE_HOT: each index compared with every class, values chosen by the result."""
    ctx.check_activations(op, (2, 3))
    indices, on, off = _indices(ctx, op, 0), ctx.value(op, 2), ctx.value(op, 3)
    depth = numbers(ctx, op, 1, "depth")[0]
    rank = len(indices.type.shape) + 1
    axis = one_axis(ctx, op, ctx.options(op, "OneHotOptions").Axis(), rank)
    shape = list(indices.type.shape)
    shape.insert(axis, 1)
    classes = np.arange(depth, dtype=indices.type.dtype.numpy)
    classes = classes.reshape([-1 if i == axis else 1 for i in range(rank)])
    column = reshaped(ctx, op, indices, shape)
    hit = step(ctx, op, Binary("equal"), [column, constant(ctx, op, classes)])
    finish(ctx, op, Where(), [hit, on, off])


def reduce(ctx: Context, op: RawOperator) -> None:
    """SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD, REDUCE_ANY, REDUCE_ALL over constant axes."""
    ctx.check_activations(op)
    x = ctx.value(op, 0)
    rank = len(x.type.shape)
    axes = {one_axis(ctx, op, a, rank) for a in numbers(ctx, op, 1, "axes")}
    keep = bool(ctx.options(op, "ReducerOptions").KeepDims())
    finish(ctx, op, Reduce(_REDUCE[op.kind], tuple(sorted(axes)), keep), [x])


def arg(ctx: Context, op: RawOperator) -> None:
    """ARG_MAX and ARG_MIN along a constant axis."""
    check_inputs(ctx, op)
    x = ctx.value(op, 0)
    axis = one_axis(ctx, op, numbers(ctx, op, 1, "axis")[0], len(x.type.shape))
    to = ctx.model.tensors[op.outputs[0]].dtype
    if to not in (DType.INT32, DType.INT64):
        ctx.refuse(op, "its output is no int32 or int64 tensor")
    finish(ctx, op, ArgReduce(axis, op.kind == "ARG_MAX", False, False, to), [x])


def top_k(ctx: Context, op: RawOperator) -> None:
    """TOPK_V2 along the last axis."""
    check_inputs(ctx, op)
    x = ctx.value(op, 0)
    k = numbers(ctx, op, 1, "k")[0]
    to = ctx.model.tensors[op.outputs[1]].dtype or DType.INT32
    finish(ctx, op, TopK(k, len(x.type.shape) - 1, True, to), [x])


def cumsum(ctx: Context, op: RawOperator) -> None:
    """CUMSUM along a constant axis."""
    ctx.check_activations(op)
    x = ctx.value(op, 0)
    options = ctx.options(op, "CumsumOptions")
    axis = one_axis(ctx, op, numbers(ctx, op, 1, "axis")[0], len(x.type.shape))
    finish(ctx, op, Cumulate("sum", axis, options.Exclusive(), options.Reverse()), [x])

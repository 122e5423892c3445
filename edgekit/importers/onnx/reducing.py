"""Reductions, ranking and running sums."""

from __future__ import annotations

import numpy as np

from edgekit.importers.onnx.axes import given_axes, many_axes, one_axis
from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir import DType, Value
from edgekit.ir.ops import (
    Add,
    ArgReduce,
    Binary,
    Cast,
    Cumulate,
    Mean,
    Reduce,
    Reshape,
    Sub,
    TopK,
    Unary,
)

_SIMPLE = {
    "ReduceL1": "l1", "ReduceMax": "max", "ReduceMin": "min", "ReduceProd": "prod",
    "ReduceSum": "sum", "ReduceSumSquare": "sum_square",
}  # fmt: skip
_INPUT_SINCE = {"ReduceSum": 13}
"""Opset from which the axes are an input; 18 for the others."""


def _axes(call: Call) -> tuple[tuple[int, ...] | None, bool]:
    """Non-negative sorted axes (None: nothing is to be done), and whether they remain."""
    rank = len(call.value(0).type.shape)
    axes = given_axes(call, 1, _INPUT_SINCE.get(call.op_type, 18))
    noop = call.attr_int("noop_with_empty_axes", 0)
    keep = bool(call.attr_int("keepdims", 1))
    if axes:
        return tuple(sorted(many_axes(axes, rank))), keep
    return (None if noop else tuple(range(rank))), keep


def reduce(call: Call) -> None:
    """``ReduceSum``, ``ReduceMax`` and the like."""
    x, out = call.value(0), call.output_names[0]
    axes, keep = _axes(call)
    function = call.op_type
    if function in _SIMPLE:
        call.result(_reduced(call, x, _SIMPLE[function], axes, keep, out))
    elif function == "ReduceMean":
        call.result(_mean(call, x, axes, keep))
    elif function == "ReduceL2":
        total = _reduced(call, x, "sum_square", axes, keep, f"{out}_squares")
        call.emit(Unary("sqrt"), [total])
    elif function == "ReduceLogSum":
        total = _reduced(call, x, "sum", axes, keep, f"{out}_sum")
        call.emit(Unary("log"), [total])
    else:
        _log_sum_exp(call, x, axes, keep)


def _reduced(
    call: Call, x: Value, function: str, axes: tuple[int, ...] | None, keep: bool, stem: str
) -> Value:
    """A reduction; without axes the elements themselves, as sets of one."""
    if axes is None or not x.type.shape:
        axes = ()
        if function in ("sum", "prod", "max", "min"):
            return x
    return call.add(Reduce(function, axes, keep), [x], stem)


def _mean(call: Call, x: Value, axes: tuple[int, ...] | None, keep: bool) -> Value:
    if axes and keep and x.type.shape[0] == 1:
        axes = tuple(a for a in axes if a)  # a mean of one row leaves it: samples stay apart
    if not axes:
        return x
    real = x.type.dtype is DType.FLOAT32 or x.type.quant is not None
    op = Mean(axes, keep) if real else Reduce("mean", axes, keep)
    return call.add(op, [x], call.output_names[0])


def _log_sum_exp(call: Call, x: Value, axes: tuple[int, ...] | None, keep: bool) -> None:
    """The largest element is taken out first, so that no exponential overflows."""
    out = call.output_names[0]
    if not axes:
        call.result(x)
        return
    top = call.add(Reduce("max", axes, True), [x], f"{out}_max")
    rest = call.add(Sub(), [x, top], f"{out}_rest")
    powers = call.add(Unary("exp"), [rest], f"{out}_powers")
    total = call.add(Reduce("sum", axes, True), [powers], f"{out}_sum")
    log = call.add(Unary("log"), [total], f"{out}_log")
    if keep:
        call.emit(Add(), [log, top])
        return
    y = call.add(Add(), [log, top], f"{out}_kept")
    shape = tuple(n for i, n in enumerate(y.type.shape) if i not in axes)
    call.emit(Reshape(shape), [y])


def arg(call: Call) -> None:
    """``ArgMax`` and ``ArgMin``."""
    x = call.value(0)
    axis = one_axis(call.attr_int("axis", 0), len(x.type.shape))
    last = bool(call.attr_int("select_last_index", 0))
    keep = bool(call.attr_int("keepdims", 1))
    call.emit(ArgReduce(axis, call.op_type == "ArgMax", last, keep), [x])


def hardmax(call: Call) -> None:
    """``Hardmax``: 1 at the first largest element, 0 elsewhere; before opset 13 over all axes from
    ``axis`` on."""
    x, out = call.value(0), call.output_names[0]
    shape = x.type.shape
    axis = one_axis(call.attr_int("axis", -1 if call.opset >= 13 else 1), len(shape))
    if call.opset < 13:
        x = call.add(Reshape((*shape[:axis], int(np.prod(shape[axis:])))), [x], f"{out}_flat")
    best = call.add(ArgReduce(axis), [x], f"{out}_best")
    column = [-1 if i == axis else 1 for i in range(len(x.type.shape))]
    places = call.array(np.arange(x.type.shape[axis]).reshape(column))
    hit = call.add(Binary("equal"), [best, places], f"{out}_hit")
    y = call.add(Cast(x.type.dtype), [hit], out if x.type.shape == shape else f"{out}_ones")
    call.result(y if y.type.shape == shape else call.add(Reshape(shape), [y], out))


def top_k(call: Call) -> None:
    """``TopK``: always in order, whether ``sorted`` asks for it or not."""
    x = call.value(0)
    axis = one_axis(call.attr_int("axis", -1), len(x.type.shape))
    k = call.attr_int("k", 0) if call.opset < 10 else int(call.scalar(1, "k"))
    call.ignore("sorted")
    call.emit_all(TopK(k, axis, bool(call.attr_int("largest", 1))), [x])


def cumulate(call: Call) -> None:
    """``CumSum`` and ``CumProd``."""
    x = call.value(0)
    axis = one_axis(int(call.scalar(1, "axis")), len(x.type.shape))
    exclusive, reverse = (bool(call.attr_int(a, 0)) for a in ("exclusive", "reverse"))
    function = {"CumSum": "sum", "CumProd": "prod"}.get(call.op_type)
    if function is None:
        raise Refusal(f"running {call.op_type}")
    call.emit(Cumulate(function, axis, exclusive, reverse), [x])

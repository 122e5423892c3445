"""Handlers of functions of elements: arithmetic beyond sums and products, comparisons, choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgekit.errors import Problem
from edgekit.importers.tflite.context import ACTIVATIONS, Context, Refused, activation_problem
from edgekit.importers.tflite.reader import RawOperator
from edgekit.ir import DType, TensorType, Value
from edgekit.ir.ops import Add, Binary, Cast, Clamp, Clip, Op, Reshape, Unary, Where

_UNARY: dict[str, Unary] = {
    "ABS": Unary("abs"),
    "CEIL": Unary("ceil"),
    "COS": Unary("cos"),
    "ELU": Unary("elu", 1.0),
    "EXP": Unary("exp"),
    "FLOOR": Unary("floor"),
    "HARD_SWISH": Unary("hard_swish"),
    "LOG": Unary("log"),
    "LOGICAL_NOT": Unary("not"),
    "LOGISTIC": Unary("sigmoid"),
    "NEG": Unary("neg"),
    "ROUND": Unary("round"),
    "RSQRT": Unary("rsqrt"),
    "SIGN": Unary("sign"),
    "SIN": Unary("sin"),
    "SQRT": Unary("sqrt"),
    "SQUARE": Unary("square"),
    "TANH": Unary("tanh"),
}
_BINARY = {
    "ATAN2": "atan2", "BITWISE_XOR": "bitwise_xor", "EQUAL": "equal", "FLOOR_DIV": "floor_div",
    "FLOOR_MOD": "floor_mod", "GREATER": "greater", "GREATER_EQUAL": "greater_equal",
    "LESS": "less", "LESS_EQUAL": "less_equal", "LOGICAL_AND": "and", "LOGICAL_OR": "or",
    "MAXIMUM": "max", "MINIMUM": "min", "NOT_EQUAL": "not_equal", "POW": "pow", "PRELU": "prelu",
    "SQUARED_DIFFERENCE": "squared_difference",
}  # fmt: skip


def unary(ctx: Context, op: RawOperator) -> None:
    """A function of each element."""
    finish(ctx, op, _UNARY[op.kind], [ctx.value(op, 0)])


def gelu(ctx: Context, op: RawOperator) -> None:
    """GELU by the error function or by its approximation through tanh."""
    approximate = op.options is not None and ctx.options(op, "GeluOptions").Approximate()
    finish(ctx, op, Unary("gelu_tanh" if approximate else "gelu"), [ctx.value(op, 0)])


def leaky_relu(ctx: Context, op: RawOperator) -> None:
    """LEAKY_RELU."""
    alpha = float(ctx.options(op, "LeakyReluOptions").Alpha())
    if not np.isfinite(alpha):
        ctx.refuse(op, f"alpha {alpha}", "a finite number")
    finish(ctx, op, Unary("leaky_relu", alpha), [ctx.value(op, 0)])


def binary(ctx: Context, op: RawOperator) -> None:
    """A function of pairs of elements, with broadcasting."""
    finish(ctx, op, Binary(_BINARY[op.kind]), [ctx.value(op, 0), ctx.value(op, 1)])


def divide(ctx: Context, op: RawOperator) -> None:
    """DIV with broadcasting and a fused activation."""
    activation = 0
    if op.options is not None:
        activation = ctx.options(op, "DivOptions").FusedActivationFunction()
    inputs = [ctx.value(op, 0), ctx.value(op, 1)]
    bounded(ctx, op, Binary("div"), inputs, ctx.clamp(op, activation))


def right_shift(ctx: Context, op: RawOperator) -> None:
    """RIGHT_SHIFT by 0 to the number of bits less 1: other numbers count as the nearest of them."""
    x, by = ctx.value(op, 0), ctx.value(op, 1)
    top = 8 * by.type.dtype.itemsize - 1
    for function, bound in (("max", 0), ("min", top)):
        by = step(ctx, op, Binary(function), [by, number(ctx, bound, by.type.dtype)])
    finish(ctx, op, Binary("shift_right"), [x, by])


def add_n(ctx: Context, op: RawOperator) -> None:
    """ADD_N of any number of tensors."""
    values = [ctx.value(op, i) for i in range(len(op.inputs))]
    if len(values) < 2:
        ctx.refuse(op, f"it has {len(values)} inputs", "two or more")
    total = values[0]
    for value in values[1:-1]:
        total = step(ctx, op, Add(), [total, value])
    finish(ctx, op, Add(), [total, values[-1]])


def select(ctx: Context, op: RawOperator) -> None:
    """SELECT (the condition may be one value for each row) and SELECT_V2 (with broadcasting)."""
    condition, a, b = (ctx.value(op, i) for i in range(3))
    shape, whole = condition.type.shape, a.type.shape
    if op.kind == "SELECT" and len(shape) == 1 < len(whole) and shape[0] == whole[0]:
        spread = (shape[0], *(1 for _ in whole[1:]))
        condition = step(ctx, op, Reshape(spread), [condition])
    finish(ctx, op, Where(), [condition, a, b])


def cast(ctx: Context, op: RawOperator) -> None:
    """CAST between element types."""
    target = ctx.model.tensors[op.outputs[0]]
    if target.dtype is None or target.quant is not None:
        ctx.refuse(op, f"to '{target.name}' of type {target.type_name}", ACTIVATIONS)
    finish(ctx, op, Cast(target.dtype), [ctx.value(op, 0)])


# Shared with other handlers


def finish(ctx: Context, op: RawOperator, ir_op: Op, inputs: Sequence[Value]) -> None:
    """Write the operator's output, its element type checked.

    Raises:
        Refused: a tensor cannot be used, or the file gives the output another type.
    """
    check_usable(ctx, op)
    target = ctx.model.tensors[op.outputs[0]]
    expected = ir_op.dtypes([v.type.dtype for v in inputs])[0]
    if expected is not target.dtype:
        what = f"'{target.name}' has element type {target.type_name}"
        ctx.refuse(op, what, expected.value)
    ctx.emit(op, ir_op, inputs)


def check_usable(ctx: Context, op: RawOperator) -> None:
    """Require tensors that can be activations; their types may differ.

    Raises:
        Refused: naming every tensor that cannot.
    """
    tensors = [t for i in range(len(op.inputs)) if (t := ctx.tensor(op, i)) is not None]
    tensors.append(ctx.model.tensors[op.outputs[0]])
    reasons = [reason for t in tensors if (reason := activation_problem(t))]
    if reasons:
        raise Refused([Problem(reason, ctx.where(op), ACTIVATIONS) for reason in reasons])


def bounded(
    ctx: Context, op: RawOperator, ir_op: Op, inputs: Sequence[Value], clamp: Clamp | None
) -> None:
    """Write the operator's output after a fused activation of its own."""
    if clamp is None:
        finish(ctx, op, ir_op, inputs)
        return
    value = ctx.emit(op, ir_op, inputs, ctx.type_of(ctx.model.tensors[op.outputs[0]]))
    if value.type.dtype.is_float or value.type.quant is not None:
        finish(ctx, op, Clip(clamp), [value])
        return
    limits = [("max", clamp.low), ("min", clamp.high)]
    *first, last = [(f, bound) for f, bound in limits if bound is not None]
    for function, bound in first:
        value = step(ctx, op, Binary(function), [value, number(ctx, bound, value.type.dtype)])
    finish(ctx, op, Binary(last[0]), [value, number(ctx, last[1], value.type.dtype)])


def step(ctx: Context, op: RawOperator, ir_op: Op, inputs: Sequence[Value]) -> Value:
    """An intermediate result of a handler, of the first input's quantization."""
    shape = ir_op.infer([v.type.shape for v in inputs])[0]
    dtype = ir_op.dtypes([v.type.dtype for v in inputs])[0]
    same = replace(inputs[0].type, shape=shape, dtype=dtype, layout="", range=None)
    return ctx.emit(op, ir_op, inputs, same)


def number(ctx: Context, value: float, dtype: DType) -> Value:
    """A constant scalar."""
    return ctx.graph.constant(np.asarray(value, dtype.numpy), "bound", TensorType((), dtype))

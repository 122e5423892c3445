"""Arithmetic with broadcasting, clipping, softmax, mean."""

from __future__ import annotations

import math

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir import DType
from edgekit.ir.ops import (
    RELU,
    Add,
    Binary,
    Clamp,
    Clip,
    Mul,
    Op,
    Sub,
    Unary,
    Where,
)


def _binary(call: Call, op: Op) -> None:
    a, b = call.value(0), call.value(1)
    if a.is_constant and not b.is_constant and isinstance(op, Add | Mul):
        a, b = b, a  # constants second: passes look for them there
    call.emit(op, [a, b])


def add(call: Call) -> None:
    """``Add``."""
    _binary(call, Add())


def sub(call: Call) -> None:
    """``Sub``; a constant is added with its sign changed, which is the same in floating point."""
    constant = call.value(1)
    if constant.data is not None and constant.type.dtype is DType.FLOAT32:
        negative = call.array(-constant.data, f"{constant.name}_negative")
        call.emit(Add(), [call.value(0), negative])
    else:
        _binary(call, Sub())


def mul(call: Call) -> None:
    """``Mul``."""
    _binary(call, Mul())


_UNARY = {
    "Abs": "abs", "Exp": "exp", "Log": "log", "Neg": "neg", "Not": "not", "Sigmoid": "sigmoid",
    "Sqrt": "sqrt", "Tanh": "tanh",
}  # fmt: skip
_BINARY = {"Div": "div", "Equal": "equal", "Greater": "greater", "Less": "less"}


def unary(call: Call) -> None:
    """A function of each element."""
    call.emit(Unary(_UNARY[call.op_type]), [call.value(0)])


def binary(call: Call) -> None:
    """A function of pairs of elements, with broadcasting."""
    call.emit(Binary(_BINARY[call.op_type]), [call.value(0), call.value(1)])


def where(call: Call) -> None:
    """``Where`` with broadcasting."""
    call.emit(Where(), [call.value(i) for i in range(3)])


def relu(call: Call) -> None:
    """``Relu``."""
    call.emit(Clip(RELU), [call.value(0)])


def clip(call: Call) -> None:
    """``Clip``: bounds are attributes before opset 11, inputs since."""
    low: float | None = None
    high: float | None = None
    if call.opset < 11:
        low, high = call.attr_float("min", -math.inf), call.attr_float("max", math.inf)
    else:
        low = call.scalar(1, "min") if call.has(1) else None
        high = call.scalar(2, "max") if call.has(2) else None
    # The bounds of float32 mean "no bound" in exports of older opsets.
    low = None if low is None or low <= -3.4e38 else low
    high = None if high is None or high >= 3.4e38 else high
    if low is not None and high is not None and low > high:
        raise Refusal(f"min {low} is greater than max {high}")
    call.emit(Clip(Clamp(low, high)), [call.value(0)])

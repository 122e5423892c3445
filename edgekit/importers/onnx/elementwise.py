"""Sums and products with broadcasting."""

from __future__ import annotations

from edgekit.importers.onnx.context import Call
from edgekit.ir import DType
from edgekit.ir.ops import (
    Add,
    Mul,
    Op,
    Sub,
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

"""Operators that keep elements: other shapes, order or type."""

from __future__ import annotations

import math

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.importers.onnx.known import named_type
from edgekit.ir import DType
from edgekit.ir.ops import Cast, Concat, Reshape, Transpose


def reshape(call: Call) -> None:
    """``Reshape`` with 0 (copy) and -1 (rest) resolved."""
    x = call.value(0)
    old, new = x.type.shape, list(call.ints(1, "shape"))
    if not call.attr_int("allowzero", 0):
        if any(n == 0 and i >= len(old) for i, n in enumerate(new)):
            raise Refusal(f"shape {tuple(new)} copies an axis that {old} does not have")
        new = [old[i] if n == 0 else n for i, n in enumerate(new)]
    if new.count(-1) > 1 or any(n < -1 for n in new):
        raise Refusal(f"shape {tuple(new)}", "at most one -1")
    if -1 in new:
        rest = math.prod(n for n in new if n != -1)
        if rest == 0 or math.prod(old) % rest:
            raise Refusal(f"cannot reshape {old} into {tuple(new)}")
        new[new.index(-1)] = math.prod(old) // rest
    call.emit(Reshape(tuple(new)), [x])


def flatten(call: Call) -> None:
    """``Flatten`` to two axes."""
    x = call.value(0)
    shape = x.type.shape
    axis = call.attr_int("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        raise Refusal(f"axis {axis} for shape {shape}")
    axis = axis + len(shape) if axis < 0 else axis
    call.emit(Reshape((math.prod(shape[:axis]), math.prod(shape[axis:]))), [x])


def _axes(call: Call) -> tuple[int, ...] | None:
    """Axes from an attribute before opset 13, from an input since."""
    if call.opset < 13:
        return call.attr_ints("axes")
    return call.ints(1, "axes") if call.has(1) else None


def squeeze(call: Call) -> None:
    """``Squeeze``."""
    x = call.value(0)
    shape = x.type.shape
    axes = _axes(call)
    if axes is None:
        axes = tuple(i for i, n in enumerate(shape) if n == 1)
    chosen = {a % len(shape) for a in axes if -len(shape) <= a < len(shape)}
    if len(chosen) != len(axes) or any(shape[a] != 1 for a in chosen):
        raise Refusal(f"cannot squeeze axes {axes} of {shape}")
    call.emit(Reshape(tuple(n for i, n in enumerate(shape) if i not in chosen)), [x])


def unsqueeze(call: Call) -> None:
    """``Unsqueeze``."""
    x = call.value(0)
    axes = _axes(call)
    if axes is None:
        raise Refusal("axes are missing")
    rank = len(x.type.shape) + len(axes)
    chosen = {a % rank for a in axes if -rank <= a < rank}
    if len(chosen) != len(axes):
        raise Refusal(f"axes {axes} for shape {x.type.shape}")
    rest = iter(x.type.shape)
    call.emit(Reshape(tuple(1 if i in chosen else next(rest) for i in range(rank))), [x])


def transpose(call: Call) -> None:
    """``Transpose``; without ``perm`` the axes are reversed."""
    x = call.value(0)
    perm = call.attr_ints("perm")
    call.emit(Transpose(tuple(range(len(x.type.shape)))[::-1] if perm is None else perm), [x])


def concat(call: Call) -> None:
    """``Concat``."""
    every = [call.value(i) for i in range(len(call.input_names))]
    values = [v for v in every if v.type.size] or every[:1]  # empty ones add nothing
    rank = len(values[0].type.shape)
    axis = call.attr_int("axis", 1)
    if not -rank <= axis < rank:
        raise Refusal(f"axis {axis} for shape {values[0].type.shape}")
    if len({v.type.quant for v in values}) > 1:
        raise Refusal("joins tensors of different quantization")
    call.emit(Concat(axis % rank), values)


def cast(call: Call) -> None:
    """``Cast``: towards zero from real to integer."""
    call.ignore("saturate", "round_mode")
    to = named_type(call, "to", DType.FLOAT32)
    value = call.value(0)
    if value.data is None and value.type.dtype is to:
        call.result(value)
        return
    call.emit(Cast(to), [value])

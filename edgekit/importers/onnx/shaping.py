"""Operators that move elements, and those that only compute constants (shapes, indices)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgekit.importers.onnx.context import Call, Refusal
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
    values = [call.value(i) for i in range(len(call.input_names))]
    rank = len(values[0].type.shape)
    axis = call.attr_int("axis", 1)
    if not -rank <= axis < rank:
        raise Refusal(f"axis {axis} for shape {values[0].type.shape}")
    if len({v.type.quant for v in values}) > 1:
        raise Refusal("joins tensors of different quantization")
    call.emit(Concat(axis % rank), values)


def passthrough(call: Call) -> None:
    """``Identity``, and ``Dropout`` as it is at inference."""
    if call.op_type == "Dropout":
        call.ignore("ratio", "seed")
        if call.has(2) and call.scalar(2, "training_mode"):
            raise Refusal("training_mode is set", "inference")
    call.result(call.value(0))


def constant(call: Call) -> None:
    """``Constant`` in its dense numeric forms."""
    from onnx.numpy_helper import to_array

    data: Any = None
    for name, dtype in (
        ("value_float", np.float32), ("value_floats", np.float32),
        ("value_int", np.int64), ("value_ints", np.int64),
    ):  # fmt: skip
        raw = call.attr_raw(name)
        if raw is not None:
            data = np.asarray(raw, dtype)
    tensor = call.attr_raw("value")
    if tensor is not None:
        if tensor.data_location:
            raise Refusal("its value lies in an external file")
        data = to_array(tensor)
    if data is None:
        raise Refusal("its value is not a dense number or tensor")
    if data.dtype.kind == "f" and data.size > 1 and not np.isfinite(data).all():
        raise Refusal("its value holds NaN or infinity")
    _supported(data.dtype)
    call.result(call.array(data, call.output_names[0]))


def shape(call: Call) -> None:
    """``Shape``: a constant, because every shape is static here."""
    dims = call.value(0).type.shape
    start = call.attr_int("start", 0)
    end = call.attr_int("end", len(dims))
    call.result(call.array(np.asarray(dims[start:end], np.int64), call.output_names[0]))


def cast(call: Call) -> None:
    """``Cast``: towards zero from real to integer."""
    from onnx.helper import tensor_dtype_to_np_dtype

    call.ignore("saturate", "round_mode")
    dtype = np.dtype(tensor_dtype_to_np_dtype(call.attr_int("to", 1)))
    _supported(dtype)
    value = call.value(0)
    if value.data is None and value.type.dtype.numpy == dtype:
        call.result(value)
        return
    call.emit(Cast(DType.from_numpy(dtype)), [value])


def _supported(dtype: np.dtype[Any]) -> None:
    try:
        DType.from_numpy(dtype)
    except ValueError:
        raise Refusal(f"element type {dtype}", "float32, int8, uint8, int32, int64") from None

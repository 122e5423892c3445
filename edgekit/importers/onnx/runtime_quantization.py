"""Quantization whose parameters no value type can hold, as plain arithmetic in float32."""

from __future__ import annotations

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir import DType, Value
from edgekit.ir.ops import Add, Binary, Cast, Clamp, Clip, Mul, Reshape, Sub, Unary

_NARROW = (DType.INT8, DType.UINT8, DType.INT16, DType.UINT16)


def quantize_at_run_time(
    call: Call, x: Value, scale: Value, zero: Value | None, dtype: DType, axis: int, block: int
) -> Value:
    """``saturate(round(x / scale) + zero)``, ties to the even neighbour.

    Args:
        call: the node.
        x: real values.
        scale, zero: scalars, vectors along ``axis``, or one number for each block.
        dtype: integer type of the result.
        axis: channel axis.
        block: elements of ``axis`` that share a scale, 0 for none.
    """
    name = call.output_names[0]
    shape = x.type.shape
    if x.type.dtype is not DType.FLOAT32:
        x = call.add(Cast(DType.FLOAT32), [x], f"{name}_real")
    x, scale, zero = _aligned(call, x, scale, zero, axis, block)
    ratio = call.add(Binary("div"), [x, scale], f"{name}_ratio")
    whole = call.add(Unary("round"), [ratio], f"{name}_whole")
    if zero is not None:
        offset = call.add(Cast(DType.FLOAT32), [zero], f"{name}_zero")
        whole = call.add(Add(), [whole, offset], f"{name}_moved")
    low, high = dtype.bounds
    whole = call.add(Clip(Clamp(float(low), float(high))), [whole], f"{name}_bounded")
    return _shaped(call, call.add(Cast(dtype), [whole], f"{name}_integer"), shape, name)


def dequantize_at_run_time(
    call: Call, x: Value, scale: Value, zero: Value | None, axis: int, block: int
) -> Value:
    """``(x - zero) * scale``; arguments as for `quantize_at_run_time`."""
    name, shape = f"{x.name}_real", x.type.shape
    if x.type.dtype not in (*_NARROW, DType.INT32):
        raise Refusal(f"dequantization of {x.type.dtype.value}", "integers of up to 16 bits, int32")
    x, scale, zero = _aligned(call, x, scale, zero, axis, block)
    x = call.add(Cast(DType.INT32), [x], f"{name}_wide")
    if zero is not None:
        offset = call.add(Cast(DType.INT32), [zero], f"{name}_zero")
        x = call.add(Sub(), [x, offset], f"{name}_centred")
    x = call.add(Cast(DType.FLOAT32), [x], f"{name}_float")
    return _shaped(call, call.add(Mul(), [x, scale], f"{name}_scaled"), shape, name)


def _aligned(
    call: Call, x: Value, scale: Value, zero: Value | None, axis: int, block: int
) -> tuple[Value, Value, Value | None]:
    """The three shaped so that they broadcast."""
    rank, size = len(x.type.shape), scale.type.size
    if scale.type.dtype is not DType.FLOAT32:
        raise Refusal(f"scales of type {scale.type.dtype.value}", "float32")
    if zero is not None and zero.type.size != size:
        raise Refusal(f"scale {scale.type.shape} but zero point {zero.type.shape}")
    if size == 1 and not block:
        form: tuple[int, ...] = ()
    elif not -rank <= axis < rank:
        raise Refusal(f"axis {axis} for shape {x.type.shape}")
    elif block:
        return _blocked(call, x, scale, zero, axis % rank, block)
    elif scale.type.shape != (x.type.shape[axis],):
        raise Refusal(f"scale {scale.type.shape} for axis {axis} of shape {x.type.shape}")
    else:
        form = tuple(size if i == axis % rank else 1 for i in range(rank))
    shaped = None if zero is None else _shaped(call, zero, form, f"{zero.name}_spread")
    return x, _shaped(call, scale, form, f"{scale.name}_spread"), shaped


def _blocked(
    call: Call, x: Value, scale: Value, zero: Value | None, axis: int, block: int
) -> tuple[Value, Value, Value | None]:
    shape = x.type.shape
    count = shape[axis] // block
    wanted = (*shape[:axis], count, *shape[axis + 1 :])
    if count * block != shape[axis] or scale.type.shape != wanted:
        what = f"blocks of {block} along axis {axis} of shape {shape}, scales {scale.type.shape}"
        raise Refusal(what, f"whole blocks, scales {wanted}")
    one = (*shape[:axis], count, 1, *shape[axis + 1 :])
    many = (*shape[:axis], count, block, *shape[axis + 1 :])
    return (
        _shaped(call, x, many, f"{x.name}_blocks"),
        _shaped(call, scale, one, f"{scale.name}_blocks"),
        None if zero is None else _shaped(call, zero, one, f"{zero.name}_blocks"),
    )


def _shaped(call: Call, value: Value, shape: tuple[int, ...], name: str) -> Value:
    return value if value.type.shape == shape else call.add(Reshape(shape), [value], name)

"""QuantizeLinear and DequantizeLinear.

Constant parameters become the quantization of a value. uint8 tensors become int8 ones then: q and
its zero point both lie 128 lower, real values are the same; at the ports the caller keeps uint8.
Parameters computed at run time, one for each channel of an activation, or one for each block stand
as the arithmetic that defines them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.importers.onnx.context import Call, Context, Refusal
from edgekit.importers.onnx.runtime_quantization import dequantize_at_run_time, quantize_at_run_time
from edgekit.ir import DType, Quant, TensorType, Value
from edgekit.ir.ops import Dequantize, Quantize

_CODES = {2: DType.UINT8, 3: DType.INT8, 4: DType.UINT16, 5: DType.INT16}
"""Values of ``output_dtype`` (TensorProto.DataType)."""
_ALLOWED = "int8, uint8, int16, uint16"
_STORED = (DType.INT8, DType.INT16, DType.UINT16)
"""Element types that values with quantization have in the graph."""
_UINT8_OFFSET = 128


def quantize_linear(call: Call) -> None:
    """``QuantizeLinear``; a constant is quantized here."""
    x = call.value(0)
    call.ignore("saturate", "precision")
    dtype = _output_type(call)
    axis, block = call.attr_int("axis", 1), call.attr_int("block_size", 0)
    quant = None if block else constant_quant(call, 1, 2, dtype, x.type.shape, axis)
    if quant is None or (x.data is None and not quant.is_per_tensor):
        zero = call.optional(2)
        call.result(quantize_at_run_time(call, x, call.value(1), zero, dtype, axis, block))
        return
    call.result(quantized(call, x, quant, dtype, call.output_names[0]))


def dequantize_linear(call: Call) -> None:
    """``DequantizeLinear``; a constant stays an integer constant that knows its quantization."""
    x = call.value(0)
    call.ignore("output_dtype")
    axis, block = call.attr_int("axis", 1), call.attr_int("block_size", 0)
    call.result(dequantized(call, x, 1, 2, axis, block))


def dequantized(
    call: Call, x: Value, scale: int, zero: int, axis: int = 1, block: int = 0
) -> Value:
    """The real values of ``x``, whose parameters are inputs of the node.

    Args:
        call: the node.
        x: integers.
        scale, zero: positions of scale and zero point among the node's inputs.
        axis: the channel axis of parameters that are no scalars.
        block: elements of ``axis`` that share a scale, 0 for none.
    """
    dtype = DType.UINT8 if id(x) in call.context.shifted else x.type.dtype
    given = call.optional(zero)
    if given is not None and given.type.dtype is not dtype:
        raise Refusal(f"data is {dtype.value}, zero point is {given.type.dtype.value}")
    quant = None if block else constant_quant(call, scale, zero, dtype, x.type.shape, axis)
    stem = f"{x.name}_real"
    if quant is not None and x.data is not None and x.type.quant is None:
        data = (x.data.astype(np.int16) - 128).astype(np.int8) if dtype is DType.UINT8 else x.data
        if DType.from_numpy(data.dtype) in (DType.INT8, DType.INT16, DType.INT32):
            type = TensorType(tuple(data.shape), DType.from_numpy(data.dtype), "", quant)
            return call.context.graph.constant(data, stem, type)
    if x.data is not None and x.type.quant is not None and x.type.quant == quant:
        return x
    if quant is None or not quant.is_per_tensor or dtype not in (*_STORED, DType.UINT8):
        if x.type.quant is not None:
            raise Refusal(f"'{x.name}' is read with another quantization than it is written with")
        return dequantize_at_run_time(call, x, call.value(scale), given, axis, block)
    x = _declared(call, x, quant)
    return call.add(Dequantize(), [x], stem, TensorType(x.type.shape, DType.FLOAT32, x.type.layout))


def quantized(call: Call, x: Value, quant: Quant, dtype: DType, name: str) -> Value:
    """``x`` as integers of ``dtype`` (uint8: stored as int8) with quantization ``quant``."""
    stored = DType.INT8 if dtype is DType.UINT8 else dtype
    type = TensorType(x.type.shape, stored, x.type.layout, quant)
    if x.data is not None:
        scale = _spread(quant.scale, quant, len(type.shape)).astype(np.float32)
        q = np.rint(x.data / scale) + _spread(quant.zero_point, quant, len(type.shape))
        data = np.clip(q, *stored.bounds).astype(stored.numpy)
        result = call.context.graph.constant(data, name, type)
    else:
        result = call.add(Quantize(), [x], name, type)
    if dtype is DType.UINT8:
        call.context.shifted[id(result)] = result
    return result


def constant_quant(
    call: Call, scale: int, zero: int, dtype: DType, shape: tuple[int, ...], axis: int
) -> Quant | None:
    """Quantization from constant parameters, None where one is computed at run time.

    Raises:
        Refusal: parameters that fit neither each other nor the tensor.
    """
    points = call.optional(zero)
    if call.value(scale).data is None or (points is not None and points.data is None):
        return None
    scales = call.constant(scale, "scale").astype(np.float32)
    zeros = np.zeros(scales.shape, np.int64) if points is None else points.array.astype(np.int64)
    if dtype is DType.UINT8:
        zeros = zeros - _UINT8_OFFSET
    if not (np.isfinite(scales).all() and (scales > 0).all()):
        raise Refusal("a scale is not a positive finite number")
    if scales.size == 1 and zeros.size == 1:
        return Quant.per_tensor(float(scales.reshape(())), int(zeros.reshape(())))
    if scales.ndim != 1 or zeros.shape != scales.shape or not -len(shape) <= axis < len(shape):
        raise Refusal(f"scale {scales.shape}, zero point {zeros.shape}, axis {axis}")
    if shape[axis] != scales.size:
        raise Refusal(f"{scales.size} scales for axis {axis} of shape {shape}")
    return Quant(tuple(map(float, scales)), tuple(map(int, zeros)), axis % len(shape))


def as_caller_has_it(value: Value, context: Context, name: str) -> Value:
    """An output that the graph holds as int8 and the model as uint8, made uint8."""
    if id(value) not in context.shifted or value.type.quant is None:
        return value
    type = replace(value.type, dtype=DType.UINT8, quant=_moved(value.type.quant, _UINT8_OFFSET))
    return context.graph.add_node(
        Quantize(), [value], type, name=f"{name}_as_uint8", outputs=(name,)
    ).output


def _declared(call: Call, x: Value, quant: Quant) -> Value:
    """An integer graph input learns its quantization from its first reader."""
    if x.type.quant == quant:
        return x
    if x.type.dtype is DType.UINT8:
        return _input_as_int8(call, x, quant)
    if x.type.quant is not None:
        raise Refusal(f"'{x.name}' is read with another quantization than it is written with")
    call.context.graph.set_type(x, replace(x.type, quant=quant))
    return x


def _input_as_int8(call: Call, x: Value, quant: Quant) -> Value:
    """A uint8 input as the int8 tensor that the graph works with."""
    outer = _moved(quant, _UINT8_OFFSET)
    if x.type.quant not in (None, outer):
        raise Refusal(f"'{x.name}' is read with two quantizations")
    if x.type.quant is None:
        call.context.graph.set_type(x, replace(x.type, quant=outer))
    for node, _ in x.uses:
        if isinstance(node.op, Quantize) and node.output.type.quant == quant:
            return node.output
    result = call.add(
        Quantize(), [x], f"{x.name}_int8", replace(x.type, dtype=DType.INT8, quant=quant)
    )
    call.context.shifted[id(result)] = result
    return result


def _moved(quant: Quant, offset: int) -> Quant:
    return Quant(quant.scale, tuple(z + offset for z in quant.zero_point), quant.axis)


def _output_type(call: Call) -> DType:
    code = call.attr_int("output_dtype", 0)
    zero = call.optional(2)
    found = _CODES.get(code) if code else DType.UINT8 if zero is None else zero.type.dtype
    if zero is not None and id(zero) in call.context.shifted:
        found = DType.UINT8
    if found is None or found not in _CODES.values():
        name = f"output_dtype {code}" if found is None else found.value
        raise Refusal(f"quantization to {name}", _ALLOWED)
    return found


def _spread(numbers: tuple[Any, ...], quant: Quant, rank: int) -> NDArray[Any]:
    shape = [1] * rank
    if quant.axis is not None:
        shape[quant.axis] = len(numbers)
    return np.asarray(numbers).reshape(shape)

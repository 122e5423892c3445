"""QuantizeLinear and DequantizeLinear.

uint8 tensors become int8 ones: q and its zero point both lie 128 lower, real values are the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir import DType, Quant, TensorType, Value
from edgekit.ir.ops import Dequantize, Quantize

_ONNX_INT8, _ONNX_UINT8 = 3, 2


def _quant(call: Call, shape: tuple[int, ...]) -> tuple[Quant, np.dtype[Any]]:
    """Quantization from inputs 1 (scale) and 2 (zero point), and the integer type in ONNX."""
    scale = call.constant(1, "scale").astype(np.float32)
    if call.attr_int("block_size", 0):
        raise Refusal("block-wise quantization", "per tensor or per axis")
    call.ignore("saturate", "precision")
    if call.has(2):
        zero = call.constant(2, "zero point")
    else:
        code = call.attr_int("output_dtype", 0)
        if code not in (0, _ONNX_INT8, _ONNX_UINT8):
            raise Refusal(f"output_dtype {code}", "int8, uint8")
        zero = np.zeros(scale.shape, np.int8 if code == _ONNX_INT8 else np.uint8)
    call.ignore("output_dtype")
    if zero.dtype.name not in ("int8", "uint8", "int32"):
        raise Refusal(f"quantized type {zero.dtype}", "int8, uint8 (int32 for biases)")
    axis, rank = call.attr_int("axis", 1), len(shape)
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise Refusal("a scale is not a positive finite number")
    if scale.size == 1:
        return _shift(Quant.per_tensor(float(scale.reshape(())), int(zero.reshape(-1)[0])), zero)
    if scale.ndim != 1 or zero.shape != scale.shape or not -rank <= axis < rank:
        raise Refusal(f"scale {scale.shape}, zero point {zero.shape}, axis {axis}")
    if shape[axis] != scale.size:
        raise Refusal(f"{scale.size} scales for axis {axis} of shape {shape}")
    scales = tuple(float(s) for s in scale)
    return _shift(Quant(scales, tuple(int(z) for z in zero), axis % rank), zero)


def _shift(quant: Quant, zero: NDArray[Any]) -> tuple[Quant, np.dtype[Any]]:
    if zero.dtype == np.uint8:
        quant = Quant(quant.scale, tuple(z - 128 for z in quant.zero_point), quant.axis)
    return quant, zero.dtype


def _spread(numbers: tuple[Any, ...], quant: Quant, rank: int) -> NDArray[Any]:
    shape = [1] * rank
    if quant.axis is not None:
        shape[quant.axis] = len(numbers)
    return np.asarray(numbers).reshape(shape)


def quantize_linear(call: Call) -> None:
    """``QuantizeLinear``; a constant is quantized here."""
    x = call.value(0)
    rank = len(x.type.shape)
    quant, dtype = _quant(call, x.type.shape)
    type = TensorType(x.type.shape, DType.INT8, x.type.layout, quant)
    if x.data is not None:
        scale = _spread(quant.scale, quant, rank).astype(np.float32)
        q = np.rint(x.data / scale) + _spread(quant.zero_point, quant, rank)
        data = np.clip(q, -128, 127).astype(np.int8)
        result = call.context.graph.constant(data, call.output_names[0], type)
    elif not quant.is_per_tensor:
        raise Refusal("an activation is quantized per axis", "per tensor")
    elif dtype == np.int32:
        raise Refusal("quantization to int32", "int8, uint8")
    else:
        result = call.add(Quantize(), [x], call.output_names[0], type)
    if dtype == np.uint8:
        call.context.shifted[id(result)] = result
    call.result(result)


def dequantize_linear(call: Call) -> None:
    """``DequantizeLinear``; a constant stays an integer constant that knows its quantization."""
    x = call.value(0)
    quant, dtype = _zero_point_type(call, x)
    if x.data is not None and x.type.quant is None:
        data = x.data
        if dtype == np.uint8:
            data = (data.astype(np.int16) - 128).astype(np.int8)
        if data.dtype != (np.int8 if dtype == np.uint8 else dtype):
            raise Refusal(f"data is {data.dtype}, zero point is {dtype}")
        type = TensorType(tuple(data.shape), DType.from_numpy(data.dtype), "", quant)
        call.result(call.context.graph.constant(data, call.output_names[0], type))
        return
    if x.type.dtype is not DType.INT8:
        raise Refusal(f"element type {x.type.dtype.value} of '{x.name}'", "int8")
    if not quant.is_per_tensor and x.data is None:
        raise Refusal("an activation is quantized per axis", "per tensor")
    _declare(call, x, quant)
    if x.data is not None:
        call.result(x)
        return
    call.emit(Dequantize(), [x], TensorType(x.type.shape, DType.FLOAT32, x.type.layout))


def _zero_point_type(call: Call, x: Value) -> tuple[Quant, np.dtype[Any]]:
    """As `_quant`, but without a zero point the type is that of the data."""
    quant, dtype = _quant(call, x.type.shape)
    if not call.has(2):
        if id(x) in call.context.shifted or x.type.dtype is DType.UINT8:
            return quant, np.dtype(np.uint8)
        plain = Quant(quant.scale, tuple(0 for _ in quant.scale), quant.axis)
        return plain, x.type.dtype.numpy
    return quant, dtype


def _declare(call: Call, x: Value, quant: Quant) -> None:
    """An integer graph input learns its quantization from its first DequantizeLinear."""
    if x.type.quant is None:
        call.context.graph.set_type(x, replace(x.type, quant=quant))
    elif x.type.quant != quant:
        raise Refusal(f"'{x.name}' is read with another quantization than it is written with")

"""Operators on quantized tensors: QLinearConv and its kin, each as what it stands for: the operator
on real values between DequantizeLinear and QuantizeLinear. `edgekit.passes.FoldQdq` makes one
integer operator of the three."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.importers.onnx.nodes import apply
from edgekit.importers.onnx.quantization import constant_quant, dequantized, quantized
from edgekit.importers.onnx.runtime_quantization import dequantize_at_run_time, quantize_at_run_time
from edgekit.ir import DType, TensorType, Value
from edgekit.ir.ops import Mul, Reshape
from edgekit.passes.fold_qdq import bias_quant


def qlinear_conv(call: Call) -> None:
    """``QLinearConv``."""
    operands = _operands(call, (0, 3), axes=(1, 0))
    bias = call.optional(8)
    if bias is not None:
        operands.append(_bias(call, bias, operands))
    _finish(call, _apply(call, "Conv", operands), 6)


def qlinear_matmul(call: Call) -> None:
    """``QLinearMatMul``; weights may have one scale for each column."""
    _finish(call, _apply(call, "MatMul", _operands(call, (0, 3), axes=(-2, -1))), 6)


def qgemm(call: Call) -> None:
    """``com.microsoft.QGemm``: quantized where it gives an output scale, real where not."""
    operands = _operands(call, (0, 3), axes=(0, 0 if call.attr_int("transB", 0) else 1))
    bias = call.optional(6)
    if bias is not None:
        if call.attr_float("alpha", 1.0) != 1.0:
            raise Refusal("alpha with a bias", "alpha = 1")
        operands.append(_bias(call, bias, operands))
    result = _apply(call, "Gemm", operands)
    if call.has(7):
        _finish(call, result, 7)
    else:
        call.result(result)


def qlinear_pair(call: Call) -> None:
    """``com.microsoft.QLinearAdd`` and ``QLinearMul``."""
    operation = call.op_type.removeprefix("QLinear")
    _finish(call, _apply(call, operation, _operands(call, (0, 3))), 6)


_FUNCTIONS = {
    "QLinearAveragePool": "AveragePool", "QLinearGlobalAveragePool": "GlobalAveragePool",
    "QLinearLeakyRelu": "LeakyRelu", "QLinearSigmoid": "Sigmoid",
}  # fmt: skip


def qlinear_function(call: Call) -> None:
    """The operators of ``com.microsoft`` with one quantized input and one output."""
    if call.attr_int("channels_last", 0):
        raise Refusal("channels_last = 1", "0")
    call.attributes.pop("channels_last", None)
    _finish(call, _apply(call, _FUNCTIONS[call.op_type], _operands(call, (0,))), 3)


def qlinear_softmax(call: Call) -> None:
    """``com.microsoft.QLinearSoftmax``: along one axis, or (before operator set 13) over all axes
    from it on."""
    (x,) = _operands(call, (0,))
    shape = x.type.shape
    axis = call.attr_int("axis", -1) % len(shape)
    if call.attr_int("opset", 13) >= 13:
        _finish(call, apply(call, "Softmax", [x], axis=axis), 3)
        return
    stem = f"{call.output_names[0]}_rows"
    rows = call.add(Reshape((math.prod(shape[:axis]), math.prod(shape[axis:]))), [x], stem)
    rows = apply(call, "Softmax", [rows], axis=1)
    _finish(call, call.add(Reshape(shape), [rows], f"{stem}_back"), 3)


def qlinear_concat(call: Call) -> None:
    """``com.microsoft.QLinearConcat``: the output's parameters come first."""
    operands = _operands(call, range(2, len(call.input_names), 3))
    _finish(call, _apply(call, "Concat", operands), 0)


def _operands(
    call: Call, positions: Sequence[int], axes: Sequence[int] | None = None
) -> list[Value]:
    """Real values of the operands, each followed by its scale and zero point."""
    axes = axes or (1,) * len(positions)
    return [
        dequantized(call, call.value(i), i + 1, i + 2, axis)
        for i, axis in zip(positions, axes, strict=True)
    ]


def _bias(call: Call, bias: Value, operands: Sequence[Value]) -> Value:
    """An int32 bias, whose scale is the product of the operands' scales."""
    weights = operands[1].type.quant
    x = operands[0].producer.input(0).type.quant if operands[0].producer is not None else None
    if bias.data is not None and weights is not None and x is not None and x.is_per_tensor:
        data = bias.data.reshape(-1) if bias.type.shape[:-1] in ((), (1,)) else bias.data
        type = TensorType(tuple(data.shape), DType.INT32, "", bias_quant(x, weights))
        return call.context.graph.constant(data, f"{bias.name}_real", type)
    scale = call.add(Mul(), [call.value(4), call.value(1)], f"{bias.name}_scale")
    return dequantize_at_run_time(call, bias, scale, None, -1, 0)


def _apply(call: Call, op_type: str, operands: Sequence[Value]) -> Value:
    call.ignore(*call.attributes)  # the operator itself reads them
    return apply(call, op_type, operands, **call.attributes)


def _finish(call: Call, real: Value, scale: int) -> None:
    """Quantize the result by the parameters at ``scale`` and after it."""
    zero = call.optional(scale + 1)
    dtype = DType.UINT8 if zero is None else zero.type.dtype
    if dtype not in (DType.INT8, DType.UINT8):
        raise Refusal(f"a result of type {dtype.value}", "int8, uint8")
    quant = constant_quant(call, scale, scale + 1, dtype, real.type.shape, 1)
    name = call.output_names[0]
    if quant is not None and quant.is_per_tensor:
        call.result(quantized(call, real, quant, dtype, name))
    else:
        call.result(quantize_at_run_time(call, real, call.value(scale), zero, dtype, 1, 0))

"""MatMulInteger and ConvInteger: sums of products that the model scales itself."""

from __future__ import annotations

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.importers.onnx.convolution import as_image, emit_image, flat, geometry, layer_shapes
from edgekit.ir import DType, Value
from edgekit.ir.ops import ConvInteger, MatMulInteger


def matmul_integer(call: Call) -> None:
    """``MatMulInteger`` of matrices and stacks of them."""
    a, b = _operands(call)
    if min(len(a.type.shape), len(b.type.shape)) < 2:
        raise Refusal("an operand is a vector", "rank 2 or more")
    call.emit(MatMulInteger(), [a, b, call.optional(2), call.optional(3)])


def conv_integer(call: Call) -> None:
    """``ConvInteger`` over one or two spatial axes."""
    shape, _, kernel = layer_shapes(call)
    if len(shape) == 5:
        raise Refusal("three spatial axes", "one or two")
    images = [as_image(call, value) for value in _operands(call)]
    op = ConvInteger(flat(geometry(call, shape[2:], kernel)), call.attr_int("group", 1))
    emit_image(call, op, [*images, call.optional(2), call.optional(3)], len(kernel))


def _operands(call: Call) -> tuple[Value, Value]:
    values = call.value(0), call.value(1)
    for value in values:
        if value.type.quant is not None or value.type.dtype not in (DType.INT8, DType.UINT8):
            raise Refusal(f"'{value.name}' is {value.type}", "plain int8 or uint8")
    return values

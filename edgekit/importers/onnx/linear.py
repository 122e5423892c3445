"""Gemm and MatMul."""

from __future__ import annotations

import math

import numpy as np

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir import DType, Value
from edgekit.ir.ops import Add, Dense, Det, MatMul, Mul, Reshape, Transpose


def _scaled(call: Call, value: Value, factor: float, stem: str) -> Value:
    if factor == 1.0:
        return value
    if not math.isfinite(factor):
        raise Refusal(f"a factor of {factor}", "a finite number")
    if value.type.dtype is not DType.FLOAT32:
        raise Refusal(f"a factor of {factor} on quantized '{value.name}'", "1")
    return call.add(Mul(), [value, call.array(np.asarray(factor, np.float32))], stem)


def gemm(call: Call) -> None:
    """``Gemm``: ``alpha * A' B' + beta * C``; with a one-dimensional bias it is a Dense layer."""
    call.rank(0, 2)
    call.rank(1, 2)
    call.ignore("broadcast")  # before operator set 7: whether the bias may be smaller
    out = call.output_names[0]
    x = call.value(0)
    if call.attr_int("transA", 0):
        x = call.add(Transpose((1, 0)), [x], f"{out}_a")
    weights = call.value(1)
    if not call.attr_int("transB", 0):
        weights = call.add(Transpose((1, 0)), [weights], f"{weights.name}_t")
    weights = _scaled(call, weights, call.attr_float("alpha", 1.0), f"{weights.name}_alpha")
    bias, beta = call.optional(2), call.attr_float("beta", 1.0)
    if bias is None or beta == 0.0:
        call.emit(Dense(), [x, weights])
        return
    bias = _scaled(call, bias, beta, f"{bias.name}_beta")
    columns = weights.type.shape[0]
    vector = _bias_vector(call, bias, columns)
    if vector is not None:
        call.emit(Dense(), [x, weights, vector])
        return
    product = call.add(Dense(), [x, weights], f"{out}_product")
    call.emit(Add(), [product, bias])


def _bias_vector(call: Call, bias: Value, columns: int) -> Value | None:
    """C as a vector of one element a column, or None where it differs by row or is computed."""
    if bias.data is None:
        return bias if bias.type.shape == (columns,) else None
    if bias.type.shape == (columns,):
        return bias
    if bias.type.quant is not None or bias.type.size not in (1, columns):
        return None
    if len(bias.type.shape) > 1 and bias.type.shape[-1] not in (1, columns):
        return None
    if bias.type.size == columns and bias.type.shape[-1:] != (columns,):
        return None
    return call.array(np.broadcast_to(bias.data.reshape(-1), (columns,)), bias.name)


def matmul(call: Call) -> None:
    """``MatMul`` as numpy defines it: vectors, matrices, stacks of matrices that broadcast."""
    a, b = call.value(0), call.value(1)
    if not a.type.shape or not b.type.shape:
        raise Refusal("an operand is a scalar", "rank 1 or more")
    out = call.output_names[0]
    left, right = a.type.shape[:-1][-1:], b.type.shape[-1:] if len(b.type.shape) > 1 else ()
    if not left:
        a = call.add(Reshape((1, *a.type.shape)), [a], f"{out}_row")
    if not right:
        b = call.add(Reshape((*b.type.shape, 1)), [b], f"{out}_column")
    stack = MatMul().infer([a.type.shape, b.type.shape])[0][:-2]
    if len(b.type.shape) == 2 < len(a.type.shape):  # one product instead of many
        depth = a.type.shape[-1]
        a = call.add(Reshape((a.type.size // depth, depth)), [a], f"{out}_rows")
    final = (*stack, *left, *right)
    if MatMul().infer([a.type.shape, b.type.shape])[0] == final:
        call.emit(MatMul(), [a, b])
    else:
        call.emit(Reshape(final), [call.add(MatMul(), [a, b], f"{out}_product")])


def det(call: Call) -> None:
    """``Det`` of the matrices in the last two axes."""
    call.emit(Det(), [call.value(0)])

"""Handlers of element-wise operators, of operators that move elements, and of quantization."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.importers.tflite import functions
from edgekit.importers.tflite.context import ACTIVATIONS, Context, activation_problem, real
from edgekit.importers.tflite.reader import RawOperator, RawTensor
from edgekit.importers.tflite.steps import finish, step
from edgekit.ir import Quant, Value
from edgekit.ir.ops import (
    RELU,
    RELU6,
    Add,
    Clip,
    Concat,
    Dequantize,
    Mul,
    Pad,
    Quantize,
    Reshape,
    Softmax,
    Sub,
    Transpose,
)
from edgekit.ir.ops.elementwise import Clamp

_BINARY: dict[str, tuple[type[Add] | type[Sub] | type[Mul], str]] = {
    "ADD": (Add, "AddOptions"),
    "SUB": (Sub, "SubOptions"),
    "MUL": (Mul, "MulOptions"),
}
_CLAMPS = {
    "RELU": RELU, "RELU6": RELU6, "RELU_0_TO_1": Clamp(0.0, 1.0), "RELU_N1_TO_1": Clamp(-1.0, 1.0),
}  # fmt: skip


def binary(ctx: Context, op: RawOperator) -> None:
    """ADD, SUB, MUL with broadcasting and a fused activation."""
    ctx.check_activations(op, (0, 1))
    kind, options = _BINARY[op.kind]
    table = None if op.options is None else ctx.options(op, options)
    activation = 0 if table is None else table.FusedActivationFunction()
    if table is None or getattr(table, "PotScaleInt16", bool)():
        _refuse_shifted_sum(ctx, op)
    inputs, clamp = [ctx.value(op, 0), ctx.value(op, 1)], ctx.clamp(op, activation)
    if inputs[0].type.dtype.is_integer and inputs[0].type.quant is None:
        functions.bounded(ctx, op, kind(), inputs, clamp)
        return
    ctx.emit(op, kind(clamp), inputs)


def _refuse_shifted_sum(ctx: Context, op: RawOperator) -> None:
    """Older converters let int16 sums of power-of-two scales shift instead of rescale."""
    tensors = [ctx.tensor(op, 0), ctx.tensor(op, 1), ctx.model.tensors[op.outputs[0]]]
    scales = [t.quant.scale[0] for t in tensors if t and t.quant and t.type_name == "INT16"]
    powers = all(np.frexp(s)[0] == 0.5 for s in scales)
    if len(scales) == 3 and powers and len(set(scales)) > 1:
        what = f"an int16 sum of the power-of-two scales {scales} is not supported"
        ctx.refuse(op, what, "equal scales, or others", "Convert it with pot_scale_int16 off.")


def relu(ctx: Context, op: RawOperator) -> None:
    """RELU, RELU6, RELU_0_TO_1, RELU_N1_TO_1 as operators of their own."""
    ctx.check_activations(op)
    ctx.emit(op, Clip(_CLAMPS[op.kind]), [ctx.value(op, 0)])


def softmax(ctx: Context, op: RawOperator) -> None:
    """SOFTMAX over the last axis."""
    ctx.check_activations(op)
    x = ctx.value(op, 0)
    beta = 1.0 if op.options is None else float(ctx.options(op, "SoftmaxOptions").Beta())
    if not np.isfinite(beta) or beta <= 0:
        ctx.refuse(op, f"beta {beta}", "a positive number")
    ctx.emit(op, Softmax(len(x.type.shape) - 1, beta), [x])


def reshape(ctx: Context, op: RawOperator) -> None:
    """RESHAPE, SQUEEZE, EXPAND_DIMS: the output's shape in the file is the shape."""
    ctx.check_activations(op)
    target = ctx.model.tensors[op.outputs[0]]
    ctx.emit(op, Reshape(target.shape), [ctx.value(op, 0)])


def transpose(ctx: Context, op: RawOperator) -> None:
    """TRANSPOSE by a constant permutation."""
    ctx.check_activations(op)
    x = ctx.value(op, 0)
    rank = len(x.type.shape)
    perm = [int(p) for p in ctx.integers(op, 1, "permutation").reshape(-1)]
    if sorted(p % rank for p in perm) != list(range(rank)):
        ctx.refuse(op, f"permutation {perm} for {rank} dimensions")
    ctx.emit(op, Transpose(tuple(p % rank for p in perm)), [x])


def pad(ctx: Context, op: RawOperator) -> None:
    """PAD with zeros (the zero point in int8)."""
    ctx.check_activations(op)
    x = ctx.value(op, 0)
    sides = ctx.integers(op, 1, "paddings")
    if sides.shape != (len(x.type.shape), 2) or sides.min() < 0:
        ctx.refuse(op, f"paddings {sides.tolist()} for shape {list(x.type.shape)}")
    before, after = (tuple(int(n) for n in side) for side in sides.T)
    ctx.emit(op, Pad(before, after, 0.0), [x])


def concatenation(ctx: Context, op: RawOperator) -> None:
    """CONCATENATION of at least one input."""
    positions = range(len(op.inputs))
    ctx.check_activations(op, positions)
    if not op.inputs:
        ctx.refuse(op, "it has no inputs")
    options = ctx.options(op, "ConcatenationOptions")
    inputs = [ctx.value(op, i) for i in positions]
    rank = len(inputs[0].type.shape)
    axis = int(options.Axis())
    if not -rank <= axis < rank:
        ctx.refuse(op, f"axis {axis} for {rank} dimensions")
    clamp = ctx.clamp(op, options.FusedActivationFunction())
    target = ctx.type_of(ctx.model.tensors[op.outputs[0]])
    if target.quant is not None:
        inputs = [_requantized(ctx, op, v, target.quant) for v in inputs]
    if clamp is None:
        finish(ctx, op, Concat(axis % rank), inputs)
        return
    finish(ctx, op, Clip(clamp), [step(ctx, op, Concat(axis % rank), inputs)])


def _requantized(ctx: Context, op: RawOperator, x: Value, quant: Quant) -> Value:
    """x on the scale of what it is joined to."""
    if x.type.quant == quant or x.is_constant:
        return x
    return ctx.emit(op, Quantize(half_even=False), [x], replace(x.type, quant=quant))


def quantize(ctx: Context, op: RawOperator) -> None:
    """QUANTIZE: float32 or integers to integers. TFLite rounds ties away from zero."""
    _check_ports(ctx, op, ctx.model.tensors[op.outputs[0]])
    ctx.emit(op, Quantize(half_even=False), [ctx.value(op, 0)])


def dequantize(ctx: Context, op: RawOperator) -> None:
    """DEQUANTIZE: integers to float32; constants (float16 ones too) become float32 constants."""
    source = ctx.tensor(op, 0)
    if source is not None and source.data is not None:
        ctx.fold(op, source if source.quant is None else real(source))
        return
    _check_ports(ctx, op, ctx.tensor(op, 0))
    target = ctx.model.tensors[op.outputs[0]]
    if target.type_name != "FLOAT32":
        ctx.refuse(op, f"'{target.name}' has element type {target.type_name}", "float32")
    ctx.emit(op, Dequantize(), [ctx.value(op, 0)])


def _check_ports(ctx: Context, op: RawOperator, quantized: RawTensor | None) -> None:
    """Both sides must be usable, ``quantized`` must have a scale."""
    for tensor in (ctx.tensor(op, 0), ctx.model.tensors[op.outputs[0]]):
        if tensor is not None and (reason := activation_problem(tensor)):
            ctx.refuse(op, reason, ACTIVATIONS)
    if quantized is None or quantized.quant is None:
        name = "" if quantized is None else quantized.name
        ctx.refuse(op, f"'{name}' has no scale", "int8 or int16 with one scale")

"""Lowering: a quantized model-level graph in NHWC becomes a graph of integer operators.

What a quantized model leaves in float32 (often the softmax at its end) stays as it is, between a
Dequantize and a Quantize.

Every constant of the arithmetic is computed by the rules in `quantize.lowering`, as TFLite prepares
them: effective scales in float64 (``s_in * s_w / s_out``), significand and exponent by
`quantize_multiplier`, clamps of fused activations by ``zero_point + round(f / s_out)``. What
`QConv2D` and its siblings then compute is defined in `quantize.reference`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from edgekit.errors import ModelError, Problem
from edgekit.ir import DType, Graph, Node, Value
from edgekit.ir.ops import (
    Add,
    ArgReduce,
    AvgPool2D,
    Binary,
    Clip,
    Concat,
    Conv2D,
    ConvTranspose,
    Dense,
    Dequantize,
    Expand,
    Gather,
    GatherElements,
    GatherND,
    MatMul,
    MaxPool2D,
    Mean,
    Mul,
    Op,
    Pad,
    Quantize,
    Reduce,
    Reshape,
    Slice,
    Softmax,
    Sub,
    TopK,
    Transpose,
    Unary,
    Where,
    integer,
)
from quantize.lowering import functions, layers, moving, pointwise
from quantize.lowering.common import Refused, RoundingName, tensor_scale

Rule = Callable[[Graph, Node, RoundingName], bool]

RULES: dict[type[Op], Rule] = {
    Add: pointwise.add,
    AvgPool2D: pointwise.pool,
    Binary: functions.binary,
    Clip: pointwise.clip,
    Concat: moving.keep,
    Conv2D: layers.conv2d,
    ConvTranspose: layers.conv_transpose,
    Dense: layers.dense,
    Expand: moving.choose,
    Gather: moving.choose,
    GatherElements: moving.choose,
    GatherND: moving.choose,
    MatMul: layers.matmul,
    MaxPool2D: pointwise.pool,
    Mean: pointwise.mean,
    Mul: functions.mul,
    Pad: moving.pad,
    Quantize: pointwise.quantize,
    Reduce: moving.reduce,
    Reshape: moving.keep,
    Slice: moving.choose,
    Softmax: pointwise.softmax,
    Sub: pointwise.add,
    TopK: moving.choose,
    Transpose: moving.keep,
    Unary: functions.unary,
    Where: functions.where,
}
"""Model-level operator -> what makes it an integer operator (True where the graph changed)."""

INT16 = (
    Add, Clip, Concat, Conv2D, Dense, Expand, Gather, GatherElements, GatherND, Mul, Pad,
    Quantize, Reduce, Reshape, Slice, Sub, TopK, Transpose, Unary,
)  # fmt: skip
"""Operators whose rules also take int16 (with zero point 0)."""


@dataclass(frozen=True)
class LowerInteger:
    """Replace model-level operators on int8 values by integer operators.

    Operators on float32 values stay. ``Quantize`` at a graph input and ``Dequantize`` at a graph
    output disappear: the port becomes int8, its binding still names the float type that the source
    model has.

    Attributes:
        rounding: ``litert`` equals LiteRT's reference kernels (FLOAT in dense layers, DOUBLE
            elsewhere), ``tflm`` equals TFLite Micro (DOUBLE), ``onnx`` equals ONNX
            Runtime's ``QLinear`` operators (EVEN), ``fast`` rounds once (HIGH, or SINGLE
            where HIGH lacks range or precision).
    """

    rounding: RoundingName = "litert"
    name: str = "lower-integer"

    def run(self, graph: Graph) -> bool:
        """Lower every node.

        Raises:
            ModelError: naming every node that has no integer form.
        """
        problems: list[Problem] = []
        changed = _strip_ports(graph)
        for node in list(graph.nodes):
            if type(node.op).__module__.startswith(integer.__name__) or _is_real(node):
                continue
            try:
                changed |= _lower(graph, node, self.rounding)
            except Refused as refused:
                where = f"{node.op.name} '{node.name}'"
                problems.append(Problem(refused.what, where, refused.allowed, refused.hint))
        if problems:
            raise ModelError(f"'{graph.name}' cannot be lowered to int8", problems)
        return changed


def _strip_ports(graph: Graph) -> bool:
    """Remove Quantize at inputs and Dequantize at outputs."""
    changed = False
    inputs = {id(v) for v in graph.inputs}
    for node in list(graph.nodes):
        value = node.input(0)
        op = node.op
        at_input = id(value) in inputs and value.type.dtype is DType.FLOAT32
        at_output = isinstance(node.op, Dequantize) and not node.output.uses
        if at_input and isinstance(op, Quantize) and graph.sole_user(value) is node:
            inner = graph.replace_input(value, replace(node.output.type, range=None))
            at = next(i for i, v in enumerate(graph.inputs) if v is inner)
            binding = graph.input_bindings[at]
            graph.input_bindings[at] = replace(binding, half_even=op.half_even)
            inputs.add(id(inner))
            graph.bypass(node, inner)
            changed = True
        elif at_output and value.producer is not None:
            graph.bypass(node, value)
            changed = True
    return changed


def _is_real(node: Node) -> bool:
    """True for an operator on real or plain integer tensors only, and for the steps between them
    and quantized ones."""
    if isinstance(node.op, ArgReduce):
        return True  # compares integers as they are
    if isinstance(node.op, Quantize):
        return node.input(0).type.quant is None
    if isinstance(node.op, Dequantize):
        return node.output.type.quant is None
    values = [*node.inputs, *node.outputs]
    return all(v is None or v.type.quant is None for v in values)


def _quantized(node: Node) -> list[Value]:
    """Tensors that must be quantized: the first that is computed, and the result (but for the
    condition of a choice, and for truth values)."""
    inputs = node.inputs[1:] if isinstance(node.op, Where) else node.inputs
    computed = [v for v in inputs if v is not None and not v.is_constant]
    return [v for v in (*computed[:1], node.output) if v.type.dtype is not DType.BOOL]


def _lower(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    rule = RULES.get(type(node.op))
    if rule is None:
        raise Refused("it has no integer form")
    allowed = (DType.INT8, DType.INT16) if isinstance(node.op, INT16) else (DType.INT8,)
    if isinstance(node.op, Quantize):
        allowed = (*allowed, DType.UINT8)  # what callers give and take; inside it is int8
    for value in _quantized(node):
        if value.type.dtype not in allowed:
            hint = "Quantize all of its operands and its result, or none of them."
            kinds = ", ".join(t.value for t in allowed)
            raise Refused(f"'{value.name}' is {value.type.dtype.value}", kinds, hint)
        if tensor_scale(value)[1] and value.type.dtype is DType.INT16:
            raise Refused(f"'{value.name}' is int16 with a zero point", "zero point 0")
    try:
        return rule(graph, node, rounding)
    except ValueError as error:
        raise Refused(str(error)) from error

"""Operators without an int8 form inside a quantized graph: they stay in float32.

What they read is dequantized before them, what others read of their results is quantized after
them. Each such step costs a pass over the tensor, and the operator costs what it costs in float32;
the report names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgekit.ir import DType, Graph, Node, Value
from edgekit.ir.ops import (
    Add,
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
    MatMul,
    MaxPool2D,
    Mean,
    Mul,
    Op,
    Pad,
    Quantize,
    Reshape,
    Slice,
    Softmax,
    Sub,
    Transpose,
    Unary,
    Where,
)
from edgekit.ir.ops.pointwise import TO_BOOL
from edgekit.passes.rewrite import float_array
from quantize.lowering.functions import COMPARISONS, constant_number
from quantize.observers import Range

LAYERS = (Conv2D, ConvTranspose, Dense)
QUANTIZABLE = (
    Add, AvgPool2D, Clip, Concat, Conv2D, ConvTranspose, Dense, Expand, Gather, MatMul, MaxPool2D,
    Mean, Mul, Pad, Reshape, Slice, Softmax, Sub, Transpose, Where,
)  # fmt: skip
PAIRS = frozenset({"max", "min", "prelu", "squared_difference", *COMPARISONS})
"""Functions of two tensors that have an int8 form."""


def why_float(node: Node) -> str:
    """Why a node cannot become int8; empty where it can."""
    op = node.op
    if not _has_form(op, node):
        return "the operator has no int8 form"
    if isinstance(op, Gather) and not node.input(1).is_constant:
        return "its indices are computed at run time"
    if any(v.type.dtype is not DType.FLOAT32 for v in elements(node)):
        return "an operand is not float32"
    if isinstance(op, LAYERS) and float_array(node.input(1)) is None:
        return "its weights are computed at run time"
    if isinstance(op, LAYERS) and _computed(node.optional_input(2)):
        return "its bias is computed at run time"
    return ""


def elements(node: Node) -> list[Value]:
    """The inputs that hold real numbers: neither the condition of a choice nor indices."""
    given = node.inputs
    if isinstance(node.op, Where):
        given = node.inputs[1:]
    elif isinstance(node.op, Gather):
        given = node.inputs[:1]
    return [v for v in given if v is not None]


def _has_form(op: Op, node: Node) -> bool:
    if isinstance(op, Unary):
        return op.function not in TO_BOOL
    if isinstance(op, Binary):
        return op.function in PAIRS or with_number(node)
    return isinstance(op, QUANTIZABLE)


def with_number(node: Node) -> bool:
    """True for a function of a tensor and a constant number, which is a table in int8."""
    if not isinstance(node.op, Binary) or node.op.function in (PAIRS | TO_BOOL):
        return False
    whole = node.output.type.shape
    pairs = ((0, 1), (1, 0))
    return any(
        constant_number(node.input(i)) is not None and node.input(k).type.shape == whole
        for i, k in pairs
    )


def _computed(value: Value | None) -> bool:
    return value is not None and float_array(value) is None


def separate(graph: Graph, ranges: Mapping[str, Range]) -> tuple[list[Value], dict[str, Range]]:
    """Put Dequantize before and Quantize after every node that stays in float32.

    Args:
        graph: a float graph; it is changed.
        ranges: by name, of every value that is not a constant.

    Returns:
        The values to quantize, and the ranges with those of the new values.
    """
    stay = [node for node in graph.nodes if why_float(node)]
    known = dict(ranges)
    real = {id(v) for node in stay for v in node.outputs}
    whole = [v for v in graph.inputs if all(user in stay for user, _ in v.uses)]
    real |= {id(v) for v in whole if v.uses}
    for node in stay:
        for value in node.outputs:
            _quantize_after(graph, value, stay, known)
    quantized = [
        v
        for v in [*graph.inputs, *(v for n in graph.nodes for v in n.outputs)]
        if v.type.dtype is DType.FLOAT32 and id(v) not in real
    ]
    for value in quantized:
        _dequantize_before(graph, value, stay, known)
    return quantized, known


def _quantize_after(graph: Graph, value: Value, stay: list[Node], known: dict[str, Range]) -> None:
    """Let the integer readers of a float value read a quantized copy."""
    readers = [(user, index) for user, index in value.uses if user not in stay]
    if not readers or value.type.dtype is not DType.FLOAT32:
        return
    first = min((user for user, _ in readers), key=graph.nodes.index)
    stem = f"{value.name}_int8"
    node = graph.add_node(
        Quantize(), [value], value.type, name=f"{stem}_quantize", outputs=(stem,), before=first
    )
    known[node.output.name] = known[value.name]
    for user, index in readers:
        graph.set_input(user, index, node.output)


def _dequantize_before(
    graph: Graph, value: Value, stay: list[Node], known: dict[str, Range]
) -> None:
    """Let the float readers of a quantized value read a float copy."""
    readers = [(user, index) for user, index in value.uses if user in stay]
    if not readers:
        return
    first = min((user for user, _ in readers), key=graph.nodes.index)
    stem = f"{value.name}_float"
    node = graph.add_node(
        Dequantize(), [value], replace(value.type, quant=None), name=f"{stem}_dequantize",
        outputs=(stem,), before=first,
    )  # fmt: skip
    known[node.output.name] = known[value.name]
    for user, index in readers:
        graph.set_input(user, index, node.output)

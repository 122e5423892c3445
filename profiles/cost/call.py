"""Which kernel an operator becomes, with the numbers that its instruction count depends on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from codegen.c.operators import EMITTERS
from codegen.c.operators.geometry import AXES, collapse_mean, joined_axes
from codegen.c.operators.integer import has_power_table, is_depthwise
from codegen.c.operators.shaping import TRANSPOSE_AXES
from edgekit.errors import ModelError
from edgekit.ir import DType, Node, TensorType, Value
from edgekit.ir.op import Op, Shape, ShapeError, require
from edgekit.ir.ops import (
    Add,
    AvgPool2D,
    Clip,
    Concat,
    Conv2D,
    Dense,
    Dequantize,
    MaxPool2D,
    Mean,
    Mul,
    Pad,
    QAdd,
    QAvgPool2D,
    QClip,
    QConv2D,
    QDense,
    QMaxPool2D,
    QMean,
    QRescale,
    QSoftmax,
    Quantize,
    Requant,
    Reshape,
    Rounding,
    Softmax,
    Sub,
    Transpose,
    Window,
    integer,
)
from profiles.cost.forms import channels_last, integer_form
from quantize.affine_sum import affine_sum

Key = tuple[int, ...]
FLOAT_KERNELS = ("binary_f32", "conv2d_f32", "dense_f32", "depthwise_f32")
"""What `CALLS` names for operators that have no integer form."""


@dataclass(frozen=True)
class Call:
    """A kernel with the sizes it is called with.

    Attributes:
        kernel: name without prefix, e.g. ``conv2d_s8``; empty where nothing is executed.
        rule: rounding rule as C spells it; empty where the kernel has none.
        key: the sizes; see `profiles.cost.features`.
        flash_bytes: weights, biases and quantization tables of the node.
        ram_bytes: operands, result and scratch of the node.
    """

    kernel: str
    rule: str
    key: Key
    flash_bytes: int
    ram_bytes: int

    @property
    def family(self) -> str:
        """``kernel`` or ``kernel.rule``: what is fitted together."""
        return f"{self.kernel}.{self.rule}" if self.rule else self.kernel


@dataclass(frozen=True)
class NoKernel:
    """Why the C kernels cannot compute an operator."""

    reason: str


def call_of(op: Op, shapes: Sequence[Shape], dtype: str, rounding: str) -> Call | NoKernel:
    """The kernel call of an operator, or why there is none.

    Args:
        op: model-level or integer operator.
        shapes: of its inputs; ``()`` for an absent one.
        dtype: ``int8`` or ``float32``: of the activations of a model-level operator.
        rounding: of the integer form of a model-level operator.
    """
    if type(op).__module__ == integer.__name__:
        dtype = "int8"
    if dtype == "int8":
        op, shapes = integer_form(op, shapes, rounding)
    else:
        op, shapes = channels_last(op, shapes)
    describe = CALLS.get(type(op))
    if describe is None and type(op) not in EMITTERS:
        return NoKernel(f"{op.label} has no C kernel")
    describe = describe or _not_counted
    try:
        node = _stand_in(op, shapes, DType(dtype))
        kernel, rule, key = describe(node)
        emitter = EMITTERS.get(type(op))
        scratch = 0 if emitter is None else emitter.scratch(node)
    except ShapeError as error:
        return NoKernel(str(error))
    except ModelError as error:
        return NoKernel("; ".join(p.what for p in error.problems) or error.summary)
    if dtype == "int8" and kernel in FLOAT_KERNELS:
        return NoKernel("it has no integer form")
    live = [v for i, v in enumerate(node.inputs) if v is not None and not _is_parameter(op, i)]
    ram = sum(v.type.nbytes for v in (*live, *node.outputs)) + scratch
    return Call(kernel, rule, key, _flash(node, rule), ram)


def _not_counted(node: Node) -> tuple[str, str, Key]:
    """A kernel that nothing has been counted for: what it costs is unknown."""
    return node.op.name.lower(), "", (node.output.type.size,)


# A node that only carries shapes: what the emitters' own descriptions want to see.


def _stand_in(op: Op, shapes: Sequence[Shape], dtype: DType) -> Node:
    source, result = dtype, dtype
    if isinstance(op, Quantize):
        source, result = DType.FLOAT32, DType.INT8
    elif isinstance(op, Dequantize):
        source, result = DType.INT8, DType.FLOAT32
    inputs = tuple(
        None if not s and _is_parameter(op, i) else Value("", TensorType(tuple(s), source))
        for i, s in enumerate(shapes)
    )
    outputs = tuple(Value("", TensorType(s, result)) for s in op.infer(shapes))
    return Node("", op, inputs, outputs)


def _is_parameter(op: Op, index: int) -> bool:
    return index > 0 and isinstance(op, Conv2D | Dense | QConv2D | QDense)


def _flash(node: Node, rule: str) -> int:
    op = node.op
    tables = 0
    requant = getattr(op, "requant", None)
    if isinstance(requant, Requant):
        entry = 4 if rule == Rounding.HIGH.value else 5  # a multiplier, and a shift for most rules
        tables = entry * len(requant.multiplier)
    if isinstance(op, QConv2D | QDense):
        weights = node.input(1).type
        return weights.size + 4 * weights.shape[0] + tables
    if isinstance(op, Conv2D | Dense):
        weights = node.input(1).type
        return 4 * (weights.size + weights.shape[0])
    return tables


# Descriptions: kernel, rule, key.

Described = tuple[str, str, Key]


def _rule(requant: Requant) -> str:
    # FLOAT becomes an integer rule of its own wherever that is proven equal: nearly always.
    # EVEN is SINGLE and a comparison, except close to a tie.
    proven = {Rounding.FLOAT: "away", Rounding.EVEN: "single"}
    return proven.get(requant.rule, requant.rule.value)


def _window(node: Node, kernel: Shape, window: Window, groups: int = 1) -> Key:
    x, y = node.input(0).type.shape, node.output.type.shape
    require(x[0] == 1, f"batch {x[0]}")
    return (
        *x[1:], *y[1:], *kernel, *window.strides, *window.padding[:2], *window.dilations, groups
    )  # fmt: skip


def _conv_s8(node: Node) -> Described:
    op: Any = node.op
    key = _window(node, node.input(1).type.shape[1:3], op.window, op.groups)
    return "depthwise_s8" if is_depthwise(node) else "conv2d_s8", _rule(op.requant), key


def _conv_f32(node: Node) -> Described:
    op: Any = node.op
    key = _window(node, node.input(1).type.shape[1:3], op.window, op.groups)
    depthwise = node.input(0).type.shape[3] == op.groups == node.output.type.shape[3] > 1
    return "depthwise_f32" if depthwise else "conv2d_f32", "", key


def _dense(node: Node) -> Described:
    rows, depth = node.input(0).type.shape
    key = (rows, depth, node.input(1).type.shape[0])
    if isinstance(node.op, QDense):
        return "dense_s8", _rule(node.op.requant), key
    return "dense_f32", "", key


def _pool(kernel: str) -> Callable[[Node], Described]:
    def describe(node: Node) -> Described:
        op: Any = node.op
        return kernel, "", _window(node, op.kernel, op.window)

    return describe


def _binary(node: Node) -> Described:
    a, b = node.input(0).type.shape, node.input(1).type.shape
    axes = joined_axes(a, b, node.output.type.shape)
    require(len(axes) <= AXES, f"more than {AXES} joined axes")
    inner = axes[-1][0] if axes else 1
    key = (math.prod(size for size, _, _ in axes[:-1]), inner)
    if isinstance(node.op, QAdd):
        if a == b and affine_sum(node.op) is not None:
            return "affine_add_s8", "", (node.output.type.size,)
        return "add_s8", _rule(node.op.requant), key
    return "binary_f32", "", key


def _mean(node: Node) -> Described:
    op: Any = node.op
    key = collapse_mean(node, op.axes)
    if isinstance(op, QMean):
        return "mean_s8", _rule(op.requant), key
    return "mean_f32", "", key


def _elements(kernel: str) -> Callable[[Node], Described]:
    def describe(node: Node) -> Described:
        rule = _rule(node.op.requant) if isinstance(node.op, QRescale) else ""
        return kernel, rule, (node.output.type.size,)

    return describe


def _softmax(kernel: str) -> Callable[[Node], Described]:
    def describe(node: Node) -> Described:
        shape = node.output.type.shape
        axis = node.op.axis if isinstance(node.op, Softmax) else len(shape) - 1
        require(math.prod(shape[axis + 1 :]) == 1, "not the last axis")
        if isinstance(node.op, QSoftmax) and has_power_table(node):
            return "powers_softmax_s8", "", (math.prod(shape[:axis]), shape[axis])
        return kernel, "", (math.prod(shape[:axis]), shape[axis])

    return describe


def _concat(node: Node) -> Described:
    op: Any = node.op
    y = node.output.type
    outer = math.prod(y.shape[: op.axis])
    pieces = [math.prod(v.type.shape[op.axis :]) for v in node.inputs if v is not None]
    return "concat", "", (outer, *(y.dtype.itemsize * n for n in pieces))


def _pad(node: Node) -> Described:
    x, y = node.input(0).type, node.output.type
    require(len(x.shape) <= AXES, f"more than {AXES} axes")
    row = x.shape[-1] * x.dtype.itemsize
    return "pad", "", (y.size, x.size // x.shape[-1], row, x.dtype.itemsize)


def _transpose(node: Node) -> Described:
    y = node.output.type
    require(len(y.shape) <= TRANSPOSE_AXES, f"more than {TRANSPOSE_AXES} axes")
    return "move", "", (y.dtype.itemsize, *y.shape)


def _nothing(node: Node) -> Described:
    return "", "", ()


CALLS: dict[type[Op], Callable[[Node], Described]] = {
    Add: _binary,
    AvgPool2D: _pool("avg_pool_f32"),
    Clip: _elements("clip_f32"),
    Concat: _concat,
    Conv2D: _conv_f32,
    Dense: _dense,
    Dequantize: _elements("dequantize_s8"),
    MaxPool2D: _pool("max_pool_f32"),
    Mean: _mean,
    Mul: _binary,
    Pad: _pad,
    QAdd: _binary,
    QAvgPool2D: _pool("avg_pool_s8"),
    QClip: _elements("clip_s8"),
    QConv2D: _conv_s8,
    QDense: _dense,
    QMaxPool2D: _pool("max_pool_s8"),
    QMean: _mean,
    QRescale: _elements("rescale_s8"),
    QSoftmax: _softmax("softmax_s8"),
    Quantize: _elements("quantize_f32"),
    Reshape: _nothing,
    Softmax: _softmax("softmax_f32"),
    Sub: _binary,
    Transpose: _transpose,
}
"""What each operator with a kernel is called with; Reshape moves no bytes."""

"""Rules for functions of elements: tables, products, slopes, comparisons, choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import DType, Graph, Node, Quant, Value
from edgekit.ir.ops import (
    Binary,
    Mul,
    QCompare,
    QLeakyRelu,
    QLookup,
    QMul,
    QPrelu,
    QSigmoid,
    QSquaredDifference,
    QTanh,
    Rescale,
    Rounding,
    Unary,
)
from edgekit.ir.ops.pointwise import TO_BOOL
from quantize.lowering import exact
from quantize.lowering.common import (
    Refused,
    RoundingName,
    output_bounds,
    require_same_scale,
    set_range,
    tensor_scale,
    value_range,
)
from quantize.lowering.tables import Table, by_recipe, tabulate
from quantize.reference import pointwise as reference
from quantize.requantize import make_requant, quantize_multiplier

Array = NDArray[Any]
Function = Callable[[Array], Array]
DIFFERENCE_LEFT_SHIFT = 7
COMPARE_LEFT_SHIFT = 8
COMPARISONS = ("equal", "greater", "greater_equal", "less", "less_equal", "not_equal")


def unary(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Unary -> QLookup."""
    if rounding == "onnx":
        return exact.lookup(graph, node, rounding)
    op = node.op
    assert isinstance(op, Unary)
    if op.function in TO_BOOL:
        raise Refused(f"{op.function} has no integer form")
    x, y = _quant(node.input(0)), _quant(node.output)
    if node.output.type.dtype is DType.INT16:
        return wide_unary(graph, node, op, x, y)
    table = None if rounding == "fast" else by_recipe(op, x, y)
    if table is None:
        table = tabulate(lambda real: reference.UNARY[op.function](real, op), x, y)
    return _look_up(graph, node, table, node.input(0))


def wide_unary(graph: Graph, node: Node, op: Unary, x: Quant, y: Quant) -> bool:
    """Unary of int16 -> QSigmoid, QTanh, QLeakyRelu."""
    if op.function == "leaky_relu":
        low, high = DType.INT16.bounds
        parts = [
            make_requant([scale], Rounding.DOUBLE, 0, low, high, [-low])
            for scale in (_float32_ratio(x.scale[0], f, y.scale[0]) for f in (1.0, op.alpha))
        ]
        graph.set_op(node, QLeakyRelu(parts[0], parts[1]))
        return True
    kind = WIDE_CURVES.get(op.function)
    if kind is None:
        raise Refused(f"{op.function} of int16 has no integer form")
    if y.scale[0] != 1 / 32768:
        raise Refused(f"its output scale is {y.scale[0]:.6g}", "1/32768")
    graph.set_op(node, kind(*_table_step(x.scale[0])))
    return True


def _table_step(scale: float) -> tuple[int, int]:
    """Multiplier and right shift from a scale to 1/12288, as TFLite's preparation has them: 15 bits
    truncated, and exactly 3 for a scale of 1/4096."""
    if scale == 1 / 4096:
        return 3, 0
    multiplier, shift = scale * 4096.0 * 3.0, 0
    while multiplier <= 32767.0 / 2.0 and shift <= 30:
        multiplier, shift = multiplier * 2.0, shift + 1
    return int(multiplier), shift


WIDE_CURVES: dict[str, type[QSigmoid] | type[QTanh]] = {"sigmoid": QSigmoid, "tanh": QTanh}


def binary(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Binary -> QCompare, QPrelu, QSquaredDifference; max and min stay; with a constant number as
    one operand any function is a table."""
    op = node.op
    assert isinstance(op, Binary)
    if op.function in ("max", "min"):
        return extreme(graph, node)
    if op.function == "prelu":
        return prelu(graph, node, rounding)
    if op.function in COMPARISONS:
        return compare(graph, node)
    if op.function == "squared_difference":
        return squared_difference(graph, node, rounding)
    return _with_number(graph, node)


def _quant(value: Value) -> Quant:
    tensor_scale(value)
    assert value.type.quant is not None
    return value.type.quant


def _look_up(graph: Graph, node: Node, table: Table, x: Value) -> bool:
    """Replace the node by a table of ``x``."""
    if x.type.dtype is not DType.INT8:
        raise Refused(f"'{x.name}' is {x.type.dtype.value}", "int8")
    low, high = value_range(x)
    reached = table[low + 128 : high + 129]
    graph.set_input(node, 0, x)
    graph.set_input(node, 1, graph.constant(np.array(table, np.int8), f"{node.name}_table"))
    graph.set_op(node, QLookup())
    set_range(graph, node.output, min(reached), max(reached))
    return True


def _with_number(graph: Graph, node: Node) -> bool:
    """A function of a tensor and a constant number is a function of one element."""
    op = node.op
    assert isinstance(op, Binary)
    function = reference.BINARY[op.function]
    for index in (0, 1):
        number, x = constant_number(node.input(index)), node.input(1 - index)
        if number is None or x.type.shape != node.output.type.shape:
            continue
        apply = _first_fixed(function, number) if index == 0 else _second_fixed(function, number)
        return _look_up(graph, node, tabulate(apply, _quant(x), _quant(node.output)), x)
    raise Refused(f"{op.function} of two tensors has no integer form")


def constant_number(value: Value) -> float | None:
    """The real number that a constant of one element stands for."""
    if value.data is None or value.data.size != 1:
        return None
    number = float(value.data.reshape(-1)[0])
    if value.type.quant is None:
        return number
    scale, zero_point = tensor_scale(value)
    return float(np.float32(scale) * np.float32(number - zero_point))


def _first_fixed(function: Callable[[Array, Array], Array], number: float) -> Function:
    return lambda real: function(np.full_like(real, number), real)


def _second_fixed(function: Callable[[Array, Array], Array], number: float) -> Function:
    return lambda real: function(real, np.full_like(real, number))


def mul(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Mul -> QMul."""
    if rounding == "onnx":
        return exact.mul(graph, node, rounding)
    op = node.op
    assert isinstance(op, Mul)
    a, b, y = node.input(0), node.input(1), node.output
    (s_a, z_a), (s_b, z_b), (s_y, z_y) = (tensor_scale(v) for v in (a, b, y))
    low, high = output_bounds(node, op.clamp)
    scale = _float32_ratio(s_a, s_b, s_y)
    largest = (y.type.dtype.bounds[1] - y.type.dtype.bounds[0]) ** 2
    bound = largest if y.type.dtype is DType.INT8 else largest // 4
    requant = make_requant([scale], _rule(rounding, y), z_y, low, high, [bound])
    graph.set_op(node, QMul(requant, z_a, z_b))
    set_range(graph, y, low, high)
    return True


def _rule(rounding: RoundingName, y: Value) -> Rounding:
    fast = rounding == "fast" and y.type.dtype is DType.INT8
    return Rounding.HIGH if fast else Rounding.DOUBLE


def _float32_ratio(a: float, b: float, y: float) -> float:
    """``a * b / y`` as TFLite computes it: in float32."""
    return float(np.float32(a) * np.float32(b) / np.float32(y))


def prelu(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """PRelu -> QPrelu."""
    x, slope, y = node.input(0), node.input(1), node.output
    (s_x, z_x), (s_slope, z_slope), (s_y, z_y) = (tensor_scale(v) for v in (x, slope, y))
    rule = _rule(rounding, y)
    positive = make_requant([_float32_ratio(s_x, 1.0, s_y)], rule, z_y, bounds=[255])
    scale = _float32_ratio(s_x, s_slope, s_y)
    negative = make_requant([scale], rule, z_y, bounds=[255 * 255])
    graph.set_op(node, QPrelu(z_x, z_slope, positive, negative))
    return True


def squared_difference(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Binary squared_difference -> QSquaredDifference."""
    (s_a, z_a), (s_b, z_b), (s_y, z_y) = (
        tensor_scale(v) for v in (node.input(0), node.input(1), node.output)
    )
    twice = 2 * max(s_a, s_b)
    first, second = (
        Rescale(z, *quantize_multiplier(s / twice)) for s, z in ((s_a, z_a), (s_b, z_b))
    )
    scale = twice * twice / ((1 << 2 * DIFFERENCE_LEFT_SHIFT) * s_y)
    bound = (255 << DIFFERENCE_LEFT_SHIFT) ** 2
    rule = Rounding.SINGLE if rounding == "fast" else Rounding.DOUBLE
    requant = make_requant([scale], rule, z_y, bounds=[bound])
    graph.set_op(node, QSquaredDifference(first, second, requant, DIFFERENCE_LEFT_SHIFT))
    return True


def compare(graph: Graph, node: Node) -> bool:
    """Binary comparison -> QCompare."""
    op = node.op
    assert isinstance(op, Binary)
    operands = []
    for value in (node.input(0), node.input(1)):
        scale, zero_point = tensor_scale(value)
        multiplier, exponent = quantize_multiplier(scale)
        low, high = value.type.dtype.bounds
        if (high - low) << (COMPARE_LEFT_SHIFT + max(exponent, 0)) >= 2**31:
            raise Refused(f"'{value.name}' has scale {scale:.4g}, its comparison can leave int32")
        operands.append(Rescale(zero_point, multiplier, exponent))
    first, second = operands
    graph.set_op(node, QCompare(op.function, first, second, COMPARE_LEFT_SHIFT))
    return True


def extreme(graph: Graph, node: Node) -> bool:
    """Max and min stay as they are where the quantization is the same."""
    require_same_scale(node)
    op = node.op
    assert isinstance(op, Binary)
    choose = max if op.function == "max" else min
    (low_a, high_a), (low_b, high_b) = value_range(node.input(0)), value_range(node.input(1))
    set_range(graph, node.output, choose(low_a, low_b), choose(high_a, high_b))
    return False


def where(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Where stays as it is where the quantization is the same."""
    a, b, y = node.input(1), node.input(2), node.output
    for value in (a, b):
        if tensor_scale(value) != tensor_scale(y):
            what = f"'{value.name}' and '{y.name}' differ in scale or zero point"
            raise Refused(what, "equal quantization", "Quantize the float model with edgekit.")
    (low_a, high_a), (low_b, high_b) = value_range(a), value_range(b)
    set_range(graph, y, min(low_a, low_b), max(high_a, high_b))
    return False

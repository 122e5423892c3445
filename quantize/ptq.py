"""Post-training quantization: a float graph and calibration samples to a quantized graph.

Values that must share their quantization (pools, Pad, Reshape, Transpose, Concat, Clip: integer
operators without a rescaling of their own) form groups; a group represents the union of its
members' ranges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import ModelError, Problem
from edgekit.ir import DType, Graph, Node, Quant, TensorType, Value
from edgekit.ir.op import Op
from edgekit.ir.ops import (
    AvgPool2D,
    Binary,
    Clip,
    Concat,
    Expand,
    Gather,
    MaxPool2D,
    Pad,
    Quantize,
    Reshape,
    Slice,
    Softmax,
    Transpose,
    Unary,
    Where,
)
from edgekit.passes.fold_qdq import SOFTMAX_QUANT, bias_quant
from edgekit.passes.rewrite import derive, float_array
from quantize.calibrate import DEFAULT_PERCENTILE, value_ranges
from quantize.islands import LAYERS, elements, separate, why_float, with_number
from quantize.observers import Range
from quantize.schemes import (
    activation_quant,
    quantize_array,
    quantize_bias,
    weight_quant,
)

SHARES = (
    AvgPool2D, Clip, Concat, Expand, Gather, MaxPool2D, Pad, Reshape, Slice, Transpose, Where,
)  # fmt: skip
"""Operators whose output has the quantization of their inputs, beside `Binary` max and min."""

FIXED = {"sigmoid": SOFTMAX_QUANT, "tanh": Quant.per_tensor(1 / 128, 0)}
"""Functions whose whole range is known: their results' quantization, as TFLite has it."""


def quantize_graph(
    graph: Graph,
    calibration: Mapping[str, NDArray[Any]],
    *,
    observer: str = "minmax",
    percentile: float = DEFAULT_PERCENTILE,
) -> Graph:
    """Quantize a canonical float graph to int8.

    Args:
        graph: model-level float graph after `edgekit.passes.CANONICAL`; it is not changed.
        calibration: samples in the source model's layout: arrays named as its inputs (or ``x``).
        observer: ``minmax`` or ``percentile``.
        percentile: for the percentile observer.

    Returns:
        The quantized model-level graph: int8 values and weights, int32 biases. Operators without
        an int8 form stay in float32 between Dequantize and Quantize (`quantize.islands`). Inputs
        and outputs are int8 (but for those that only float operators read or write); their
        bindings still describe the float model.

    Raises:
        ModelError: the graph cannot be quantized at all.
        DataError: the calibration data do not fit.
    """
    check_quantizable(graph)
    ranges = value_ranges(graph, calibration, observer=observer, percentile=percentile)
    return quantize_ranges(graph, ranges)


def quantize_ranges(graph: Graph, ranges: Mapping[str, Range]) -> Graph:
    """Quantize a float graph whose values have known ranges.

    Args:
        graph: as for `quantize_graph`, and checked by `check_quantizable`.
        ranges: by name, of every value that is not a constant.

    Returns:
        As `quantize_graph`.
    """
    result = graph.copy()
    nodes = [node for node in result.nodes if not why_float(node)]
    values, known = separate(result, ranges)
    values += _detach_softmaxes(result, nodes, values, known)
    for value, quant in _choose(result, nodes, values, known):
        graph_type = replace(value.type, dtype=DType.INT8, quant=quant)
        result.set_type(value, graph_type)
    for node in nodes:
        if isinstance(node.op, LAYERS):
            _quantize_layer(result, node)
        else:
            _quantize_constants(result, node)
    return result


def check_quantizable(graph: Graph) -> None:
    """Refuse graphs that `quantize_graph` cannot quantize.

    Raises:
        ModelError: it has state, or no operator has an int8 form: all of them are named.
    """
    problems = [
        Problem("persistent state has no calibration yet", f"state '{s.state.name}'")
        for s in graph.states
    ]
    reasons = [(node, why_float(node)) for node in graph.nodes]
    if reasons and all(reason for _, reason in reasons):
        problems += [
            Problem(reason, f"{node.op.name} '{node.name}'", "", "Use --precision float32")
            for node, reason in reasons
        ]
    if problems:
        raise ModelError(f"'{graph.name}' cannot be quantized to int8", problems)


def shares(op: Op) -> bool:
    """True where the output has the quantization of the inputs."""
    return isinstance(op, SHARES) or (isinstance(op, Binary) and op.function in ("max", "min"))


def _choose(
    graph: Graph, nodes: Sequence[Node], values: Sequence[Value], ranges: Mapping[str, Range]
) -> list[tuple[Value, Quant]]:
    """Every value with its quantization, the same for all members of a group.

    Args:
        graph: the graph.
        nodes: those that become integer operators.
        values: those that become int8.
        ranges: by value name.
    """
    chosen: list[tuple[Value, Quant]] = []
    for group in _groups(nodes, values):
        quant = _group_quant(graph, group, ranges)
        chosen += [(value, quant) for value in group]
    return chosen


def _detach_softmaxes(
    graph: Graph, nodes: Sequence[Node], values: Sequence[Value], ranges: dict[str, Range]
) -> list[Value]:
    """Requantize probabilities that are joined with numbers outside [0, 1], because a softmax has
    one quantization only. Returns the new values; ``ranges`` learns theirs."""
    detached = []
    for group in _groups(nodes, values):
        total = _group_range(graph, group, ranges)
        low, high = _bounds(SOFTMAX_QUANT)
        for value in group:
            source = value.producer
            inside = low <= total.low and total.high <= high
            if source is None or not isinstance(source.op, Softmax) or inside:
                continue
            readers = [(user, i) for user, i in value.uses if shares(user.op)]
            first = min((user for user, _ in readers), key=graph.nodes.index)
            stem = f"{value.name}_joined"
            node = graph.add_node(
                Quantize(), [value], value.type, name=stem, outputs=(stem,), before=first
            )
            for user, index in readers:
                graph.set_input(user, index, node.output)
            ranges[node.output.name] = ranges[value.name]
            detached.append(node.output)
    return detached


def _groups(nodes: Sequence[Node], values: Sequence[Value]) -> list[list[Value]]:
    """The values, those together that share their quantization."""
    find = _union(nodes)
    members: dict[int, list[Value]] = {}
    for value in values:
        members.setdefault(find(value), []).append(value)
    return list(members.values())


def _union(nodes: Sequence[Node]) -> Callable[[Value], int]:
    """Union-find over the values that share their quantization."""
    parent: dict[int, int] = {}

    def find(value: Value) -> int:
        key = id(value)
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for node in nodes:
        if shares(node.op):
            for value in elements(node):
                if not value.is_constant:
                    parent[find(value)] = find(node.output)
    return find


def _group_range(graph: Graph, group: list[Value], ranges: Mapping[str, Range]) -> Range:
    total = Range(0.0, 0.0)
    for value in group:
        user = graph.sole_user(value)
        if user is None or not isinstance(user.op, Clip):
            total = total.union(ranges[value.name])  # else: what the Clip cuts off needs no codes
        total = total.union(_constants_range(value.producer))
    return total


def _group_quant(graph: Graph, group: list[Value], ranges: Mapping[str, Range]) -> Quant:
    total = _group_range(graph, group, ranges)
    nodes = [v.producer for v in group if v.producer is not None]
    fixed = {quant for n in nodes if (quant := _fixed(n.op)) is not None}
    low, high = _bounds(next(iter(fixed))) if len(fixed) == 1 else (0.0, 0.0)
    if len(fixed) == 1 and low <= total.low and total.high <= high:
        return fixed.pop()
    return activation_quant(total.low, total.high)


def _fixed(op: Op) -> Quant | None:
    if isinstance(op, Softmax):
        return SOFTMAX_QUANT
    return FIXED.get(op.function) if isinstance(op, Unary) else None


def _bounds(quant: Quant) -> tuple[float, float]:
    """The numbers that a quantization stands for, up to one step more."""
    scale, zero_point = quant.scale[0], quant.zero_point[0]
    return scale * (-128 - zero_point), scale * (128 - zero_point)


def _constants_range(node: Node | None) -> Range:
    """The range of what an operator without rescaling adds to its inputs."""
    total = Range(0.0, 0.0)
    if node is not None and shares(node.op):
        for value in elements(node):
            data = float_array(value)
            if data is not None:
                total = total.union(Range(float(data.min()), float(data.max())))
        if isinstance(node.op, Pad) and abs(node.op.value) < np.finfo(np.float32).max:
            total = total.union(Range(node.op.value, node.op.value))
    return total


def _quantize_layer(graph: Graph, node: Node) -> None:
    x, weights, bias = node.input(0).type.quant, node.input(1), node.optional_input(2)
    if x is None:
        raise ValueError(f"'{node.name}' reads an unquantized value")
    real = None if bias is None else bias.array
    quant = weight_quant(weights.array, real, x.scale[0])
    data = quantize_array(weights.array, quant, low=-127)
    type = TensorType(weights.type.shape, DType.INT8, weights.type.layout, quant)
    graph.set_input(node, 1, derive(graph, weights, data, type))
    if bias is not None and real is not None:
        scale = bias_quant(x, quant)
        type = TensorType(bias.type.shape, DType.INT32, "", scale)
        graph.set_input(node, 2, derive(graph, bias, quantize_bias(real, scale), type))


def _quantize_constants(graph: Graph, node: Node) -> None:
    """Constant operands get their own range, or the group's where quantization is shared; the
    number in a table's function stays real."""
    if with_number(node):
        return
    for index, value in enumerate(node.inputs):
        data = float_array(value)
        if data is None or value is None:
            continue
        shared = node.output.type.quant if shares(node.op) else None
        quant = shared or activation_quant(float(data.min()), float(data.max()))
        type = TensorType(value.type.shape, DType.INT8, value.type.layout, quant)
        graph.set_input(node, index, derive(graph, value, quantize_array(data, quant), type))

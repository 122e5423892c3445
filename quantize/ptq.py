"""Post-training quantization: a float graph and calibration samples to a quantized graph.

Values that must share their quantization (pools, Pad, Reshape, Transpose, Concat, Clip: integer
operators without a rescaling of their own) form groups; a group represents the union of its
members' ranges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import ModelError, Problem
from edgekit.ir import DType, Graph, Node, Quant, TensorType, Value
from edgekit.ir.ops import (
    Add,
    AvgPool2D,
    Clip,
    Concat,
    Conv2D,
    Dense,
    Expand,
    Gather,
    MaxPool2D,
    Mean,
    Pad,
    Reshape,
    Slice,
    Softmax,
    Sub,
    Transpose,
)
from edgekit.passes.fold_qdq import SOFTMAX_QUANT, bias_quant
from edgekit.passes.rewrite import derive, float_array
from quantize.calibrate import DEFAULT_PERCENTILE, value_ranges
from quantize.observers import Range
from quantize.schemes import (
    activation_quant,
    quantize_array,
    quantize_bias,
    weight_quant,
)

SHARES = (AvgPool2D, Clip, Concat, Expand, Gather, MaxPool2D, Pad, Reshape, Slice, Transpose)
"""Operators whose output has the quantization of their inputs."""
LAYERS = (Conv2D, Dense)
QUANTIZABLE = (*SHARES, *LAYERS, Add, Sub, Mean, Softmax)


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
        The quantized model-level graph: int8 values and weights, int32 biases. Inputs and outputs
        are int8; their bindings still describe the float model.

    Raises:
        ModelError: operators that cannot be quantized, all named; or the graph is not float.
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
    for value, quant in _choose(result, ranges):
        graph_type = replace(value.type, dtype=DType.INT8, quant=quant)
        result.set_type(value, graph_type)
    for node in result.nodes:
        if isinstance(node.op, LAYERS):
            _quantize_layer(result, node)
        else:
            _quantize_constants(result, node)
    return result


def check_quantizable(graph: Graph) -> None:
    """Refuse graphs that `quantize_graph` cannot quantize.

    Raises:
        ModelError: with every operator in the way.
    """
    problems = [
        Problem("persistent state has no calibration yet", f"state '{s.state.name}'")
        for s in graph.states
    ]
    hint = "Use --precision float32"
    for node in graph.nodes:
        where = f"{node.op.name} '{node.name}'"
        if not isinstance(node.op, QUANTIZABLE):
            problems.append(Problem("the operator has no int8 form", where, "", hint))
        elif isinstance(node.op, Gather) and not node.input(1).is_constant:
            problems.append(Problem("its indices are computed at run time", where, "", hint))
        elif any(v is not None and v.type.dtype is not DType.FLOAT32 for v in _elements(node)):
            problems.append(Problem("an operand is not float32", where, "float32"))
        elif isinstance(node.op, LAYERS) and float_array(node.input(1)) is None:
            problems.append(Problem("its weights are computed at run time", where, "", hint))
        elif isinstance(node.op, LAYERS) and _computed(node.optional_input(2)):
            problems.append(Problem("its bias is computed at run time", where, "", hint))
    if problems:
        raise ModelError(f"'{graph.name}' cannot be quantized to int8", problems)


def _elements(node: Node) -> tuple[Value | None, ...]:
    """The inputs that hold real numbers (indices do not)."""
    return node.inputs[:1] if isinstance(node.op, Gather) else node.inputs


def _computed(value: Value | None) -> bool:
    return value is not None and float_array(value) is None


def _choose(graph: Graph, ranges: Mapping[str, Range]) -> list[tuple[Value, Quant]]:
    """Every value with its quantization, the same for all members of a group."""
    find = _groups(graph)
    members: dict[int, list[Value]] = {}
    for value in [*graph.inputs, *(v for n in graph.nodes for v in n.outputs)]:
        members.setdefault(find(value), []).append(value)
    problems: list[Problem] = []
    chosen: list[tuple[Value, Quant]] = []
    for group in members.values():
        quant = _group_quant(graph, group, ranges, problems)
        chosen += [(value, quant) for value in group]
    if problems:
        raise ModelError(f"'{graph.name}' cannot be quantized to int8", problems)
    return chosen


def _groups(graph: Graph) -> Callable[[Value], int]:
    """Union-find over the values that share their quantization."""
    parent: dict[int, int] = {}

    def find(value: Value) -> int:
        key = id(value)
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for node in graph.nodes:
        if isinstance(node.op, SHARES):
            for value in node.inputs:
                if value is not None and not value.is_constant:
                    parent[find(value)] = find(node.output)
    return find


def _group_quant(
    graph: Graph, group: list[Value], ranges: Mapping[str, Range], problems: list[Problem]
) -> Quant:
    total = Range(0.0, 0.0)
    for value in group:
        user = graph.sole_user(value)
        if user is None or not isinstance(user.op, Clip):
            total = total.union(ranges[value.name])  # else: what the Clip cuts off needs no codes
        total = total.union(_constants_range(value.producer))
    fixed = [v for v in group if v.producer is not None and isinstance(v.producer.op, Softmax)]
    if not fixed:
        return activation_quant(total.low, total.high)
    if total.low < 0.0 or total.high > 1.0:
        what = "its probabilities are joined with values outside [0, 1]"
        problems.append(Problem(what, f"Softmax '{fixed[0].name}'"))
    return SOFTMAX_QUANT


def _constants_range(node: Node | None) -> Range:
    """The range of what an operator without rescaling adds to its inputs."""
    total = Range(0.0, 0.0)
    if node is not None and isinstance(node.op, SHARES):
        for value in node.inputs:
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
    """Constant operands of Add and Sub get their own range, those of Concat the group's."""
    for index, value in enumerate(node.inputs):
        data = float_array(value)
        if data is None or value is None:
            continue
        shared = node.output.type.quant if isinstance(node.op, SHARES) else None
        quant = shared or activation_quant(float(data.min()), float(data.max()))
        type = TensorType(value.type.shape, DType.INT8, value.type.layout, quant)
        graph.set_input(node, index, derive(graph, value, quantize_array(data, quant), type))

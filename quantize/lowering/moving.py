"""Rules for operators that move elements: they stay, quantization in equals quantization out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.ir import Graph, Node
from edgekit.ir.ops import Pad
from quantize.lowering.common import RoundingName, require_same_scale, set_range, value_range
from quantize.requantize import round_half_away


def keep(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Reshape, Transpose, Concat stay as they are where the quantization is the same."""
    require_same_scale(node)
    ranges = [value_range(v) for v in node.inputs if v is not None and not v.is_constant]
    if ranges:
        set_range(graph, node.output, min(r[0] for r in ranges), max(r[1] for r in ranges))
    return False


def pad(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Pad by a real value -> Pad by the integer that stands for it."""
    op = node.op
    assert isinstance(op, Pad)
    require_same_scale(node)
    quant = node.output.type.quant
    assert quant is not None
    # Bounded first: padding by infinity (for a maximum) would round to NaN.
    bounded = np.clip(np.float64(op.value) / quant.scale[0], -1e6, 1e6)
    stored = quant.zero_point[0] + round_half_away(bounded)
    value = int(np.clip(stored, *node.output.type.dtype.bounds))
    graph.set_op(node, replace(op, value=float(value)))
    low, high = value_range(node.input(0))
    set_range(graph, node.output, min(low, value), max(high, value))
    return True

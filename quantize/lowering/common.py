"""What the rules share: refusals, scales, clamps and known ranges."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from edgekit.ir import DType, Graph, Node, Quant, Value
from edgekit.ir.ops import Clamp, Rounding
from quantize.requantize import round_half_away

RoundingName = Literal["litert", "tflm", "onnx", "fast"]
FLOAT_HINT = "Convert the float model with --precision float32."
INT8 = DType.INT8.bounds
LAYOUT_HINT = "Run the layout passes first."


def scaling(rounding: RoundingName, node: Node) -> Rounding:
    """The rule by which a node's accumulator is scaled."""
    if rounding == "fast":
        return Rounding.HIGH
    # EVEN in C covers the outputs of int8.
    exact = rounding == "onnx" and node.output.type.dtype is DType.INT8
    return Rounding.EVEN if exact else Rounding.DOUBLE


class Refused(Exception):
    """A node has no integer form; says why, what would be allowed and what to do."""

    def __init__(self, what: str, allowed: str = "", hint: str = FLOAT_HINT) -> None:
        super().__init__(what)
        self.what, self.allowed, self.hint = what, allowed, hint


def tensor_scale(value: Value) -> tuple[float, int]:
    """Scale and zero point of a per-tensor quantized value.

    Raises:
        Refused: it has none.
    """
    quant = value.type.quant
    if quant is None or not quant.is_per_tensor:
        raise Refused(f"'{value.name}' has no per-tensor scale")
    return quant.scale[0], quant.zero_point[0]


def require_same_scale(node: Node) -> None:
    """Refuse a node whose inputs and output are not quantized alike."""
    out = tensor_scale(node.output)
    for value in node.inputs:
        if value is not None and tensor_scale(value) != out:
            what = f"'{value.name}' and '{node.output.name}' differ in scale or zero point"
            raise Refused(what, "equal quantization", "Quantize the float model with edgekit.")


def clamp_bounds(
    clamp: Clamp | None, quant: Quant, bounds: tuple[int, int] = INT8
) -> tuple[int, int]:
    """Bounds of a quantized result under a clamp of real values, inside its type's ``bounds``.

    As TFLite's ``CalculateActivationRangeQuantized``: float32 division, ties away from zero.
    """
    low, high = smallest, largest = bounds
    scale, zero_point = np.float32(quant.scale[0]), quant.zero_point[0]
    if clamp is not None and clamp.low is not None:
        low = max(low, zero_point + int(round_half_away(np.float32(clamp.low) / scale)))
    if clamp is not None and clamp.high is not None:
        high = min(high, zero_point + int(round_half_away(np.float32(clamp.high) / scale)))
    # A clamp outside the representable range leaves a single value.
    return min(low, largest), max(high, min(low, largest), smallest)


def output_bounds(node: Node, clamp: Clamp | None) -> tuple[int, int]:
    """`clamp_bounds` of a node's output."""
    quant = node.output.type.quant
    assert quant is not None
    return clamp_bounds(clamp, quant, node.output.type.dtype.bounds)


def set_range(graph: Graph, value: Value, low: int, high: int) -> None:
    """Record the integers that can occur, where they are fewer than the element type has."""
    known = None if (low, high) == value.type.dtype.bounds else (low, high)
    graph.set_type(value, replace(value.type, range=known))


def value_range(value: Value) -> tuple[int, int]:
    """Smallest and largest integer that can occur."""
    return value.type.range or value.type.dtype.bounds


def clipped(known: tuple[int, int], low: int, high: int) -> tuple[int, int]:
    """A known range after a clamp to [low, high]."""
    return min(max(known[0], low), high), min(max(known[1], low), high)

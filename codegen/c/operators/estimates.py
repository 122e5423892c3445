"""About what portable kernels of layers execute, to tell whether one in assembly pays.

Figures of gcc, fitted to layers that the emulated cores counted; exact ones are fitted
(`profiles.cost`) for the shapes and rounding rules that models have, these are for any.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from codegen.c.operators.integer import is_depthwise, repeats_of
from edgekit.ir import DType, Node
from edgekit.ir.graph import node_macs
from edgekit.ir.ops import QConv2D, QDense, Rounding

_CALL = 140
_SINGLE = 0.6
"""What a product costs more where a filter shares no loads with three others."""
_WINDOW = 2
"""Taps that take as much as to begin a window of int16."""


class Figures(NamedTuple):
    """Instructions of a portable kernel on one instruction set.

    Attributes:
        output: to begin and to requantize a sum.
        even: more for an output whose ties go to the even neighbour.
        product: of an input and a weight.
        tap: a position of a window that is looked at, whatever is multiplied there.
    """

    output: float
    even: float
    product: float
    tap: float

    def total(self, outputs: float, depth: float, taps: float, rule: Rounding) -> float:
        """Of a call: outputs of so many products each, and taps."""
        output = self.output + self.even * (rule is Rounding.EVEN) + self.product * depth
        return _CALL + output * outputs + self.tap * taps


class Estimates(NamedTuple):
    """Of the kernels of an instruction set.

    Attributes:
        layers: convolutions and dense layers of int8.
        nine: depthwise ones of 3x3 with a filter for each channel, whose products are written out.
        depthwise: others, a row of taps is as much as one more.
        others: filters that kernels in assembly leave out (`codegen.assembly.others`).
        wide, wide_depthwise: layers of int16, sums in 32 bits.
    """

    layers: Figures
    nine: Figures
    depthwise: Figures
    others: Figures
    wide: Figures
    wide_depthwise: Figures


ESTIMATES = {
    "armv6_m": Estimates(
        Figures(100, 70, 5.1, 58), Figures(162, 77, 0, 69), Figures(170, 76, 10.8, 60),
        Figures(237, 46, 10.6, 59), Figures(84, 0, 6.0, 92), Figures(45, 0, 6.9, 0),
    ),
    "armv7_m": Estimates(
        Figures(37, 36, 2.7, 35), Figures(81, 44, 0, 57), Figures(61, 43, 6.7, 51),
        Figures(140, 25, 5.1, 41), Figures(25, 0, 2.8, 76), Figures(18, 0, 3.4, 0),
    ),
    "armv7e_m": Estimates(
        Figures(36, 36, 2.7, 35), Figures(80, 48, 0, 57), Figures(59, 45, 6.7, 51),
        Figures(119, 47, 4.7, 40), Figures(23, 0, 2.8, 75), Figures(13, 0, 3.4, 0),
    ),
    "mve": Estimates(
        Figures(34, 25, 2.5, 34), Figures(81, 38, 0, 58), Figures(59, 33, 5.8, 48),
        Figures(113, 32, 3.9, 48), Figures(28, 0, 2.5, 76), Figures(13, 0, 3.4, 0),
    ),
    "rv32": Estimates(
        Figures(38, 32, 4.0, 23), Figures(116, 19, 0, 51), Figures(45, 33, 7.1, 57),
        Figures(119, 24, 5.2, 29), Figures(27, 0, 4.7, 66), Figures(16, 0, 3.9, 0),
    ),
}  # fmt: skip
"""By instruction set."""


def portable_instructions(node: Node, isa: str) -> float | None:
    """Of one run of a layer's portable kernel, about.

    None where nothing is known: other operators and types, weights with a zero point (several
    times as much).
    """
    op = node.op
    if not isinstance(op, QConv2D | QDense) or op.w_zero:
        return None
    known, filters = ESTIMATES[isa], node.output.type.shape[-1]
    pixels, taps = node.output.type.size // filters, math.prod(node.input(1).type.shape[1:-1])
    depth, rule = node_macs(node) / (pixels * filters), op.requant.rule
    fours, singles = divmod(filters, 4)
    by_fours = depth * (1 + _SINGLE * singles / filters)
    types = {node.input(0).type.dtype, node.output.type.dtype}
    if types == {DType.INT16} and is_depthwise(node):
        return known.wide_depthwise.total(pixels * filters, depth, 0, rule)
    if types == {DType.INT16}:
        windows = pixels * (fours + singles) * isinstance(op, QConv2D)
        return known.wide.total(pixels * filters, by_fours, windows * (taps + _WINDOW), rule)
    if types != {DType.INT8}:
        return None
    if is_depthwise(node):
        _, rows, columns, _ = node.input(1).type.shape
        is_nine = (rows, columns) == (3, 3) and repeats_of(node) == 1
        figures = known.nine if is_nine else known.depthwise
        return figures.total(pixels * filters, taps + rows, _cut(node) * taps, rule)
    if isinstance(op, QDense):
        return known.layers.total(pixels * filters, by_fours, 0, rule)
    copied = pixels * taps * (taps > 1)
    pixels, filters = pixels + pixels % 2, filters + filters % 2  # a last one is computed twice
    return known.layers.total(pixels * filters, depth, copied, rule)


def _cut(node: Node) -> int:
    """Pixels whose windows reach over the border."""
    op, x, y = node.op, node.input(0).type.shape, node.output.type.shape
    assert isinstance(op, QConv2D)
    pixels, whole, window = y[0] * y[1] * y[2], y[0], op.window
    for axis, kernel in enumerate(node.input(1).type.shape[1:3]):
        reach = (kernel - 1) * window.dilations[axis]
        first = range(0, y[1 + axis] * window.strides[axis], window.strides[axis])
        starts = (at - window.padding[axis] for at in first)
        whole *= sum(0 <= start < x[1 + axis] - reach for start in starts)
    return pixels - whole

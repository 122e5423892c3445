"""About what portable kernels of layers execute, to tell whether one in assembly pays.

Figures of gcc for Armv7E-M; exact ones are fitted (`profiles.cost`) for the shapes and rounding
rules that models have, these are for any.
"""

from __future__ import annotations

import math

from codegen.c.operators.integer import is_depthwise
from edgekit.ir import DType, Node
from edgekit.ir.graph import node_macs
from edgekit.ir.ops import QConv2D, QDense

_CALL, _OUTPUT, _PRODUCT, _COPIED_TAP = 150, 50, 3, 30
_DEPTHWISE = {DType.INT8: (30, 9), DType.INT16: (50, 3)}
"""An output, a product."""
SLOWER = {"armv6_m": 2.0, "rv32": 1.3}
"""What other instruction sets take of it, where that is more."""


def portable_instructions(node: Node) -> float | None:
    """Of one run of a layer's portable kernel; None for other operators, and for weights with a
    zero point, which take several times as much."""
    if not isinstance(node.op, QConv2D | QDense) or node.op.w_zero:
        return None
    outputs, products = node.output.type.size, node_macs(node)
    if is_depthwise(node):
        output, product = _DEPTHWISE[node.input(0).type.dtype]
        return _CALL + output * outputs + product * products
    _, *window, _ = node.input(1).type.shape
    taps = math.prod(window)
    copied = outputs // node.output.type.shape[-1] * taps if taps > 1 else 0
    return _CALL + _OUTPUT * outputs + _PRODUCT * products + _COPIED_TAP * copied

"""Kernels in assembly: what they say of their own instructions.

A variant counts its loops from a node's shapes and constants. A lowered node has both; for bare
shapes a stand-in gets weights of one (zeros may be skipped) and a requantization of the usual kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from codegen.c.choice import VARIANTS, kernels_for
from codegen.c.step import Variant
from edgekit.ir import DType, Node, TensorType, Value
from edgekit.ir.op import Op, Shape
from edgekit.ir.ops import QAdd, QConv2D, QDense, Requant, Rescale
from quantize.requantize import make_requant, quantize_multiplier
from targets.model import Core

VARIANT_ERROR = 0.05
"""Relative error of a variant's count that tests allow, as the median over their shapes."""
USUAL_SCALE = 2.0**-9
"""Of accumulators of 8-bit layers, about."""
ADD_SCALE = 2.0**-19
"""Of sums of two operands that were shifted left by 20 and halved."""


def node_variant(node: Node, core: Core) -> Variant | None:
    """The kernel in assembly that `convert` chooses for a lowered node; None for portable C."""
    found = kernels_for(core).find(node)
    return found if isinstance(found, Variant) else None


def shape_instructions(op: Op, shapes: Sequence[Shape], core: Core) -> int | None:
    """Instructions of the kernel in assembly for an integer operator of these shapes.

    Args:
        op: integer operator in NHWC; requantizations that are left open become usual ones.
        shapes: of its inputs; ``()`` for an absent one.
        core: where it runs.

    Returns:
        None where portable C computes it.
    """
    kernels = kernels_for(core)
    if type(op) not in VARIANTS.get(kernels.isa, {}):
        return None
    node = _stand_in(op, shapes)
    found = kernels.find(node)
    return found.instructions(node) if isinstance(found, Variant) else None


def _stand_in(op: Op, shapes: Sequence[Shape]) -> Node:
    layer = isinstance(op, QConv2D | QDense)
    inputs = tuple(_value(shape, i, layer and i > 0) for i, shape in enumerate(shapes))
    outputs = tuple(Value("", TensorType(s, DType.INT8)) for s in op.infer(shapes))
    return Node("", _usual(op), inputs, outputs)


def _value(shape: Shape, index: int, is_parameter: bool) -> Value | None:
    if not is_parameter:
        return Value("", TensorType(shape, DType.INT8))
    if not shape:
        return None
    if index == 1:
        return Value("", TensorType(shape, DType.INT8), np.ones(shape, np.int8))
    return Value("", TensorType(shape, DType.INT32), np.zeros(shape, np.int32))


def _usual(op: Op) -> Op:
    """The operator with everything filled in that was left open."""
    requant = getattr(op, "requant", None)
    if not isinstance(requant, Requant) or any(requant.multiplier):
        return op
    scale = ADD_SCALE if isinstance(op, QAdd) else USUAL_SCALE
    filled = make_requant([scale] * len(requant.multiplier), requant.rule, -128)
    if isinstance(op, QAdd):
        half = Rescale(0, *quantize_multiplier(0.5))
        return replace(op, requant=filled, first=half, second=half)
    return replace(op, requant=filled)  # type: ignore[call-arg]

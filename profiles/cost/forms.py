"""Model level to kernels: NHWC, and the integer operator that lowering would choose, its constants
left open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from edgekit.ir.op import Op, Shape
from edgekit.ir.ops import (
    Add,
    AvgPool2D,
    Clip,
    Conv2D,
    Dense,
    MaxPool2D,
    Mean,
    QAdd,
    QAvgPool2D,
    QClip,
    QConv2D,
    QDense,
    QMaxPool2D,
    QMean,
    QSoftmax,
    Requant,
    Rescale,
    Rounding,
    Softmax,
    Sub,
)

TO_NHWC = (0, 2, 3, 1)

_RULES = {
    "fast": (Rounding.HIGH, Rounding.HIGH, Rounding.SINGLE),
    "litert": (Rounding.DOUBLE, Rounding.FLOAT, Rounding.DOUBLE),
    "onnx": (Rounding.EVEN, Rounding.EVEN, Rounding.EVEN),
    "tflm": (Rounding.DOUBLE, Rounding.DOUBLE, Rounding.DOUBLE),
}
"""Rules of convolutions and means, of dense layers, of additions (see `quantize.lowering`)."""


def integer_form(op: Op, shapes: Sequence[Shape], rounding: str) -> tuple[Op, Sequence[Shape]]:
    """The integer operator in NHWC that a model-level one becomes; others come back as they are."""
    layer, dense, add = _RULES[rounding]
    op, shapes = channels_last(op, shapes)
    if isinstance(op, Conv2D):
        return QConv2D(_open(layer, shapes[1][0]), 0, op.window, op.groups), shapes
    if isinstance(op, Dense):
        return QDense(_open(dense, shapes[1][0])), shapes
    if isinstance(op, Add | Sub):
        return QAdd(Rescale(0, 0, 0), Rescale(0, 0, 0), _open(add)), shapes
    if isinstance(op, MaxPool2D):
        return QMaxPool2D(op.kernel, op.window), shapes
    if isinstance(op, AvgPool2D):
        return QAvgPool2D(op.kernel, op.window), shapes
    if isinstance(op, Mean):
        return QMean(_open(layer), 0, op.axes, op.keepdims), shapes
    if isinstance(op, Clip):
        return QClip(), shapes
    if isinstance(op, Softmax) and math.prod(shapes[0][op.axis + 1 :]) == 1:
        return QSoftmax(0, 0, 0), shapes
    return op, shapes


def _open(rule: Rounding, channels: int = 1) -> Requant:
    return Requant((0,) * channels, (0,) * channels, rule)


def channels_last(op: Op, shapes: Sequence[Shape]) -> tuple[Op, Sequence[Shape]]:
    """The operator with shapes in NHWC."""
    if not isinstance(op, Conv2D | MaxPool2D | AvgPool2D) or op.layout == "NHWC":
        return op, shapes
    moved = [tuple(s[i] for i in TO_NHWC) if len(s) == 4 else s for s in shapes]
    return replace(op, layout="NHWC"), moved

"""Operators. Model-level operators describe real arithmetic (their values may carry quantization);
integer operators (`edgekit.ir.ops.integer`) carry every constant of their exact arithmetic.

`OPS` maps names to classes: the one list of what the IR knows.
"""

from edgekit.ir.op import Op
from edgekit.ir.ops.dense import Dense, MatMul
from edgekit.ir.ops.elementwise import (
    RELU,
    RELU6,
    Add,
    BatchNorm,
    Clamp,
    Clip,
    Dequantize,
    Mul,
    Quantize,
    Softmax,
    Sub,
)
from edgekit.ir.ops.integer import (
    QAdd,
    QAvgPool2D,
    QClip,
    QConv2D,
    QDense,
    QMaxPool2D,
    QMean,
    QRescale,
    QSoftmax,
    Requant,
    Rescale,
    Rounding,
)
from edgekit.ir.ops.shaping import Concat, Pad, Reshape, Transpose
from edgekit.ir.ops.spatial import AvgPool2D, Conv2D, MaxPool2D, Mean, Window

OPS: dict[str, type[Op]] = {
    op.__name__: op
    for op in (
        Add, AvgPool2D, BatchNorm, Clip, Concat, Conv2D, Dense, Dequantize, MatMul, MaxPool2D,
        Mean, Mul, Pad, QAdd, QAvgPool2D, QClip, QConv2D, QDense, QMaxPool2D, QMean, QRescale,
        QSoftmax, Quantize, Reshape, Softmax, Sub, Transpose,
    )
}  # fmt: skip

__all__ = [
    "OPS",
    "RELU",
    "RELU6",
    "Add",
    "AvgPool2D",
    "BatchNorm",
    "Clamp",
    "Clip",
    "Concat",
    "Conv2D",
    "Dense",
    "Dequantize",
    "MatMul",
    "MaxPool2D",
    "Mean",
    "Mul",
    "Op",
    "Pad",
    "QAdd",
    "QAvgPool2D",
    "QClip",
    "QConv2D",
    "QDense",
    "QMaxPool2D",
    "QMean",
    "QRescale",
    "QSoftmax",
    "Quantize",
    "Requant",
    "Rescale",
    "Reshape",
    "Rounding",
    "Softmax",
    "Sub",
    "Transpose",
    "Window",
]

"""Operators. Model-level operators describe real arithmetic (their values may carry quantization);
integer operators (`edgekit.ir.ops.integer`) carry every constant of their exact arithmetic.

`OPS` maps names of classes to classes: the one list of what the IR knows.
"""

from edgekit.ir.op import Op
from edgekit.ir.ops.dense import Dense, Det, MatMul
from edgekit.ir.ops.detection import NonMaxSuppression
from edgekit.ir.ops.elementwise import (
    RELU,
    RELU6,
    Add,
    BatchNorm,
    Clamp,
    Clip,
    Dequantize,
    LogSoftmax,
    Mul,
    Pointwise,
    Quantize,
    Softmax,
    Sub,
)
from edgekit.ir.ops.indexing import (
    Gather,
    GatherElements,
    GatherND,
    ScatterElements,
    ScatterND,
)
from edgekit.ir.ops.integer import (
    QAdd,
    QAvgPool2D,
    QClip,
    QConv2D,
    QConvTranspose,
    QDense,
    QMatMul,
    QMaxPool2D,
    QMean,
    QRescale,
    QSoftmax,
    Requant,
    Rescale,
    Rounding,
)
from edgekit.ir.ops.integer_exact import QLookup, QMeanPool2D, QMul, QTableSoftmax
from edgekit.ir.ops.integer_lstm import QLstm
from edgekit.ir.ops.integer_pointwise import (
    QCompare,
    QLeakyRelu,
    QPrelu,
    QSigmoid,
    QSquaredDifference,
    QTanh,
)
from edgekit.ir.ops.integer_sampling import QResizeBilinear
from edgekit.ir.ops.integer_sum import ConvInteger, MatMulInteger
from edgekit.ir.ops.normalize import LocalResponseNorm, Normalize
from edgekit.ir.ops.pointwise import Binary, Cast, Copy, Unary, Where
from edgekit.ir.ops.recurrent import Activation, Recurrent
from edgekit.ir.ops.reducing import ArgReduce, Cumulate, Reduce, TopK
from edgekit.ir.ops.sampling import GridSample, Resample
from edgekit.ir.ops.shaping import Concat, Expand, Pad, Reshape, Slice, Transpose
from edgekit.ir.ops.spatial import AvgPool2D, Conv2D, MaxPool2D, Mean, Window
from edgekit.ir.ops.volume import (
    ConvNd,
    ConvTranspose,
    MaxPoolIndices,
    PoolNd,
    Span,
)

OPS: dict[str, type[Op]] = {
    op.__name__: op
    for op in (
        # element by element
        Add, Binary, Cast, Clip, Copy, Dequantize, Mul, Quantize, Sub, Unary, Where,
        # layers
        AvgPool2D, BatchNorm, Conv2D, Dense, Det, LogSoftmax, MatMul, MaxPool2D, Mean, Softmax,
        ConvNd, ConvTranspose, LocalResponseNorm, MaxPoolIndices, Normalize, PoolNd,
        Recurrent,
        # moving elements
        Concat, Expand, Gather, GatherElements, GatherND, Pad, Reshape, ScatterElements, ScatterND,
        Slice, Transpose,
        # combining and ranking elements
        ArgReduce, Cumulate, GridSample, NonMaxSuppression, Reduce, Resample, TopK,
        ArgReduce, Cumulate, GridSample, Reduce, Resample, TopK,
        ArgReduce, Cumulate, Reduce, Resample, TopK,
        # integer, element by element
        QCompare, QLeakyRelu, QPrelu, QSigmoid, QSquaredDifference, QTanh,
        # integer
        QAdd, QAvgPool2D, QClip, QConv2D, QConvTranspose, QDense, QLookup, QLstm, QMatMul,
        QMaxPool2D, QMean, QMeanPool2D, QMul, QRescale, QResizeBilinear, QSoftmax, QTableSoftmax,
        ConvInteger, MatMulInteger,
    )
}  # fmt: skip

__all__ = [
    "OPS",
    "RELU",
    "RELU6",
    "Activation",
    "Add",
    "ArgReduce",
    "AvgPool2D",
    "BatchNorm",
    "Binary",
    "Cast",
    "Clamp",
    "Clip",
    "Concat",
    "Conv2D",
    "ConvInteger",
    "ConvNd",
    "ConvTranspose",
    "Copy",
    "Cumulate",
    "Dense",
    "Dequantize",
    "Det",
    "Expand",
    "Gather",
    "GatherElements",
    "GatherND",
    "GridSample",
    "LocalResponseNorm",
    "LogSoftmax",
    "MatMul",
    "MatMulInteger",
    "MaxPool2D",
    "MaxPoolIndices",
    "Mean",
    "Mul",
    "NonMaxSuppression",
    "Normalize",
    "Op",
    "Pad",
    "Pointwise",
    "PoolNd",
    "QAdd",
    "QAvgPool2D",
    "QClip",
    "QCompare",
    "QConv2D",
    "QConvTranspose",
    "QDense",
    "QLeakyRelu",
    "QLookup",
    "QLstm",
    "QMatMul",
    "QMaxPool2D",
    "QMean",
    "QMeanPool2D",
    "QMul",
    "QPrelu",
    "QRescale",
    "QResizeBilinear",
    "QSigmoid",
    "QSoftmax",
    "QSquaredDifference",
    "QTableSoftmax",
    "QTanh",
    "Quantize",
    "Recurrent",
    "Reduce",
    "Requant",
    "Resample",
    "Rescale",
    "Reshape",
    "Rounding",
    "ScatterElements",
    "ScatterND",
    "Slice",
    "Softmax",
    "Span",
    "Sub",
    "TopK",
    "Transpose",
    "Unary",
    "Where",
    "Window",
]

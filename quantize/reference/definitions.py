"""The explicit table from operator classes to their numpy definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from edgekit.ir import ops
from edgekit.ir.ops import Op
from quantize.reference import (
    detection,
    indexing,
    integer,
    integer_exact,
    integer_pointwise,
    integer_sampling,
    integer_sum,
    lstm,
    normalize,
    pointwise,
    real,
    recurrent,
    reducing,
    sampling,
    shaping,
    volume,
)

Definition = Callable[..., NDArray[Any] | tuple[NDArray[Any], ...]]
"""``(op, node, *inputs) -> output``, a tuple where there are several; samples lie in axis 0."""

REAL: dict[type[Op], Definition] = {
    **normalize.DEFINITIONS,
    ops.AvgPool2D: real.avg_pool,
    ops.BatchNorm: real.batch_norm,
    ops.Conv2D: real.conv2d,
    ops.ConvNd: volume.conv,
    ops.ConvTranspose: volume.conv_transpose,
    ops.Dense: real.dense,
    ops.Det: real.det,
    ops.LogSoftmax: real.log_softmax,
    ops.MaxPool2D: real.max_pool,
    ops.Mean: real.mean,
    ops.Quantize: real.quantize,
    ops.Softmax: real.softmax,
}
"""Operators whose data inputs must be float32."""

PLAIN: tuple[type[Op], ...] = (ops.MatMul, ops.PoolNd, ops.Pointwise, ops.Recurrent)
"""Operators on real or integer tensors of any type, without quantization."""

DEFINITIONS: dict[type[Op], Definition] = {
    **REAL,
    **detection.DEFINITIONS,
    **indexing.DEFINITIONS,
    **lstm.DEFINITIONS,
    **integer_exact.DEFINITIONS,
    **integer_sampling.DEFINITIONS,
    **integer_sum.DEFINITIONS,
    **integer_pointwise.DEFINITIONS,
    **pointwise.DEFINITIONS,
    **recurrent.DEFINITIONS,
    **volume.DEFINITIONS,
    **reducing.DEFINITIONS,
    **sampling.DEFINITIONS,
    ops.Add: real.add,
    ops.Clip: real.clip,
    ops.Concat: shaping.concat,
    ops.Dequantize: real.dequantize,
    ops.MatMul: real.matmul,
    ops.Expand: shaping.expand,
    ops.Mul: real.mul,
    ops.Pad: shaping.pad,
    ops.QAdd: integer.qadd,
    ops.QAvgPool2D: integer.qavg_pool,
    ops.QClip: integer.qclip,
    ops.QConv2D: integer.qconv2d,
    ops.QConvTranspose: integer.qconv_transpose,
    ops.QDense: integer.qdense,
    ops.QMatMul: integer.qmatmul,
    ops.QMaxPool2D: integer.qmax_pool,
    ops.QMean: integer.qmean,
    ops.QRescale: integer.qrescale,
    ops.QSoftmax: integer.qsoftmax,
    ops.Reshape: shaping.reshape,
    ops.Slice: shaping.slice_,
    ops.Sub: real.sub,
    ops.Transpose: shaping.transpose,
}

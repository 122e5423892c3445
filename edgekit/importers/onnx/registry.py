"""ONNX operator -> handler: the one list of what is imported."""

from __future__ import annotations

from collections.abc import Callable

from edgekit.importers.onnx import (
    convolution,
    elementwise,
    linear,
    normalization,
    pooling,
    quantization,
    shaping,
    softmax,
)
from edgekit.importers.onnx.context import Call


def handler_of(domain: str, op_type: str) -> Callable[[Call], None] | None:
    """The handler of a node, or None; operators of other domains are listed as
    ``domain.OpType`` (plugins add them)."""
    return HANDLERS.get(op_type if domain in ("", "ai.onnx") else f"{domain}.{op_type}")


HANDLERS: dict[str, Callable[[Call], None]] = {
    "Abs": elementwise.unary,
    "Add": elementwise.add,
    "AveragePool": pooling.average_pool,
    "BatchNormalization": normalization.batch_normalization,
    "Cast": shaping.cast,
    "Clip": elementwise.clip,
    "Concat": shaping.concat,
    "Constant": shaping.constant,
    "Conv": convolution.conv,
    "ConvTranspose": convolution.conv_transpose,
    "DequantizeLinear": quantization.dequantize_linear,
    "Div": elementwise.binary,
    "Dropout": shaping.passthrough,
    "Equal": elementwise.binary,
    "Exp": elementwise.unary,
    "Flatten": shaping.flatten,
    "Gather": shaping.gather,
    "Gemm": linear.gemm,
    "GlobalAveragePool": pooling.global_average_pool,
    "GlobalLpPool": pooling.global_lp_pool,
    "GlobalMaxPool": pooling.global_max_pool,
    "Greater": elementwise.binary,
    "GroupNormalization": normalization.group_normalization,
    "Identity": shaping.passthrough,
    "InstanceNormalization": normalization.instance_normalization,
    "LRN": normalization.lrn,
    "LayerNormalization": normalization.layer_normalization,
    "Less": elementwise.binary,
    "Log": elementwise.unary,
    "LogSoftmax": softmax.softmax,
    "LpNormalization": normalization.lp_normalization,
    "LpPool": pooling.lp_pool,
    "MatMul": linear.matmul,
    "MaxPool": pooling.max_pool,
    "MeanVarianceNormalization": normalization.mean_variance_normalization,
    "Mul": elementwise.mul,
    "Neg": elementwise.unary,
    "Not": elementwise.unary,
    "Pad": shaping.pad,
    "QuantizeLinear": quantization.quantize_linear,
    "RMSNormalization": normalization.rms_normalization,
    "ReduceMean": elementwise.reduce_mean,
    "Relu": elementwise.relu,
    "Reshape": shaping.reshape,
    "Shape": shaping.shape,
    "Sigmoid": elementwise.unary,
    "Softmax": softmax.softmax,
    "Sqrt": elementwise.unary,
    "Squeeze": shaping.squeeze,
    "Sub": elementwise.sub,
    "Tanh": elementwise.unary,
    "Transpose": shaping.transpose,
    "Unsqueeze": shaping.unsqueeze,
    "Where": elementwise.where,
}

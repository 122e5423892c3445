"""ONNX operator -> handler: the one list of what is imported."""

from __future__ import annotations

from collections.abc import Callable

from edgekit.importers.onnx import convolution, elementwise, linear, quantization, shaping
from edgekit.importers.onnx.context import Call

HANDLERS: dict[str, Callable[[Call], None]] = {
    "Add": elementwise.add,
    "AveragePool": convolution.average_pool,
    "BatchNormalization": linear.batch_normalization,
    "Cast": shaping.cast,
    "Clip": elementwise.clip,
    "Concat": shaping.concat,
    "Constant": shaping.constant,
    "Conv": convolution.conv,
    "DequantizeLinear": quantization.dequantize_linear,
    "Dropout": shaping.passthrough,
    "Flatten": shaping.flatten,
    "Gather": shaping.gather,
    "Gemm": linear.gemm,
    "GlobalAveragePool": convolution.global_average_pool,
    "Identity": shaping.passthrough,
    "MatMul": linear.matmul,
    "MaxPool": convolution.max_pool,
    "Mul": elementwise.mul,
    "Pad": shaping.pad,
    "QuantizeLinear": quantization.quantize_linear,
    "ReduceMean": elementwise.reduce_mean,
    "Relu": elementwise.relu,
    "Reshape": shaping.reshape,
    "Shape": shaping.shape,
    "Softmax": elementwise.softmax,
    "Squeeze": shaping.squeeze,
    "Sub": elementwise.sub,
    "Transpose": shaping.transpose,
    "Unsqueeze": shaping.unsqueeze,
}

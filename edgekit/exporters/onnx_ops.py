"""One writer for each model-level operator: ONNX nodes for its real arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.errors import ModelError
from edgekit.ir import DType, Node, Value
from edgekit.ir.ops import (
    Add,
    AvgPool2D,
    Clamp,
    Clip,
    Concat,
    Conv2D,
    Dense,
    Dequantize,
    MatMul,
    MaxPool2D,
    Mean,
    Mul,
    Op,
    Pad,
    Quantize,
    Reshape,
    Softmax,
    Sub,
    Transpose,
    Window,
)
from edgekit.passes.fold_qdq import bias_quant
from edgekit.passes.rewrite import permute_type

if TYPE_CHECKING:
    from edgekit.exporters.onnx import Writer

TO_FIRST, TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def _stem(node: Node) -> str:
    value = node.output
    return value.origin[-1] if value.origin else value.name


def _finish(writer: Writer, node: Node, name: str, clamp: Clamp | None) -> None:
    writer.define(node.output, _clamped(writer, name, clamp, _stem(node)))


def _clamped(writer: Writer, name: str, clamp: Clamp | None, stem: str) -> str:
    if clamp is None or (clamp.low is None and clamp.high is None):
        return name
    if clamp.low == 0.0 and clamp.high is None:
        return writer.node("Relu", [name], stem)
    bounds = [
        "" if b is None else writer.array(np.asarray(b, np.float32), f"{stem}_{side}")
        for b, side in ((clamp.low, "min"), (clamp.high, "max"))
    ]
    return writer.node("Clip", [name, *bounds], stem)


def _window(window: Window) -> dict[str, Any]:
    return {"strides": list(window.strides), "pads": list(window.padding)}


def _first_layout(writer: Writer, value: Value, layout: str) -> str:
    """The real tensor of ``value`` in NCHW."""
    name = writer.real(value)
    if layout == "NCHW":
        return name
    return writer.node("Transpose", [name], f"{name}_nchw", perm=TO_FIRST)


def _spatial(writer: Writer, node: Node, name: str, layout: str, clamp: Clamp | None) -> None:
    """Clamp, quantize and turn the NCHW result of a spatial operator into the node's own layout.

    It is quantized before the Transpose too: runtimes look for the pair right behind the layer.
    """
    if layout == "NCHW":
        _finish(writer, node, name, clamp)
        return
    stem = f"{_stem(node)}_nchw"
    first = writer.paired(_clamped(writer, name, clamp, stem), node.output.type.quant)
    writer.define(node.output, writer.node("Transpose", [first], _stem(node), perm=TO_LAST))


def _weights(writer: Writer, value: Value, layout: str) -> str:
    if layout == "NCHW" or not value.is_constant:
        return _first_layout(writer, value, layout)
    type = permute_type(value.type, TO_FIRST)
    return writer.constant(value.array.transpose(TO_FIRST), type, value.name)


def _bias(writer: Writer, node: Node) -> list[str]:
    """The layer's bias, if it has one; TFLite does not say that its scale is the product."""
    value = node.optional_input(2)
    if value is None:
        return []
    type, x, weights = value.type, node.input(0).type.quant, node.input(1).type.quant
    if type.dtype is DType.INT32 and type.quant is None and x is not None and weights is not None:
        type = replace(type, quant=bias_quant(x, weights))
        return [writer.constant(value.array, type, value.name)]
    return [writer.real(value)]


def conv(writer: Writer, node: Node) -> None:
    """Conv2D -> Conv."""
    op = node.op
    assert isinstance(op, Conv2D)
    weights = node.input(1)
    kernel = op.kernel(weights.type.shape)
    inputs = [_first_layout(writer, node.input(0), op.layout)]
    inputs.append(_weights(writer, weights, op.layout))
    inputs += _bias(writer, node)
    name = writer.node(
        "Conv", inputs, f"{_stem(node)}_conv", kernel_shape=list(kernel), group=op.groups,
        dilations=list(op.window.dilations), **_window(op.window),
    )  # fmt: skip
    _spatial(writer, node, name, op.layout, op.clamp)


def pool(writer: Writer, node: Node) -> None:
    """MaxPool2D -> MaxPool, AvgPool2D -> AveragePool."""
    op = node.op
    assert isinstance(op, MaxPool2D | AvgPool2D)
    attributes = _window(op.window) | {"kernel_shape": list(op.kernel)}
    if isinstance(op, MaxPool2D):
        kind, attributes["dilations"] = "MaxPool", list(op.window.dilations)
    else:
        kind, attributes["count_include_pad"] = "AveragePool", int(op.include_pad)
        if op.window.dilations != (1, 1):
            raise ModelError(f"AvgPool2D '{node.name}': dilations cannot be written as ONNX")
    source = _first_layout(writer, node.input(0), op.layout)
    name = writer.node(kind, [source], f"{_stem(node)}_pool", **attributes)
    _spatial(writer, node, name, op.layout, op.clamp)


def dense(writer: Writer, node: Node) -> None:
    """Dense -> Gemm with transposed weights."""
    op = node.op
    assert isinstance(op, Dense)
    inputs = [writer.real(node.input(0)), writer.real(node.input(1)), *_bias(writer, node)]
    name = writer.node("Gemm", inputs, f"{_stem(node)}_gemm", transB=1)
    _finish(writer, node, name, op.clamp)


def binary(writer: Writer, node: Node) -> None:
    """Add, Sub, Mul, MatMul."""
    inputs = [writer.real(v) for v in node.inputs if v is not None]
    name = writer.node(node.op.name, inputs, f"{_stem(node)}_{node.op.name.lower()}")
    _finish(writer, node, name, getattr(node.op, "clamp", None))


def clip(writer: Writer, node: Node) -> None:
    """Clip -> Relu or Clip."""
    op = node.op
    assert isinstance(op, Clip)
    _finish(writer, node, writer.real(node.input(0)), op.clamp)


def mean(writer: Writer, node: Node) -> None:
    """Mean -> ReduceMean."""
    op = node.op
    assert isinstance(op, Mean)
    source = writer.real(node.input(0))
    name = writer.node(
        "ReduceMean", [source], _stem(node), axes=list(op.axes), keepdims=int(op.keepdims)
    )
    _finish(writer, node, name, None)


def softmax(writer: Writer, node: Node) -> None:
    """Softmax -> Softmax, after a Mul where beta is not 1."""
    op = node.op
    assert isinstance(op, Softmax)
    source = writer.real(node.input(0))
    if op.beta != 1.0:
        beta = writer.array(np.asarray(op.beta, np.float32), f"{_stem(node)}_beta")
        source = writer.node("Mul", [source, beta], f"{_stem(node)}_scaled")
    _finish(writer, node, writer.node("Softmax", [source], _stem(node), axis=op.axis), None)


def reshape(writer: Writer, node: Node) -> None:
    """Reshape -> Reshape."""
    op = node.op
    assert isinstance(op, Reshape)
    shape = writer.array(np.asarray(op.shape, np.int64), f"{_stem(node)}_shape")
    name = writer.node("Reshape", [writer.real(node.input(0)), shape], _stem(node))
    _finish(writer, node, name, None)


def transpose(writer: Writer, node: Node) -> None:
    """Transpose -> Transpose."""
    op = node.op
    assert isinstance(op, Transpose)
    source = writer.real(node.input(0))
    name = writer.node("Transpose", [source], _stem(node), perm=list(op.perm))
    _finish(writer, node, name, None)


def pad(writer: Writer, node: Node) -> None:
    """Pad -> Pad with a constant."""
    op = node.op
    assert isinstance(op, Pad)
    pads = writer.array(np.asarray((*op.before, *op.after), np.int64), f"{_stem(node)}_pads")
    value = writer.array(np.asarray(op.value, np.float32), f"{_stem(node)}_value")
    name = writer.node("Pad", [writer.real(node.input(0)), pads, value], _stem(node))
    _finish(writer, node, name, None)


def concat(writer: Writer, node: Node) -> None:
    """Concat -> Concat."""
    op = node.op
    assert isinstance(op, Concat)
    inputs = [writer.real(v) for v in node.inputs if v is not None]
    _finish(writer, node, writer.node("Concat", inputs, _stem(node), axis=op.axis), None)


def requantize(writer: Writer, node: Node) -> None:
    """Quantize and Dequantize: the real tensor goes on, quantized as the output says."""
    writer.define(node.output, writer.real(node.input(0)))


WRITERS: dict[type[Op], Callable[[Writer, Node], None]] = {
    Add: binary,
    AvgPool2D: pool,
    Clip: clip,
    Concat: concat,
    Conv2D: conv,
    Dense: dense,
    Dequantize: requantize,
    MatMul: binary,
    MaxPool2D: pool,
    Mean: mean,
    Mul: binary,
    Pad: pad,
    Quantize: requantize,
    Reshape: reshape,
    Softmax: softmax,
    Sub: binary,
    Transpose: transpose,
}
"""Operator -> writer: the one list of what can be exported."""

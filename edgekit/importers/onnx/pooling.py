"""Pools over one to three spatial axes, and the global ones."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edgekit.importers.onnx.axes import reshaped
from edgekit.importers.onnx.context import Call, Refusal
from edgekit.importers.onnx.convolution import (
    NCHW,
    as_image,
    emit_image,
    flat,
    geometry,
    numbers,
    pads_of,
)
from edgekit.ir import DType, Value
from edgekit.ir.op import Shape
from edgekit.ir.ops import (
    AvgPool2D,
    MaxPool2D,
    MaxPoolIndices,
    Mean,
    Pad,
    PoolNd,
    ScatterElements,
    Span,
)


def _span(call: Call, size: Shape) -> tuple[Shape, Span, Shape]:
    """Kernel, geometry, and what ``ceil_mode`` adds at the end of each axis."""
    kernel = numbers(call, "kernel_shape", len(size))
    span = geometry(call, size, kernel)
    if not call.attr_int("ceil_mode", 0):
        return kernel, span, (0,) * len(size)
    extra = []
    for n, k, s, d, before, after in zip(
        size, kernel, span.strides, span.dilations, span.before, span.after, strict=True
    ):
        free = n + before + after - (k - 1) * d - 1
        count = -(-free // s) + 1
        if (count - 1) * s >= n + before:
            count -= 1  # a window must not start in the padding at the end
        extra.append(max(0, (count - 1) * s - free))
    return kernel, span, tuple(extra)


def _extended(span: Span, extra: Shape) -> Span:
    return replace(span, after=tuple(a + e for a, e in zip(span.after, extra, strict=True)))


def _emit(call: Call, op: PoolNd, x: Value | None = None) -> None:
    """Emit a pool of ``x`` or the first input, by the 2-D operators where they can."""
    x = x or call.value(0)
    axes = len(op.kernel)
    faster = {"max": MaxPool2D, "mean": AvgPool2D}.get(op.function)
    small = axes <= 2 and x.type.dtype in (DType.FLOAT32, DType.INT8)
    if faster is None or not small:
        call.emit(op, [x])
        return
    kernel = (1, *op.kernel)[-2:]
    image = faster((kernel[0], kernel[1]), flat(op.span), NCHW)
    emit_image(call, image, [as_image(call, x)], axes)


def max_pool(call: Call) -> None:
    """``MaxPool``; its second output counts positions in the whole tensor."""
    size = call.rank(0, 3, 4, 5)[2:]
    kernel, span, extra = _span(call, size)
    span, column_major = _extended(span, extra), bool(call.attr_int("storage_order", 0))
    if len(call.output_names) > 1 and call.output_names[1]:
        op = MaxPoolIndices(kernel=kernel, span=span, column_major=column_major)
        call.emit_all(op, [call.value(0)])
    else:
        _emit(call, PoolNd(kernel=kernel, span=span))


def average_pool(call: Call) -> None:
    """``AveragePool``; counted padding becomes a Pad of its own, so that pools never count it."""
    size = call.rank(0, 3, 4, 5)[2:]
    kernel, span, extra = _span(call, size)
    x = call.value(0)
    if call.attr_int("count_include_pad", 0) and any((*span.before, *span.after)):
        pad = Pad((0, 0, *span.before), (0, 0, *span.after))
        x = call.add(pad, [x], f"{call.output_names[0]}_pad")
        none = (0,) * len(size)
        span = replace(span, before=none, after=none)
    _emit(call, PoolNd(function="mean", kernel=kernel, span=_extended(span, extra)), x)


def lp_pool(call: Call) -> None:
    """``LpPool``."""
    size = call.rank(0, 3, 4, 5)[2:]
    kernel, span, extra = _span(call, size)
    p = _exponent(call)
    _emit(call, PoolNd(function="lp", kernel=kernel, span=_extended(span, extra), p=p))


def _exponent(call: Call) -> int:
    p = call.attr_int("p", 2)
    if not 1 <= p <= 64:
        raise Refusal(f"p = {p}", "1 to 64")
    return p


def _everything(size: Shape, function: str, p: int = 2) -> PoolNd:
    """A pool with one window over the whole input."""
    none, one = (0,) * len(size), (1,) * len(size)
    return PoolNd(function=function, kernel=size, span=Span(one, none, none, one), p=p)


def global_average_pool(call: Call) -> None:
    """``GlobalAveragePool``: the mean over all axes after the channels."""
    shape = call.rank(0, 3, 4, 5)
    call.emit(Mean(tuple(range(2, len(shape))), True), [call.value(0)])


def global_max_pool(call: Call) -> None:
    """``GlobalMaxPool``: the maximum over all axes after the channels."""
    _emit(call, _everything(call.rank(0, 3, 4, 5)[2:], "max"))


def global_lp_pool(call: Call) -> None:
    """``GlobalLpPool``: the norm over all axes after the channels."""
    _emit(call, _everything(call.rank(0, 3, 4, 5)[2:], "lp", _exponent(call)))


def max_unpool(call: Call) -> None:
    """``MaxUnpool``: every maximum back at its index, zeros elsewhere."""
    x, out = call.value(0), call.output_names[0]
    shape = call.rank(0, 3, 4, 5)
    kernel = numbers(call, "kernel_shape", len(shape) - 2)
    strides = numbers(call, "strides", len(kernel))
    before, after = pads_of(call, len(kernel))
    size = tuple(
        (n - 1) * s - b - a + k
        for n, k, s, b, a in zip(shape[2:], kernel, strides, before, after, strict=True)
    )
    whole = (*shape[:2], *size)
    wanted = call.ints(2, "output_shape") if call.has(2) else whole
    if min(whole) < 1 or len(wanted) != len(whole) or any(map(int.__lt__, wanted, whole)):
        raise Refusal(f"output of shape {wanted}", f"at least {whole}")
    zeros = call.array(np.zeros(math.prod(whole), x.type.dtype.numpy), f"{out}_zeros")
    flat = [reshaped(call, v, (v.type.size,), f"{v.name}_flat") for v in (call.value(1), x)]
    y = call.add(ScatterElements(0), [zeros, *flat], f"{out}_flat")
    y = reshaped(call, y, whole, out if wanted == whole else f"{out}_unpooled")
    if wanted != whole:
        extra = tuple(w - n for w, n in zip(wanted, whole, strict=True))
        y = call.add(Pad((0,) * len(extra), extra), [y], out)
    call.result(y)

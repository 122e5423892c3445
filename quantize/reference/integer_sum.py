"""Definitions of the sums of products of 8-bit integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import ConvInteger, MatMulInteger, Op
from quantize.reference.real import TO_NCHW, TO_NHWC
from quantize.reference.windows import convolve, pad_spatial

Array = NDArray[Any]


def matmul_integer(
    op: MatMulInteger,
    node: Node,
    a: Array,
    b: Array,
    a_zero: Array | None = None,
    b_zero: Array | None = None,
) -> Array:
    """Products of centred matrices, modulo 2**32."""
    return np.asarray((_centred(a, a_zero) @ _centred(b, b_zero)).astype(np.int32))


def conv_integer(
    op: ConvInteger,
    node: Node,
    x: Array,
    weights: Array,
    x_zero: Array | None = None,
    w_zero: Array | None = None,
) -> Array:
    """Convolution of centred tensors, modulo 2**32; float64 holds every sum exactly."""
    filters = None if w_zero is None else w_zero.reshape(-1, 1, 1, 1)
    image = _centred(x, x_zero).transpose(TO_NHWC).astype(np.float64)
    kernel = _centred(weights, filters).transpose(TO_NHWC).astype(np.float64)
    out = convolve(pad_spatial(image, op.window, 0), kernel, op.window, op.groups)
    return np.ascontiguousarray(out.astype(np.int64).astype(np.int32).transpose(TO_NCHW))


def _centred(x: Array, zero: Array | None) -> Array:
    wide = x.astype(np.int64)
    return wide if zero is None else np.asarray(wide - zero.astype(np.int64))


DEFINITIONS: dict[type[Op], Callable[..., Array]] = {
    ConvInteger: conv_integer,
    MatMulInteger: matmul_integer,
}

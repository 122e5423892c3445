"""GridSample and AffineGrid."""

from __future__ import annotations

import math

import numpy as np

from edgekit.importers.onnx.axes import reshaped
from edgekit.importers.onnx.context import MAX_ELEMENTS, Call, Refusal
from edgekit.ir.ops import GridSample, MatMul, Reshape, Transpose
from edgekit.ir.ops.sampling import PADDINGS, TAPS


def grid_sample(call: Call) -> None:
    """``GridSample`` over two or three spatial axes."""
    mode = call.attr_str("mode", "linear")
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    padding = call.attr_str("padding_mode", "zeros")
    if mode not in TAPS or padding not in PADDINGS:
        raise Refusal(f"mode {mode}, padding_mode {padding}")
    op = GridSample(mode, padding, bool(call.attr_int("align_corners", 0)))
    call.emit(op, [call.value(0), call.value(1)])


def affine_grid(call: Call) -> None:
    """``AffineGrid``: a constant grid times the matrices of all samples."""
    theta, size = call.value(0), call.ints(1, "size")
    n, rows, columns = call.rank(0, 3)
    space, out = size[2:], call.output_names[0]
    if (n, rows, columns) != (size[0], len(space), len(space) + 1) or len(space) not in (2, 3):
        raise Refusal(f"matrices {theta.type.shape} for size {size}")
    if not 0 < math.prod(space) * (rows + 1) <= MAX_ELEMENTS:
        raise Refusal(f"size {size}", f"{MAX_ELEMENTS} elements")
    align = call.attr_int("align_corners", 0)
    steps = []
    for count in space:
        i = np.arange(count, dtype=np.float64)
        corner = -1 + 2 * i / max(count - 1, 1)
        steps.append(corner if align else (2 * i + 1) / count - 1)
    axes = np.meshgrid(*steps, indexing="ij")
    points = [a.reshape(-1) for a in axes[::-1]]
    base = np.stack([*points, np.ones_like(points[0])], 1).astype(theta.type.dtype.numpy)
    columns_of = call.add(
        Transpose((1, 0)), [reshaped(call, theta, (n * rows, columns), f"{out}_rows")], f"{out}_t"
    )
    grid = call.add(MatMul(), [call.array(base), columns_of], f"{out}_points")
    grid = call.add(Reshape((len(base), n, rows)), [grid], f"{out}_split")
    grid = call.add(Transpose((1, 0, 2)), [grid], f"{out}_samples")
    call.emit(Reshape((n, *space, rows)), [grid])

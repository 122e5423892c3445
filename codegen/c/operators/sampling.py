"""C for the operators that compute elements between those of a tensor."""

from __future__ import annotations

import math

import numpy as np

from codegen.c.operators.geometry import braces
from codegen.c.operators.integer import attributes
from codegen.c.step import Emitter, StepWriter
from edgekit.ir import DType
from edgekit.ir.ops import GridSample, Op, QResizeBilinear, Resample
from edgekit.ir.ops.sampling import PADDINGS, TAPS


def emit_resample(w: StepWriter) -> None:
    op = attributes(w, Resample)
    x, indices, weights = (w.node.input(i) for i in range(3))
    shape, (size, taps) = x.type.shape, indices.type.shape
    tables = w.table(indices.array.astype(np.int32), "index"), w.table(weights.array, "weight")
    w.call(
        "ek_resample_f32", math.prod(shape[: op.axis]), shape[op.axis], size,
        math.prod(shape[op.axis + 1 :]), taps, *tables, w.read(x), w.write(w.node.output),
    )  # fmt: skip


def emit_resize_bilinear(w: StepWriter) -> None:
    op = attributes(w, QResizeBilinear)
    x = w.node.input(0)
    batch, height, width, depth = x.type.shape
    w.kernels.append("ek_resize.h")
    tables = [
        w.table(np.array(op.taps(n, size), np.int32), name)
        for n, size, name in ((height, op.size[0], "rows"), (width, op.size[1], "columns"))
    ]
    w.macro(
        "EK_RESIZE", x.type.dtype.c_name, batch, height, width, *op.size, depth, *tables,
        w.read(x), w.write(w.node.output),
    )  # fmt: skip


def emit_grid_sample(w: StepWriter) -> None:
    op = attributes(w, GridSample)
    x, grid = w.node.input(0), w.node.input(1)
    batch, channels, *space = x.type.shape
    geometry = w.declare(
        "ek_grid", "geometry", batch=batch, channels=channels,
        points=math.prod(grid.type.shape[1:-1]), rank=len(space), taps=TAPS[op.mode],
        padding=PADDINGS.index(op.padding), align=int(op.align_corners),
        size=braces([*space, *[1] * (3 - len(space))]),
    )  # fmt: skip
    w.call("ek_grid_sample_f32", geometry, w.read(x), w.read(grid), w.write(w.node.output))


EMITTERS: dict[type[Op], Emitter] = {
    GridSample: Emitter(emit_grid_sample, types=(DType.FLOAT32,)),
    QResizeBilinear: Emitter(emit_resize_bilinear, types=(DType.INT8, DType.INT16)),
    Resample: Emitter(emit_resample, types=(DType.FLOAT32,)),
}

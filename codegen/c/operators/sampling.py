"""C for the operators that compute elements between those of a tensor."""

from __future__ import annotations

import math

import numpy as np

from codegen.c.operators.integer import attributes
from codegen.c.step import Emitter, StepWriter
from edgekit.ir import DType
from edgekit.ir.ops import Op, QResizeBilinear, Resample


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


EMITTERS: dict[type[Op], Emitter] = {
    QResizeBilinear: Emitter(emit_resize_bilinear, types=(DType.INT8, DType.INT16)),
    Resample: Emitter(emit_resample, types=(DType.FLOAT32,)),
}

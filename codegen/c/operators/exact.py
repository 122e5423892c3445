"""C for the integer operators that round the real result once."""

from __future__ import annotations

import math

import numpy as np

from codegen.c.operators import pointwise, wide
from codegen.c.operators.accumulators import declare_requant
from codegen.c.operators.geometry import declare_broadcast, declare_window
from codegen.c.operators.integer import attributes
from codegen.c.operators.overlap import by_element, by_window
from codegen.c.step import Emitter, StepWriter
from edgekit.ir import DType
from edgekit.ir.op import Op
from edgekit.ir.ops import QLookup, QMeanPool2D, QMul, QTableSoftmax

INT8 = (DType.INT8,)
LARGEST_PRODUCT = 255 * 255


def emit_lookup(w: StepWriter) -> None:
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    table = w.table(w.node.input(1).array, "table")
    w.call("ek_lookup_s8", w.node.output.type.size, table, x, y)


def emit_mul(w: StepWriter) -> None:
    op = attributes(w, QMul)
    if wide.is_wide(w):
        _emit_wide_mul(w, op)
        return
    geometry = declare_broadcast(w)
    q, rule = declare_requant(w, op.requant, np.array([LARGEST_PRODUCT]))
    a, b, y = w.read(w.node.input(0)), w.read(w.node.input(1)), w.write(w.node.output)
    w.call("ek_mul_s8", geometry, op.a_zero, op.b_zero, q, a, b, y, rule=rule)


def _emit_wide_mul(w: StepWriter, op: QMul) -> None:
    """int16: zero points are 0."""
    if not wide.refuse_product(w.node):
        w.call("ek_product_s16", *wide.declare_product(w))
        return
    q, rule = wide.declare_requant(w, op.requant)
    w.kernels.extend((pointwise.HEADER, "ek_requant_s16.h"))
    pointwise.emit_broadcast(w, "EK_MAP2", f"ek_requantize_s16(a * b, {q}, 0, EK_{rule.upper()})")


def emit_mean_pool(w: StepWriter) -> None:
    op = attributes(w, QMeanPool2D)
    window = declare_window(w, op.kernel, op.window)
    bound = 255 * np.arange(1, len(op.requant.multiplier) + 1)
    q, rule = declare_requant(w, op.requant, np.maximum(bound, 255 * math.prod(op.kernel)))
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call("ek_mean_pool_s8", window, op.x_zero, q, x, y, rule=rule)


def emit_table_softmax(w: StepWriter) -> None:
    op = attributes(w, QTableSoftmax)
    shape = w.node.output.type.shape
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    table = w.table(w.node.input(1).array, "table")
    rows = math.prod(shape[:-1])
    w.call(
        "ek_table_softmax_s8", rows, shape[-1], f"{op.factor}u", op.factor_bits, op.zero_point,
        table, x, y,
    )  # fmt: skip


EMITTERS: dict[type[Op], Emitter] = {
    QLookup: Emitter(emit_lookup, types=INT8, overlap=by_element),
    QMeanPool2D: Emitter(emit_mean_pool, types=INT8, overlap=by_window),
    QMul: Emitter(emit_mul, types=(DType.INT8, DType.INT16), overlap=by_element),
    QTableSoftmax: Emitter(emit_table_softmax, types=INT8, overlap=by_element),
}

"""C for matrix products and the functions along an axis."""

from __future__ import annotations

import math

import numpy as np

from codegen.c.operators.accumulators import declare_requant
from codegen.c.operators.geometry import braces
from codegen.c.operators.integer import attributes
from codegen.c.operators.overlap import by_element
from codegen.c.step import Emitter, StepWriter
from edgekit.errors import ModelError, Problem
from edgekit.ir import DType, Node
from edgekit.ir.op import Op, Shape
from edgekit.ir.ops import Det, LogSoftmax, MatMul, QMatMul

REAL = (DType.FLOAT32,)
STACK_AXES = 4
"""Leading axes of a matrix product in C."""


def declare_matmul(w: StepWriter) -> str:
    """Declare the step's ``ek_matmul`` and return a pointer to it.

    Raises:
        ModelError: too many leading axes.
    """
    a, b, y = w.node.input(0), w.node.input(1), w.node.output
    stack = y.type.shape[:-2]
    if len(stack) > STACK_AXES:
        where = f"{w.node.op.name} '{w.node.name}'"
        problem = Problem(f"{len(y.type.shape)} axes", where, f"up to {STACK_AXES + 2}")
        raise ModelError("too many axes", [problem])
    return w.declare(
        "ek_matmul", "geometry",
        stack=braces([*[1] * (STACK_AXES - len(stack)), *stack]),
        a_step=braces(_steps(a.type.shape)), b_step=braces(_steps(b.type.shape)),
        rows=a.type.shape[-2], depth=a.type.shape[-1], columns=b.type.shape[-1],
    )  # fmt: skip


def emit_matmul(w: StepWriter) -> None:
    a, b, y = w.node.input(0), w.node.input(1), w.node.output
    geometry = declare_matmul(w)
    w.kernels.append("ek_matmul.h")
    dtype = y.type.dtype
    total = dtype.c_name if dtype.is_float else f"uint{max(32, 8 * dtype.itemsize)}_t"
    w.macro("EK_MATMUL", dtype.c_name, total, geometry, w.read(a), w.read(b), w.write(y))


def emit_qmatmul(w: StepWriter) -> None:
    op = attributes(w, QMatMul)
    a, b, y = w.node.input(0), w.node.input(1), w.node.output
    geometry = declare_matmul(w)
    bound = np.array([255 * 255 * a.type.shape[-1]])
    q, rule = declare_requant(w, op.requant, bound)
    w.call(
        "ek_matmul_s8", geometry, q, op.a_zero, op.b_zero, w.read(a), w.read(b), w.write(y),
        rule=rule,
    )  # fmt: skip


def _steps(shape: Shape) -> list[int]:
    """Distance in elements between neighbouring matrices along each leading axis."""
    steps = [math.prod(shape[i + 1 :]) if n > 1 else 0 for i, n in enumerate(shape[:-2])]
    return [0] * (STACK_AXES - len(steps)) + steps


def emit_log_softmax(w: StepWriter) -> None:
    op = attributes(w, LogSoftmax)
    shape = w.node.output.type.shape
    if math.prod(shape[op.axis + 1 :]) != 1:
        problem = Problem(f"axis {op.axis} of shape {shape}", w.node.name, "the last axis")
        raise ModelError("unsupported log-softmax", [problem])
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    w.call("ek_log_softmax_f32", math.prod(shape[: op.axis]), shape[op.axis], x, y)


def emit_det(w: StepWriter) -> None:
    x = w.node.input(0)
    n = x.type.shape[-1]
    target = w.write(w.node.output)
    w.call("ek_det_f32", x.type.size // (n * n), n, w.read(x), target, f"(float *){w.scratch()}")


def det_scratch(node: Node) -> int:
    """A copy of one matrix, which elimination turns into a triangle."""
    n = node.input(0).type.shape[-1]
    return 4 * n * n


EMITTERS: dict[type[Op], Emitter] = {
    Det: Emitter(emit_det, det_scratch, types=REAL),
    LogSoftmax: Emitter(emit_log_softmax, types=REAL, overlap=by_element),
    MatMul: Emitter(emit_matmul),
    QMatMul: Emitter(emit_qmatmul, types=(DType.INT8,)),
}

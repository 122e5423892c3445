"""C for the normalisations, in float32."""

from __future__ import annotations

import math

from codegen.c.literals import float_literal
from codegen.c.operators.integer import attributes
from codegen.c.operators.overlap import by_element
from codegen.c.step import Emitter, StepWriter
from edgekit.ir import DType
from edgekit.ir.op import Op
from edgekit.ir.ops import BatchNorm, LocalResponseNorm, Normalize
from edgekit.ir.ops.normalize import NORMS

REAL = (DType.FLOAT32,)


def _around(w: StepWriter, axis: int) -> tuple[int, int, int]:
    """The input's shape as (outer, axis, inner)."""
    shape = w.node.input(0).type.shape
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def emit_normalize(w: StepWriter) -> None:
    op = attributes(w, Normalize)
    shape = w.node.input(0).type.shape
    given = [w.node.optional_input(i) for i in (1, 2)]
    terms = ["NULL" if v is None else w.read(v) for v in given]
    statistics = [w.write(v) for v in w.node.outputs[1:]] or ["NULL", "NULL"]
    w.call(
        "ek_normalize_f32", NORMS.index(op.function), math.prod(shape[: op.axis]),
        math.prod(shape[op.axis :]), float_literal(op.epsilon), w.read(w.node.input(0)), *terms,
        w.write(w.node.output), *statistics,
    )  # fmt: skip


def emit_local_response_norm(w: StepWriter) -> None:
    op = attributes(w, LocalResponseNorm)
    factors = [float_literal(v) for v in (op.alpha, op.beta, op.bias)]
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    w.call("ek_lrn_f32", *_around(w, op.axis), op.before, op.after, *factors, x, y)


def emit_batch_norm(w: StepWriter) -> None:
    op = attributes(w, BatchNorm)
    inputs = [w.read(w.node.input(i)) for i in range(5)]
    epsilon = float_literal(op.epsilon)
    w.call("ek_batch_norm_f32", *_around(w, op.axis), epsilon, *inputs, w.write(w.node.output))


EMITTERS: dict[type[Op], Emitter] = {
    BatchNorm: Emitter(emit_batch_norm, types=REAL),
    LocalResponseNorm: Emitter(emit_local_response_norm, types=REAL),
    Normalize: Emitter(emit_normalize, types=REAL, overlap=by_element),
}

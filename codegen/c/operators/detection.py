"""C for the operators behind detectors."""

from __future__ import annotations

from codegen.c.operators.integer import attributes
from codegen.c.step import Emitter, StepWriter
from edgekit.ir import DType
from edgekit.ir.ops import NonMaxSuppression, Op


def emit_non_max_suppression(w: StepWriter) -> None:
    op = attributes(w, NonMaxSuppression)
    boxes, scores = w.node.input(0), w.node.input(1)
    batch, classes, count = scores.type.shape
    geometry = w.declare(
        "ek_nms", "geometry", batch=batch, classes=classes, count=count, maximum=op.maximum,
        rows=w.node.output.type.shape[0], center=int(op.center),
    )  # fmt: skip
    numbers = [
        default if (value := w.node.optional_input(i)) is None else f"*{w.read(value)}"
        for i, default in ((2, "0.0f"), (3, "-EK_INFINITY"))
    ]
    places = w.read(boxes), w.read(scores), w.write(w.node.output)
    w.call("ek_nms_f32", geometry, *numbers, *places)


EMITTERS: dict[type[Op], Emitter] = {
    NonMaxSuppression: Emitter(emit_non_max_suppression, types=(DType.FLOAT32,)),
}

"""NonMaxSuppression."""

from __future__ import annotations

from edgekit.importers.onnx.context import Call
from edgekit.ir.ops import NonMaxSuppression


def non_max_suppression(call: Call) -> None:
    """``NonMaxSuppression``: a fixed number of rows, those that are not needed hold -1."""
    maximum = int(call.scalar(2, "max_output_boxes_per_class")) if call.has(2) else 0
    op = NonMaxSuppression(maximum, bool(call.attr_int("center_point_box", 0)))
    values = [call.value(0), call.value(1), call.optional(3), call.optional(4)]
    call.emit(op, values)

"""Softmax and its relatives: functions along one axis."""

from __future__ import annotations

import math
from collections.abc import Callable

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir.ops import LogSoftmax, Op, Reshape, Softmax, Transpose

_OPS: dict[str, Callable[[int], Op]] = {"LogSoftmax": LogSoftmax, "Softmax": Softmax}


def softmax(call: Call) -> None:
    """Over one axis; before opset 13 over all axes from ``axis`` on."""
    along_axis(call, _OPS[call.op_type])


def along_axis(call: Call, make: Callable[[int], Op]) -> None:
    """Emit an operator that works along the last axis of what the node reads.

    Args:
        call: a node with attribute ``axis`` in the forms before and since opset 13.
        make: the operator for a given last axis.
    """
    x = call.value(0)
    shape, out = x.type.shape, call.output_names[0]
    rank = len(shape)
    axis = call.attr_int("axis", -1 if call.opset >= 13 else 1)
    if not -rank <= axis < rank:
        raise Refusal(f"axis {axis} for shape {shape}")
    axis %= rank
    if axis == rank - 1:
        call.emit(make(axis), [x])
    elif call.opset < 13:
        flat = (math.prod(shape[:axis]), math.prod(shape[axis:]))
        x = call.add(Reshape(flat), [x], f"{out}_flat")
        call.emit(Reshape(shape), [call.add(make(1), [x], f"{out}_rows")])
    else:
        back = [*range(axis), rank - 1, *range(axis, rank - 1)]
        order = [i for i in range(rank) if i != axis] + [axis]
        x = call.add(Transpose(tuple(order)), [x], f"{out}_turned")
        call.emit(Transpose(tuple(back)), [call.add(make(rank - 1), [x], f"{out}_rows")])

"""What operator set 6 says otherwise than later ones: broadcasting by attributes."""

from __future__ import annotations

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir.ops import Reshape

_BROADCASTING = {"Add", "And", "Div", "Equal", "Greater", "Less", "Mul", "Or", "Pow", "Sub", "Xor"}
_TRAINING = ("consumed_inputs", "is_test")


def align(call: Call) -> None:
    """Let a node of operator set 6 read its second input in the shape that numpy broadcasts.

    ``broadcast = 1`` lays the second input over the axes of the first from ``axis`` on, or over
    the last ones where ``axis`` is absent.

    Raises:
        Refusal: it does not fit.
    """
    if call.opset >= 7:
        return
    call.ignore(*_TRAINING)
    if call.op_type not in _BROADCASTING:
        return
    axis = call.attr_int("axis", -1)
    if not call.attr_int("broadcast", 0) or axis < 0:
        return
    first, second = call.value(0).type.shape, call.value(1)
    behind = len(first) - axis - len(second.type.shape)
    if behind < 0:
        raise Refusal(f"shape {second.type.shape} from axis {axis} of {first}")
    shape = (*second.type.shape, *(1,) * behind)
    name = f"{call.input_names[1]}_aligned"
    call.context.values[name] = call.add(Reshape(shape), [second], name)
    call.input_names[1] = name

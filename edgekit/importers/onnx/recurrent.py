"""RNN, GRU and LSTM."""

from __future__ import annotations

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir import DType, Value
from edgekit.ir.ops import Activation, Cast, Recurrent, Transpose
from edgekit.ir.ops.recurrent import ACTIVATIONS, DEFAULTS

_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
_TAKES = {
    "affine": 2, "elu": 1, "hard_sigmoid": 2, "leaky_relu": 1, "scaled_tanh": 2,
    "thresholded_relu": 1,
}  # fmt: skip
"""Activation -> how many of alpha and beta the model gives for it."""
_NAMES = {name.replace("_", ""): name for name in ACTIVATIONS}


def recurrent(call: Call) -> None:
    """Any direction, activations, clipping, lengths, initial state, and both layouts."""
    cell = call.op_type.lower()
    direction = call.attr_str("direction", "forward")
    if direction not in _DIRECTIONS:
        raise Refusal(f"direction {direction}", ", ".join(_DIRECTIONS))
    clip = call.attr_float("clip", 0.0) if "clip" in call.attributes else None
    hidden = call.rank(2, 3)[2]
    if call.attr_int("hidden_size", hidden) != hidden:
        raise Refusal(f"hidden_size does not fit recurrent weights with {hidden} columns")
    op = Recurrent(
        cell, _DIRECTIONS[direction], _activations(call, cell, len(_DIRECTIONS[direction])), clip,
        reset_after=cell == "gru" and bool(call.attr_int("linear_before_reset", 0)),
        couple=cell == "lstm" and bool(call.attr_int("input_forget", 0)),
    )  # fmt: skip
    call.ignore("output_sequence")  # of operator sets before 7
    _emit(call, op, bool(call.attr_int("layout", 0)))


def _activations(call: Call, cell: str, directions: int) -> tuple[Activation, ...]:
    raw = call.attr_raw("activations")
    names = [v.decode() if isinstance(v, bytes) else str(v) for v in raw or ()]
    chosen = [n.lower() for n in names] or [n.replace("_", "") for n in DEFAULTS[cell]] * directions
    parameters = [list(call.attr_raw(f"activation_{p}") or ()) for p in ("alpha", "beta")]
    unknown = [n for n in chosen if n not in _NAMES]
    if unknown or len(chosen) != len(DEFAULTS[cell]) * directions:
        wanted = f"{len(DEFAULTS[cell]) * directions} of {', '.join(_NAMES)}"
        raise Refusal(f"activations {', '.join(chosen)}", wanted)
    result = []
    for short in chosen:
        name = _NAMES[short]
        pair = list(ACTIVATIONS[name])
        for i in range(_TAKES.get(name, 0)):  # consumed in the order of the functions
            if parameters[i]:
                pair[i] = float(parameters[i].pop(0))
        result.append(Activation(name, pair[0], pair[1]))
    return tuple(result)


def _emit(call: Call, op: Recurrent, batch_first: bool) -> None:
    inputs = [call.optional(i) for i in range(8)]
    lengths, out = inputs[4], call.output_names[0] or call.name
    if lengths is not None and lengths.type.dtype is not DType.INT32:
        inputs[4] = call.add(Cast(DType.INT32), [lengths], f"{out}_lengths")
    if batch_first:
        for i in (0, 5, 6):
            value = inputs[i]
            if value is not None:
                inputs[i] = call.add(Transpose((1, 0, 2)), [value], f"{value.name}_time")
    while inputs[-1] is None:
        inputs.pop()
    names = [*call.output_names, "", ""][: 3 if op.cell == "lstm" else 2]
    stems = [name or f"{call.name}_{i}" for i, name in enumerate(names)]
    found = call.add_all(op, inputs, [f"{s}_time" for s in stems] if batch_first else stems)
    for index, (value, name) in enumerate(zip(found, names, strict=True)):
        if name:
            call.result(_batch_first(call, value, name) if batch_first else value, index)


def _batch_first(call: Call, value: Value, stem: str) -> Value:
    order = (2, 0, 1, 3) if len(value.type.shape) == 4 else (1, 0, 2)
    return call.add(Transpose(order), [value], stem)

"""C for the integer LSTM."""

from __future__ import annotations

import numpy as np

from codegen.c.operators.integer import attributes
from codegen.c.step import Emitter, StepWriter
from edgekit.ir.op import Op
from edgekit.ir.ops import QLstm, Requant

UNITS = 32
"""Whose sums are kept at once: ``EK_LSTM_UNITS``."""


def emit_lstm(w: StepWriter) -> None:
    """All steps of the layer in one call."""
    shape, rule = declare_shape(w)
    x, weights, again, bias_x, bias_h, h, c = (w.node.input(i) for i in range(7))
    constants = [
        w.weights(weights.array, "weights"), w.weights(again.array, "again"),
        w.table(bias_x.array, "bias_x"), w.table(bias_h.array, "bias_h"),
    ]  # fmt: skip
    outputs = [w.write(value) for value in w.node.outputs]
    w.call("ek_lstm_s8", shape, w.read(x), *constants, w.read(h), w.read(c), *outputs, rule=rule)


def declare_shape(w: StepWriter) -> tuple[str, str]:
    """Declare the step's ``ek_lstm_shape``; returns a pointer to it and the rule's name in C."""
    op = attributes(w, QLstm)
    batch, steps, depth = w.node.input(0).type.shape
    scales = {"from_x": op.from_x, "from_h": op.from_h, "hidden": op.hidden}
    pointers = {name: _declare(w, name, requant) for name, requant in scales.items()}
    pointer = w.declare(
        "ek_lstm_shape", "geometry", batch=batch, steps=steps, depth=depth,
        units=w.node.input(5).type.shape[1], cell_bits=op.cell_bits, cell_clip=op.cell_clip,
        **pointers,
    )  # fmt: skip
    right = all(max(requant.shift) < 0 for requant in scales.values())
    return pointer, "right" if right else "double"


def _declare(w: StepWriter, name: str, requant: Requant) -> str:
    """Declare an ``ek_requant`` with rule DOUBLE; returns a pointer to it."""
    return w.declare(
        "ek_requant", name,
        multiplier=w.table(np.array(requant.multiplier, np.int32), f"{name}_multiplier"),
        shift=w.table(np.array(requant.shift, np.int8), f"{name}_shift"),
        scale="NULL", step=0 if len(requant.multiplier) == 1 else 1,
        zero_point=requant.zero_point, low=requant.low, high=requant.high,
    )  # fmt: skip


EMITTERS: dict[type[Op], Emitter] = {QLstm: Emitter(emit_lstm)}

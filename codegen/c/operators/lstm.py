"""C for the integer LSTM."""

from __future__ import annotations

import numpy as np

from codegen.c.step import Emitter, StepWriter
from edgekit.ir import Node
from edgekit.ir.op import Op
from edgekit.ir.ops import QLstm, Requant
from edgekit.ir.ops.integer_lstm import GATES

GATE_BYTES = 2


def emit_lstm(w: StepWriter) -> None:
    """All steps of the layer in one call."""
    op = w.node.op
    assert isinstance(op, QLstm)
    x, weights, again, bias_x, bias_h, h, c = (w.node.input(i) for i in range(7))
    batch, steps, depth = x.type.shape
    geometry = w.declare(
        "ek_lstm_shape", "geometry", batch=batch, steps=steps, depth=depth, units=h.type.shape[1],
        cell_bits=op.cell_bits, cell_clip=op.cell_clip,
    )  # fmt: skip
    scales = [
        _declare(w, "from_x", op.from_x), _declare(w, "from_h", op.from_h),
        _declare(w, "hidden", op.hidden),
    ]  # fmt: skip
    constants = [
        w.weights(weights.array, "weights"), w.weights(again.array, "again"),
        w.table(bias_x.array, "bias_x"), w.table(bias_h.array, "bias_h"),
    ]  # fmt: skip
    outputs = [w.write(value) for value in w.node.outputs]
    w.call(
        "ek_lstm_s8", geometry, *scales, w.read(x), *constants, w.read(h), w.read(c), *outputs,
        f"(int16_t *)(void *){w.scratch()}",
    )  # fmt: skip


def scratch(node: Node) -> int:
    """Gates of one step."""
    return GATES * node.input(5).type.shape[1] * GATE_BYTES


def _declare(w: StepWriter, name: str, requant: Requant) -> str:
    """Declare an ``ek_requant`` with rule DOUBLE; returns a pointer to it."""
    return w.declare(
        "ek_requant", name,
        multiplier=w.table(np.array(requant.multiplier, np.int32), f"{name}_multiplier"),
        shift=w.table(np.array(requant.shift, np.int8), f"{name}_shift"),
        scale="NULL", step=0 if len(requant.multiplier) == 1 else 1,
        zero_point=requant.zero_point, low=requant.low, high=requant.high,
    )  # fmt: skip


EMITTERS: dict[type[Op], Emitter] = {QLstm: Emitter(emit_lstm, scratch)}

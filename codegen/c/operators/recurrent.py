"""C for the recurrent layers: one call for each direction."""

from __future__ import annotations

import math

from codegen.c.literals import float_literal
from codegen.c.operators.integer import attributes
from codegen.c.step import Emitter, StepWriter
from edgekit.ir import DType, Node
from edgekit.ir.op import Op
from edgekit.ir.ops import Activation, Recurrent
from edgekit.ir.ops.recurrent import DEFAULTS, GATES

HEADERS = {
    "elu": "ek_act_elu.h", "scaled_tanh": "ek_act_tanh.h", "sigmoid": "ek_act_sigmoid.h",
    "softplus": "ek_act_softplus.h", "tanh": "ek_act_tanh.h",
}  # fmt: skip
"""Activation -> its header, where that is not the one of the simple functions."""


def scratch(node: Node) -> int:
    """A row of float32 for each gate."""
    op = node.op
    assert isinstance(op, Recurrent)
    return 4 * GATES[op.cell] * node.input(2).type.shape[2]


def _gate(w: StepWriter, activation: Activation) -> str:
    w.kernels.append(HEADERS.get(activation.function, "ek_act_linear.h"))
    parameters = f"{float_literal(activation.alpha)}, {float_literal(activation.beta)}"
    return f"{{ek_act_{activation.function}, {parameters}}}"


def _pointer(w: StepWriter, index: int, direction: int, directions: int) -> str:
    """An input's part of one direction, or NULL."""
    value = w.node.optional_input(index)
    if value is None:
        return "NULL"
    step = value.type.size // directions
    return w.read(value) + (f" + {direction * step}" if direction else "")


def emit_recurrent(w: StepWriter) -> None:
    op = attributes(w, Recurrent)
    (steps, batch, inputs), hidden = w.node.input(0).type.shape, w.node.input(2).type.shape[2]
    directions, each = len(op.backwards), len(DEFAULTS[op.cell])
    w.kernels.append(f"ek_{op.cell}.h")
    lengths = w.node.optional_input(4)
    option = op.couple if op.cell == "lstm" else op.reset_after
    for d, backwards in enumerate(op.backwards):
        gates = [_gate(w, a) for a in op.activations[d * each : (d + 1) * each]]
        geometry = w.declare(
            "ek_recurrent", f"geometry_{d}",
            steps=steps, batch=batch, inputs=inputs, hidden=hidden,
            y_step=directions * batch * hidden, backwards=int(backwards), option=int(option),
            clip=float_literal(math.inf if op.clip is None else op.clip),
            cell_clip=float_literal(math.inf if op.cell_clip is None else op.cell_clip),
            gate="{" + ", ".join(gates) + "}",
        )  # fmt: skip
        tables = [_pointer(w, i, d, directions) for i in (1, 2, 3, 7)]
        fields = dict(zip(("w", "r", "bias", "peephole"), tables, strict=True))
        weights = w.struct("ek_recurrent_weights", f"weights_{d}", **fields)
        part = f" + {d * batch * hidden}" if d else ""
        outputs = [w.write(v) + part for v in w.node.outputs]
        w.call(
            "ek_recurrent_f32", geometry, f"ek_{op.cell}", weights, w.read(w.node.input(0)),
            "NULL" if lengths is None else w.read(lengths), _pointer(w, 5, d, directions),
            _pointer(w, 6, d, directions), *outputs, *["NULL"] * (3 - len(outputs)),
            f"(float *){w.scratch()}",
        )  # fmt: skip


EMITTERS: dict[type[Op], Emitter] = {
    Recurrent: Emitter(emit_recurrent, scratch, types=(DType.FLOAT32,)),
}

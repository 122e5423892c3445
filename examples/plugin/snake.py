"""The Snake activation, x + sin(alpha x)^2 / alpha, as an operator of one's own.

Source: Ziyin, Hartwig, Ueda, "Neural Networks Fail to Learn Periodic Functions and How to Fix It",
2020. ONNX has no such operator; exports name it ``com.example.Snake``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.plugins import (
    Call,
    Emitter,
    Node,
    Op,
    Operator,
    Plugin,
    Refusal,
    Shape,
    StepWriter,
    float_literal,
)


@dataclass(frozen=True)
class Snake(Op):
    """``x + sin(alpha x)^2 / alpha`` of every element."""

    alpha: float = 1.0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (shapes[0],)


def definition(op: Snake, node: Node, x: Any) -> Any:
    """What is right, in numpy: generated code is compared with it."""
    alpha = np.float32(op.alpha)
    return x + np.sin(alpha * x) ** 2 / alpha


def emit(w: StepWriter) -> None:
    """The call of the kernel in `ek_snake_f32.c`."""
    op = w.node.op
    assert isinstance(op, Snake)
    x, y = w.node.input(0), w.node.output
    w.call("ek_snake_f32", y.type.size, float_literal(op.alpha), w.read(x), w.write(y))


def importer(call: Call) -> None:
    """``Snake`` of domain ``com.example``."""
    alpha = call.attr_float("alpha", 1.0)
    if alpha <= 0:
        raise Refusal(f"alpha is {alpha}", "a positive number")
    call.emit(Snake(alpha), [call.value(0)])


PLUGIN = Plugin(
    "snake",
    operators=(Operator(Snake, definition, Emitter(emit), "com.example.Snake", importer),),
    kernels=("ek_snake_f32.c",),
)

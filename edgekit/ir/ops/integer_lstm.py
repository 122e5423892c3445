"""The LSTM of TFLite's integer models: int8 activations, int16 gates and cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.dtype import DType
from edgekit.ir.op import Op, Shape, require
from edgekit.ir.ops.integer import Requant

GATES = 4
"""Input gate, forget gate, new content, output gate: the order of all stacked parameters."""


@dataclass(frozen=True)
class QLstm(Op):
    """A long short-term memory layer over a sequence, in the fixed point of TFLite.

    Inputs: x (N, T, I) int8; weights (4, H, I) and recurrent weights (4, H, H) int8; their biases
    (4, H) int32, zero points folded in; h (N, H) int8 and c (N, H) int16 before the first step.
    Outputs: y (N, T, H) int8, and h and c after the last step.

    Attributes:
        from_x, from_h: accumulator of either product to Q3.12, one scale for each gate, clamped on
            its own; their sum saturates to int16.
        hidden: product of output gate and tanh(c), a Q0.30 number, to h.
        cell_bits: integer bits of c; its scale is ``2**(cell_bits - 15)``.
        cell_clip: bound on the magnitude of c as an integer; 0 for none.
    """

    from_x: Requant
    from_h: Requant
    hidden: Requant
    cell_bits: int = 3
    cell_clip: int = 0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        require(len(shapes) == 7 and len(shapes[0]) == 3, "an LSTM takes x (N, T, I) and 6 more")
        (batch, steps, width), hidden = shapes[0], shapes[5][-1]
        state = (batch, hidden)
        wanted = [
            (GATES, hidden, width), (GATES, hidden, hidden), (GATES, hidden), (GATES, hidden),
            state, state,
        ]  # fmt: skip
        for found, shape in zip(shapes[1:], wanted, strict=True):
            require(found == shape, f"a parameter has shape {found}, expected {shape}")
        return ((batch, steps, hidden), state, state)

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        return (DType.INT8, DType.INT8, DType.INT16)

    def macs(self, shapes: Sequence[Shape]) -> int:
        batch, steps, width = shapes[0]
        hidden = shapes[5][1]
        return batch * steps * GATES * hidden * (width + hidden)

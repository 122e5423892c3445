"""Recurrent layers over a whole sequence: simple, gated (GRU) and long short-term memory (LSTM)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.dtype import DType
from edgekit.ir.op import Op, Shape, require

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
"""Cell -> matrices stacked in its weights."""

ACTIVATIONS: dict[str, tuple[float, float]] = {
    "affine": (1.0, 0.0),
    "elu": (1.0, 0.0),
    "hard_sigmoid": (0.2, 0.5),
    "leaky_relu": (0.01, 0.0),
    "relu": (0.0, 0.0),
    "scaled_tanh": (1.0, 1.0),
    "sigmoid": (0.0, 0.0),
    "softplus": (0.0, 0.0),
    "softsign": (0.0, 0.0),
    "tanh": (0.0, 0.0),
    "thresholded_relu": (1.0, 0.0),
}
"""Activation -> default alpha and beta."""

DEFAULTS = {"rnn": ("tanh",), "gru": ("sigmoid", "tanh"), "lstm": ("sigmoid", "tanh", "tanh")}
"""Cell -> its activations: of the gates, of the new content, and of an LSTM's output."""


@dataclass(frozen=True)
class Activation:
    """One of `ACTIVATIONS` with its parameters."""

    function: str = "tanh"
    alpha: float = 0.0
    beta: float = 0.0


@dataclass(frozen=True)
class Recurrent(Op):
    """A recurrent layer as ONNX defines RNN, GRU and LSTM (gates z, r, h and i, o, f, c).

    Inputs: x (T, N, I); weights (D, G H, I) and (D, G H, H) for G gates; optional bias (D, 2 G H),
    lengths of the sequences (N) as int32, initial h (D, N, H), initial c (D, N, H) and peepholes
    (D, 3 H: i, o, f). Outputs: y (T, D, N, H), last h (D, N, H) and, of an LSTM, last c (D, N, H).

    Attributes:
        cell: a key of `GATES`.
        backwards: for each direction, whether it runs from the end.
        activations: for each direction those that `DEFAULTS` names.
        clip: bound on what goes into the activations of gates and new content; None for none.
        reset_after: a GRU applies the reset gate behind the recurrent product
            (``linear_before_reset``).
        cell_clip: bound on the magnitude of an LSTM's c (TFLite); None for none.
        couple: an LSTM's forget gate is one minus its input gate (``input_forget``).
    """

    cell: str = "lstm"
    backwards: tuple[bool, ...] = (False,)
    activations: tuple[Activation, ...] = ()
    clip: float | None = None
    reset_after: bool = False
    couple: bool = False
    cell_clip: float | None = None

    @property
    def name(self) -> str:
        return self.cell.upper()

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x, w, r = shapes[:3]
        directions, gates = len(self.backwards), GATES[self.cell]
        fits = len(x) == len(w) == len(r) == 3
        require(fits, f"expected three matrices' stacks, found {x}, {w} and {r}")
        steps, batch, width = x
        hidden = r[2]
        state = (directions, batch, hidden)
        wanted: list[tuple[Shape, Shape, str]] = [
            (w, (directions, gates * hidden, width), "weights"),
            (r, (directions, gates * hidden, hidden), "recurrent weights"),
        ]
        optional = [
            ((directions, 2 * gates * hidden), "bias"), ((batch,), "lengths"),
            (state, "initial h"), (state, "initial c"), ((directions, 3 * hidden), "peepholes"),
        ]  # fmt: skip
        pairs = zip(shapes[3:], optional, strict=False)
        wanted += [(s, shape, what) for s, (shape, what) in pairs if s != ()]
        for found, shape, what in wanted:
            require(found == shape, f"{what} of shape {found}, expected {shape}")
        last = (state, state) if self.cell == "lstm" else (state,)
        return ((steps, directions, batch, hidden), *last)

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        return super().dtypes(dtypes) * (3 if self.cell == "lstm" else 2)

    def macs(self, shapes: Sequence[Shape]) -> int:
        (steps, batch, width), rows = shapes[0], shapes[1][0] * shapes[1][1]
        return steps * batch * rows * (width + shapes[2][2])

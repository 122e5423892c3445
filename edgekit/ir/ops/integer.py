"""Integer operators: model-level operators with every constant of their arithmetic fixed.

The numpy definition of each lies in `quantize.reference`; C, and later RTL and TVM, are checked
against it. Activations are int8 in NHWC, weights int8, accumulators and biases int32. Convolutions,
dense layers, sums and rescaling also take int16 activations with zero point 0; their accumulators
and biases are int64.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.op import Op, Shape
from edgekit.ir.ops.dense import Dense, MatMul
from edgekit.ir.ops.elementwise import broadcast
from edgekit.ir.ops.spatial import AvgPool2D, Conv2D, MaxPool2D, Mean, Window
from edgekit.ir.ops.volume import ConvTranspose


class Rounding(enum.Enum):
    """How an accumulator becomes an output (see `quantize.requantize` for the formulas)."""

    DOUBLE = "double"
    """TFLite: rounding doubling high multiply, then a rounding shift."""
    EVEN = "even"
    """ONNX Runtime: float32 product, ties to the even neighbour."""
    SINGLE = "single"
    """One rounding, half up."""
    FLOAT = "float"
    """LiteRT's fully connected layers: float64 product, rounded half away from zero."""
    HIGH = "high"
    """One rounding, half up, with a fixed shift of 32: one SMMULR on Armv7E-M."""
    REDUCED = "reduced"
    """TFLite's int64 accumulators: a multiplier of 16 bits, one rounding, half up."""


@dataclass(frozen=True)
class Requant:
    """Accumulator to output: scale, add the zero point, clamp.

    Attributes:
        multiplier: per channel or one for all; int32 significands (for FLOAT the 64 bits of the
            float64 scale as an unsigned integer).
        shift: as many exponents; a positive one shifts left (0 throughout for HIGH and FLOAT).
        rule: the rounding rule.
        zero_point: added after scaling.
        low, high: clamp of the result, inside its element type.
    """

    multiplier: tuple[int, ...]
    shift: tuple[int, ...]
    rule: Rounding
    zero_point: int = 0
    low: int = -128
    high: int = 127


@dataclass(frozen=True)
class QConv2D(Op):
    """Convolution of int8 (or int16) x and int8 weights (out, kh, kw, in/groups) with bias, NHWC.

    ``acc = bias + sum (x - x_zero) * (w - w_zero)`` over the taps inside the input; then
    ``requant``.
    """

    requant: Requant
    x_zero: int = 0
    window: Window = Window()
    groups: int = 1
    w_zero: int = 0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return Conv2D(self.window, self.groups).infer(shapes)

    def macs(self, shapes: Sequence[Shape]) -> int:
        return Conv2D(self.window, self.groups).macs(shapes)


@dataclass(frozen=True)
class QConvTranspose(Op):
    """Transposed convolution of int8 x and int8 weights (out, in / groups, kernel...), channels
    last; sums as in `QConv2D`.

    Attributes:
        layer: its geometry.
    """

    requant: Requant
    layer: ConvTranspose
    x_zero: int = 0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return self.layer.infer(shapes)

    def macs(self, shapes: Sequence[Shape]) -> int:
        return self.layer.macs(shapes)


@dataclass(frozen=True)
class QMatMul(Op):
    """Matrix products of int8 tensors: ``acc = sum (a - a_zero) * (b - b_zero)``, requantized."""

    requant: Requant
    a_zero: int = 0
    b_zero: int = 0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return MatMul().infer(shapes)

    def macs(self, shapes: Sequence[Shape]) -> int:
        return MatMul().macs(shapes)


@dataclass(frozen=True)
class QDense(Op):
    """Dense layer of int8 (or int16) x (N, K), int8 weights (O, K), bias (O,).

    ``acc = bias + sum (x - x_zero) * (w - w_zero)``; only int8 activations have a ``w_zero``.
    """

    requant: Requant
    x_zero: int = 0
    w_zero: int = 0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return Dense().infer(shapes)

    def macs(self, shapes: Sequence[Shape]) -> int:
        return Dense().macs(shapes)


@dataclass(frozen=True)
class Rescale:
    """One operand's rescaling: subtract ``zero_point``, then multiply by multiplier and shift."""

    zero_point: int
    multiplier: int
    shift: int


@dataclass(frozen=True)
class QAdd(Op):
    """Sum of two int8 (or int16) tensors by the TFLite recipe.

    Each operand is shifted left by ``left_shift``, rescaled to twice the larger input scale, added,
    and requantized.
    """

    first: Rescale
    second: Rescale
    requant: Requant
    left_shift: int = 20

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (broadcast(shapes[:2]),)


@dataclass(frozen=True)
class QMaxPool2D(Op):
    """Maximum over a window, then clamp to [low, high]."""

    kernel: tuple[int, int]
    window: Window = Window()
    low: int = -128
    high: int = 127

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return MaxPool2D(self.kernel, self.window).infer(shapes)


@dataclass(frozen=True)
class QAvgPool2D(Op):
    """Mean of the int8 values inside the input, rounded half away from zero (or with ``half_up``
    up), then clamped.

    Input and output share scale and zero point.
    """

    kernel: tuple[int, int]
    window: Window = Window()
    low: int = -128
    high: int = 127
    half_up: bool = False

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return AvgPool2D(self.kernel, self.window).infer(shapes)


@dataclass(frozen=True)
class QMean(Op):
    """Sum of (x - x_zero) over axes, requantized with the division folded into the scale."""

    requant: Requant
    x_zero: int = 0
    axes: tuple[int, ...] = ()
    keepdims: bool = True

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return Mean(self.axes, self.keepdims).infer(shapes)


@dataclass(frozen=True)
class QClip(Op):
    """Clamp of an integer tensor to [low, high] in its own scale."""

    low: int = -128
    high: int = 127

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (shapes[0],)


@dataclass(frozen=True)
class QRescale(Op):
    """From one scale, zero point and integer type to another."""

    requant: Requant
    x_zero: int = 0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (shapes[0],)


@dataclass(frozen=True)
class QSoftmax(Op):
    """Softmax over the last axis, int8 to int8 with output scale 1/256 and zero point -128.

    Fixed-point recipe of the published TFLite reference kernel.

    Attributes:
        multiplier: int32 significand of beta * input scale * 2**26.
        left_shift: its exponent.
        diff_min: differences to the maximum below this give zero.
    """

    multiplier: int
    left_shift: int
    diff_min: int

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (shapes[0],)

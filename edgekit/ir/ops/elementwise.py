"""Element-wise operators, normalisation and softmax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.op import Op, Shape, require


@dataclass(frozen=True)
class Clamp:
    """Bounds on real values: a fused ReLU, ReLU6 or clip. None leaves a side open."""

    low: float | None = None
    high: float | None = None


RELU = Clamp(0.0, None)
RELU6 = Clamp(0.0, 6.0)


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape that numpy broadcasting gives.

    Raises:
        ShapeError: the shapes do not broadcast.
    """
    rank = max(len(s) for s in shapes)
    out = []
    for i in range(rank):
        dims = {s[i - rank] for s in shapes if len(s) >= rank - i} - {1}
        require(len(dims) <= 1, f"shapes {' and '.join(map(str, shapes))} do not broadcast")
        out.append(dims.pop() if dims else 1)
    return tuple(out)


@dataclass(frozen=True)
class Pointwise(Op):
    """An operator that computes each element of its result from the operands' elements at the same
    place, with numpy broadcasting: it commutes with every permutation of the axes."""

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (broadcast(shapes),)


@dataclass(frozen=True)
class _Unary(Op):
    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (shapes[0],)


@dataclass(frozen=True)
class _Binary(Pointwise):
    clamp: Clamp | None = None


@dataclass(frozen=True)
class Add(_Binary):
    """Sum of two tensors with numpy broadcasting."""


@dataclass(frozen=True)
class Sub(_Binary):
    """Difference of two tensors with numpy broadcasting."""


@dataclass(frozen=True)
class Mul(_Binary):
    """Product of two tensors with numpy broadcasting."""


@dataclass(frozen=True)
class Clip(Pointwise):
    """Bounds on a tensor: ReLU, ReLU6 and ONNX Clip."""

    clamp: Clamp = RELU


@dataclass(frozen=True)
class BatchNorm(_Unary):
    """``(x - mean) / sqrt(variance + epsilon) * scale + bias`` of inputs x, scale, bias, mean,
    variance along the channel ``axis``."""

    epsilon: float = 1e-5
    axis: int = 1


@dataclass(frozen=True)
class Softmax(_Unary):
    """Softmax of ``beta * x`` along ``axis`` (non-negative)."""

    axis: int = 1
    beta: float = 1.0


@dataclass(frozen=True)
class LogSoftmax(_Unary):
    """Logarithm of the softmax along ``axis`` (non-negative)."""

    axis: int = 1


@dataclass(frozen=True)
class Quantize(_Unary):
    """Real to integer by the output's quantization.

    Attributes:
        half_even: exact ties go to the even integer (ONNX); otherwise away from zero (TFLite).
    """

    half_even: bool = True


@dataclass(frozen=True)
class Dequantize(_Unary):
    """Integer to real by the input's quantization."""

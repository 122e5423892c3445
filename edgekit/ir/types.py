"""Types of values: shape, element type, layout, integer range and quantization."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgekit.ir.dtype import DType


@dataclass(frozen=True)
class Quant:
    """Affine quantization ``real = scale * (q - zero_point)``, per tensor or per channel.

    Attributes:
        scale: one scale, or one per channel; each finite and > 0.
        zero_point: as many as there are scales.
        axis: the channel axis, None for per-tensor.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None

    def __post_init__(self) -> None:
        if not self.scale or len(self.scale) != len(self.zero_point):
            raise ValueError(f"{len(self.scale)} scales but {len(self.zero_point)} zero points")
        if self.axis is None and len(self.scale) != 1:
            raise ValueError("per-tensor quantization has exactly one scale")
        if not all(math.isfinite(s) and s > 0 for s in self.scale):
            raise ValueError("every scale must be finite and > 0")

    @staticmethod
    def per_tensor(scale: float, zero_point: int) -> Quant:
        """Quantization with one scale and one zero point."""
        return Quant((float(scale),), (int(zero_point),))

    @property
    def is_per_tensor(self) -> bool:
        """True where one scale holds for the whole tensor."""
        return len(self.scale) == 1


@dataclass(frozen=True)
class FixedPoint:
    """Binary fixed point ``real = q * 2**-fraction_bits``, the scale form of RTL and MCU shifts."""

    fraction_bits: int


@dataclass(frozen=True)
class TensorType:
    """What a value is.

    Attributes:
        shape: static dimensions, each >= 1 unless the tensor is empty; batch axis included.
        dtype: element type.
        layout: axis names in order, e.g. ``NHWC``; empty where axes have no such meaning.
        quant: affine quantization of an integer tensor, or None.
        fixed: binary fixed-point scale of an integer tensor, or None.
        range: smallest and largest integer that can occur, where it is known to be narrower than
            the element type's bounds.
    """

    shape: tuple[int, ...]
    dtype: DType
    layout: str = ""
    quant: Quant | None = None
    fixed: FixedPoint | None = None
    range: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor, densely packed."""
        return self.size * self.dtype.itemsize

    def __str__(self) -> str:
        dims = "x".join(map(str, self.shape)) or "scalar"
        text = f"{self.dtype.value}[{dims}]" + (f" {self.layout}" if self.layout else "")
        if self.quant is None:
            return text
        if self.quant.is_per_tensor:
            return f"{text} q({self.quant.scale[0]:.6g}, {self.quant.zero_point[0]})"
        return f"{text} q(per channel on axis {self.quant.axis})"

"""Convolutions and pools over any number of spatial axes, in either order of channels.

The common 2-D forms have operators of their own (`edgekit.ir.ops.spatial`) with faster kernels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.dtype import DType
from edgekit.ir.op import Op, Shape, require
from edgekit.ir.ops.elementwise import Clamp

POOLS = ("max", "mean", "lp")


@dataclass(frozen=True)
class Span:
    """Geometry of a window, one number for each spatial axis.

    Attributes:
        strides: steps between neighbouring windows.
        before: positions added in front of the input.
        after: positions added behind it.
        dilations: distance of neighbouring taps.
    """

    strides: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    dilations: tuple[int, ...]

    def output(self, size: Shape, kernel: Shape) -> Shape:
        """Output size.

        Raises:
            ShapeError: the window is larger than the padded input.
        """
        require(len(size) == len(kernel) == len(self.strides), f"a window {kernel} over {size}")
        result = []
        for i, n in enumerate(size):
            free = n + self.before[i] + self.after[i] - (kernel[i] - 1) * self.dilations[i] - 1
            require(free >= 0, f"window {kernel} exceeds the padded input {size}")
            result.append(free // self.strides[i] + 1)
        return tuple(result)

    def meets_input(self, size: Shape, kernel: Shape) -> bool:
        """True where every position of the window has a tap inside the input."""
        for i, count in enumerate(self.output(size, kernel)):
            taps = range(0, kernel[i] * self.dilations[i], self.dilations[i])
            starts = range(
                -self.before[i], count * self.strides[i] - self.before[i], self.strides[i]
            )
            if not all(any(0 <= start + t < size[i] for t in taps) for start in starts):
                return False
        return True


@dataclass(frozen=True)
class Spatial(Op):
    """What these operators share: where the channels stand.

    Attributes:
        channels_last: (N, spatial..., C) instead of (N, C, spatial...).
    """

    channels_last: bool = False

    def split(self, shape: Shape) -> tuple[Shape, int]:
        """Spatial size and number of channels of a tensor."""
        require(len(shape) >= 3, f"expected 3 or more dimensions, found shape {shape}")
        return (shape[1:-1], shape[-1]) if self.channels_last else (shape[2:], shape[1])

    def join(self, samples: int, size: Shape, channels: int) -> Shape:
        """The shape of a tensor."""
        if self.channels_last:
            return (samples, *size, channels)
        return (samples, channels, *size)


@dataclass(frozen=True)
class _Filter(Spatial):
    groups: int = 1
    clamp: Clamp | None = None

    def _check(self, shapes: Sequence[Shape]) -> tuple[Shape, Shape]:
        """Spatial size of the input and of the kernel."""
        size, channels = self.split(shapes[0])
        weights = shapes[1]
        require(len(weights) == len(shapes[0]), f"weights of shape {weights} for {shapes[0]}")
        require(
            channels == weights[1] * self.groups and weights[0] % self.groups == 0,
            f"{channels} input channels, weights {weights} and {self.groups} groups do not fit",
        )
        if len(shapes) > 2 and shapes[2] != ():
            require(shapes[2] == weights[:1], f"bias shape {shapes[2]}, expected {weights[:1]}")
        return size, weights[2:]


@dataclass(frozen=True)
class ConvNd(_Filter):
    """Convolution of x, weights (out, in / groups, kernel...) and optional bias."""

    span: Span = Span((1,), (0,), (0,), (1,))

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        size, kernel = self._check(shapes)
        return (self.join(shapes[0][0], self.span.output(size, kernel), shapes[1][0]),)

    def macs(self, shapes: Sequence[Shape]) -> int:
        return math.prod(self.infer(shapes)[0]) * math.prod(shapes[1][1:])


@dataclass(frozen=True)
class ConvTranspose(_Filter):
    """Transposed convolution of x, weights (out, in / groups, kernel...) and optional bias: input
    position i reaches output position ``i * stride + tap * dilation - before``.

    Attributes:
        strides, dilations, before: one for each spatial axis.
        size: the output's spatial size.
    """

    strides: tuple[int, ...] = (1,)
    dilations: tuple[int, ...] = (1,)
    before: tuple[int, ...] = (0,)
    size: tuple[int, ...] = (1,)

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        size, _ = self._check(shapes)
        fits = len(size) == len(self.size) == len(self.strides) and min(self.size) >= 1
        require(fits, f"an output of size {self.size} for an input of size {size}")
        return (self.join(shapes[0][0], self.size, shapes[1][0]),)

    def macs(self, shapes: Sequence[Shape]) -> int:
        return math.prod(shapes[0]) * shapes[1][0] // self.groups * math.prod(shapes[1][2:])


@dataclass(frozen=True)
class PoolNd(Spatial):
    """Maximum, mean or p-norm over a window; padded positions do not take part.

    Attributes:
        function: one of `POOLS`.
        p: exponent of the norm.
    """

    function: str = "max"
    kernel: tuple[int, ...] = (1,)
    span: Span = Span((1,), (0,), (0,), (1,))
    p: int = 2

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        size, channels = self.split(shapes[0])
        # Neither a maximum nor a mean is defined over nothing.
        meets = self.span.meets_input(size, self.kernel)
        require(meets, f"a window of kernel {self.kernel} lies in the padding alone")
        return (self.join(shapes[0][0], self.span.output(size, self.kernel), channels),)


@dataclass(frozen=True)
class MaxPoolIndices(PoolNd):
    """Maximum over a window, and where it lies: its index in the flattened input (channels first).

    Attributes:
        column_major: indices count the first spatial axis fastest.
    """

    column_major: bool = False

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        require(not self.channels_last, "indices need channels first")
        return super().infer(shapes) * 2

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        return (*super().dtypes(dtypes), DType.INT64)

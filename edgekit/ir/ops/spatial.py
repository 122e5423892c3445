"""Operators with a spatial window: convolution, pooling, and the mean over axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.op import Op, Shape, require
from edgekit.ir.ops.elementwise import Clamp

SPATIAL_AXES = {"NHWC": (1, 2), "NCHW": (2, 3)}
CHANNEL_AXIS = {"NHWC": 3, "NCHW": 1}


@dataclass(frozen=True)
class Window:
    """Geometry of a sliding window over two spatial axes.

    Attributes:
        strides: (vertical, horizontal).
        padding: (top, left, bottom, right) rows and columns added around the input.
        dilations: (vertical, horizontal) distance of taps.
    """

    strides: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)

    def output(self, size: tuple[int, int], kernel: tuple[int, int]) -> tuple[int, int]:
        """Output height and width.

        Raises:
            ShapeError: the window is larger than the padded input.
        """
        top, left, bottom, right = self.padding
        result = []
        for n, k, s, d, pad in zip(
            size, kernel, self.strides, self.dilations, (top + bottom, left + right), strict=True
        ):
            reach = (k - 1) * d + 1
            require(n + pad >= reach, f"window {kernel} exceeds the padded input {size}")
            result.append((n + pad - reach) // s + 1)
        return result[0], result[1]

    def meets_input(self, size: tuple[int, int], kernel: tuple[int, int]) -> bool:
        """True where every position of the window has a tap inside the input."""
        for n, k, s, d, pad, count in zip(
            size,
            kernel,
            self.strides,
            self.dilations,
            self.padding[:2],
            self.output(size, kernel),
            strict=True,
        ):
            for start in range(-pad, count * s - pad, s):
                if not any(0 <= start + i * d < n for i in range(k)):
                    return False
        return True


def _replace(shape: Shape, layout: str, size: tuple[int, int], channels: int) -> Shape:
    out = list(shape)
    for axis, n in zip(SPATIAL_AXES[layout], size, strict=True):
        out[axis] = n
    out[CHANNEL_AXIS[layout]] = channels
    return tuple(out)


def spatial_size(shape: Shape, layout: str) -> tuple[int, int]:
    """Height and width of a 4-D shape in the given layout."""
    require(len(shape) == 4, f"expected 4 dimensions, found shape {shape}")
    h, w = SPATIAL_AXES[layout]
    return shape[h], shape[w]


@dataclass(frozen=True)
class Conv2D(Op):
    """2-D convolution of x, weights and optional bias; ``groups == channels`` is depthwise.

    Weights are (out, in/groups, kh, kw) in layout NCHW and (out, kh, kw, in/groups) in NHWC; the
    bias has one element per output channel.
    """

    window: Window = Window()
    groups: int = 1
    layout: str = "NHWC"
    clamp: Clamp | None = None

    def kernel(self, weights: Shape) -> tuple[int, int]:
        """Kernel height and width from the weights' shape."""
        require(len(weights) == 4, f"weights must have 4 dimensions, found {weights}")
        return (weights[1], weights[2]) if self.layout == "NHWC" else (weights[2], weights[3])

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x, w = shapes[0], shapes[1]
        size = spatial_size(x, self.layout)
        kernel = self.kernel(w)
        per_group = w[3] if self.layout == "NHWC" else w[1]
        channels = x[CHANNEL_AXIS[self.layout]]
        require(
            channels == per_group * self.groups,
            f"{channels} input channels, weights want {per_group} x {self.groups} groups",
        )
        require(w[0] % self.groups == 0, f"{w[0]} filters do not divide into {self.groups} groups")
        if len(shapes) > 2 and shapes[2] != ():
            require(shapes[2] == (w[0],), f"bias shape {shapes[2]}, expected {(w[0],)}")
        return (_replace(x, self.layout, self.window.output(size, kernel), w[0]),)

    def macs(self, shapes: Sequence[Shape]) -> int:
        out = self.infer(shapes)[0]
        w = shapes[1]
        size = 1
        for n in out:
            size *= n
        return size * w[1] * w[2] * w[3]


@dataclass(frozen=True)
class _Pool2D(Op):
    kernel: tuple[int, int] = (1, 1)
    window: Window = Window()
    layout: str = "NHWC"
    clamp: Clamp | None = None

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x = shapes[0]
        source = spatial_size(x, self.layout)
        size = self.window.output(source, self.kernel)
        # Neither a maximum nor a mean is defined over nothing.
        meets = self.window.meets_input(source, self.kernel)
        require(meets, f"a window of kernel {self.kernel} lies in the padding alone")
        return (_replace(x, self.layout, size, x[CHANNEL_AXIS[self.layout]]),)


@dataclass(frozen=True)
class MaxPool2D(_Pool2D):
    """Maximum over a window; padded positions never win."""


@dataclass(frozen=True)
class AvgPool2D(_Pool2D):
    """Mean over a window; padded positions count only with ``include_pad``.

    ``half_up``: a quantized mean rounds ties up (TFLite's uint8), otherwise away from zero.
    """

    include_pad: bool = False
    half_up: bool = False


@dataclass(frozen=True)
class Mean(Op):
    """Mean over ``axes`` (non-negative, sorted)."""

    axes: tuple[int, ...] = ()
    keepdims: bool = True

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x = shapes[0]
        require(all(0 <= a < len(x) for a in self.axes), f"axes {self.axes} outside shape {x}")
        kept = [1 if i in self.axes else n for i, n in enumerate(x)]
        if self.keepdims:
            return (tuple(kept),)
        return (tuple(n for i, n in enumerate(x) if i not in self.axes),)

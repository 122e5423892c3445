"""Windows over images: what the loops of convolutions and pooling run over."""

from __future__ import annotations

from typing import NamedTuple


class WindowKey(NamedTuple):
    """The fields of ``ek_window``."""

    in_h: int
    in_w: int
    in_c: int
    out_h: int
    out_w: int
    out_c: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    pad_top: int
    pad_left: int
    dilation_h: int
    dilation_w: int
    groups: int

    @property
    def pixels(self) -> int:
        """Output positions."""
        return self.out_h * self.out_w

    @property
    def taps(self) -> int:
        """Positions of the kernel."""
        return self.kernel_h * self.kernel_w

    @property
    def rows(self) -> tuple[int, int, int, int, int, int]:
        """What `_inside` and `_whole` want, for the vertical axis."""
        return (
            self.out_h, self.kernel_h, self.stride_h, self.pad_top, self.dilation_h, self.in_h
        )  # fmt: skip

    @property
    def columns(self) -> tuple[int, int, int, int, int, int]:
        """The same for the horizontal axis."""
        return (
            self.out_w, self.kernel_w, self.stride_w, self.pad_left, self.dilation_w, self.in_w
        )  # fmt: skip

    @property
    def inside(self) -> int:
        """Taps that lie inside the input, over all output positions."""
        return _inside(*self.rows) * _inside(*self.columns)

    @property
    def inside_rows(self) -> int:
        """Rows of taps that lie inside the input, over all rows of output."""
        return _inside(*self.rows)

    @property
    def interior(self) -> int:
        """Output positions whose whole window lies inside the input."""
        return _whole(*self.rows) * _whole(*self.columns)

    @property
    def whole_rows(self) -> int:
        """Rows of windows that lie inside the input and are copied in one piece."""
        if self.dilation_w != 1:
            return 0
        return _inside(*self.rows) * _whole(*self.columns)

    @property
    def slides_by_columns(self) -> bool:
        """True for 3x3 windows whose sums the depthwise float32 kernel has under way."""
        moves = self.kernel_h == self.kernel_w == 3 and self.stride_w == self.dilation_w == 1
        return moves and self.pad_left <= 1 and self.out_w <= self.in_w - 1 + self.pad_left

    def by_fours(self) -> tuple[WindowKey, int, int]:
        """The window as float32 kernels walk it, fours of pixels in a row, and columns of taps of
        single pixels that lie inside the input."""
        w = self
        flat = w.taps == w.stride_h == w.stride_w == 1 and not (w.pad_top or w.pad_left)
        if flat and w.pixels == w.in_h * w.in_w:
            w = w._replace(in_h=1, in_w=w.pixels, out_h=1, out_w=w.pixels)
        left = min(-(-w.pad_left // w.stride_w), w.out_w)
        reach = (w.kernel_w - 1) * w.dilation_w - w.pad_left
        end = max(min(-(-(w.in_w - reach) // w.stride_w), w.out_w), left)
        fours = (end - left) // 4
        return w, fours, _inside(*w.columns) - 4 * fours * w.kernel_w


def _positions(count: int, stride: int, first: int, size: int) -> int:
    """How many of ``first + stride * i``, i in [0, count), lie in [0, size)."""
    low = max(0, -(first // stride))
    high = min(count - 1, (size - 1 - first) // stride)
    return max(0, high - low + 1)


def _inside(count: int, kernel: int, stride: int, pad: int, dilation: int, size: int) -> int:
    return sum(_positions(count, stride, k * dilation - pad, size) for k in range(kernel))


def _whole(count: int, kernel: int, stride: int, pad: int, dilation: int, size: int) -> int:
    return _positions(count, stride, -pad, size - (kernel - 1) * dilation)

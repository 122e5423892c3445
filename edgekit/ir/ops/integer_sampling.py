"""Integer form of bilinear resizing, by the recipe of the published TFLite reference kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.op import Op, Shape, require


@dataclass(frozen=True)
class QResizeBilinear(Op):
    """int8 or int16 in NHWC between its four neighbours, positions and weights in 1/1024 pixel, the
    sum rounded half away from zero. Input and output share scale and zero point.

    Attributes:
        size: height and width of the result.
        align_corners: corners of input and output coincide.
        half_pixel: pixels are areas; otherwise points.
    """

    size: tuple[int, int] = (1, 1)
    align_corners: bool = False
    half_pixel: bool = False

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x = shapes[0]
        require(len(x) == 4, f"expected 4 dimensions, found shape {x}")
        return ((x[0], *self.size, x[3]),)

    def taps(self, count: int, size: int) -> list[tuple[int, int, int]]:
        """For each result along an axis: lower and upper neighbour, and the upper one's weight in
        1/1024 (relative to the lower one, so that it may lie outside 0 to 1024 at the border)."""
        step = (1024 * count + size // 2) // size
        if self.align_corners and size > 1:
            step = (1024 * (count - 1) + (size - 1) // 2) // (size - 1)
        found = []
        for i in range(size):
            at = i * step + step // 2 - 512 if self.half_pixel else i * step
            lower = max(at // 1024, 0)
            upper = min(-(-at // 1024), count - 1)
            found.append((min(lower, count - 1), max(upper, 0), at - 1024 * lower))
        return found

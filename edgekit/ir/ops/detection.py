"""Operators behind detectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.dtype import DType
from edgekit.ir.op import Op, Shape, require


@dataclass(frozen=True)
class NonMaxSuppression(Op):
    """Boxes that overlap no better one: inputs boxes (N, count, 4), scores (N, classes, count), and
    of one element each, optional: the largest intersection over union that is no overlap (0 by
    default), and the score that must be exceeded.

    The result has a fixed number of rows (sample, class, box), int64, the best box of each class
    first; rows that are not needed follow and hold -1.

    Attributes:
        maximum: boxes of one class.
        center: boxes are (x, y, width, height) of their centre; otherwise two opposite corners.
    """

    maximum: int = 1
    center: bool = False

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        boxes, scores = shapes[:2]
        fits = len(boxes) == len(scores) == 3 and boxes[2] == 4
        fits = fits and boxes[0] == scores[0] and boxes[1] == scores[2]
        require(fits, f"boxes {boxes} and scores {scores}")
        require(self.maximum >= 1, f"at most {self.maximum} boxes of a class")
        return ((scores[0] * scores[1] * min(self.maximum, boxes[1]), 3),)

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        return (DType.INT64,)

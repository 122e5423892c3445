"""Definitions of the operators behind detectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import NonMaxSuppression, Op

Array = NDArray[Any]


def non_max_suppression(
    op: NonMaxSuppression,
    node: Node,
    boxes: Array,
    scores: Array,
    overlap: Array | None = None,
    least: Array | None = None,
) -> Array:
    """Boxes in order of their scores, each unless it overlaps one that was chosen before it."""
    limit = np.float32(0 if overlap is None else overlap.reshape(-1)[0])
    lowest = -np.inf if least is None else least.reshape(-1)[0]
    corners = _corners(boxes, op.center)
    rows = []
    for sample, label in np.ndindex(*scores.shape[:2]):
        chosen: list[int] = []
        for box in np.argsort(-scores[sample, label], kind="stable"):
            if len(chosen) == op.maximum or not scores[sample, label, box] > lowest:
                break
            if not any(_overlaps(corners[sample], int(box), c, limit) for c in chosen):
                chosen.append(int(box))
        rows += [(sample, label, box) for box in chosen]
    result = np.full(op.infer([boxes.shape, scores.shape])[0], -1, np.int64)
    result[: len(rows)] = np.array(rows, np.int64).reshape(-1, 3)
    return result


def _corners(boxes: Array, center: bool) -> Array:
    """(N, count, 2, 2): lower and higher corner of each box."""
    a, b = boxes[..., :2], boxes[..., 2:]
    pair = (a - b / 2, a + b / 2) if center else (a, b)
    return np.stack([np.minimum(*pair), np.maximum(*pair)], -2)


def _overlaps(corners: Array, first: int, second: int, limit: np.float32) -> bool:
    a, b = corners[first], corners[second]
    sides = np.minimum(a[1], b[1]) - np.maximum(a[0], b[0])
    if not (sides > 0).all():
        return False
    shared = sides[0] * sides[1]
    whole = np.prod(a[1] - a[0]) + np.prod(b[1] - b[0]) - shared
    return bool(whole > 0 and shared / whole > limit)


DEFINITIONS: dict[type[Op], Callable[..., Array]] = {
    NonMaxSuppression: non_max_suppression,
}

"""Definition of integer bilinear resizing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import Op, QResizeBilinear

Array = NDArray[Any]


def qresize_bilinear(op: QResizeBilinear, node: Node, x: Array) -> Array:
    """``(sum of four products +- 2**19) / 2**20`` in C's truncating division."""
    total = x.astype(np.int64)
    for axis in (1, 2):
        taps = np.array(op.taps(x.shape[axis], op.size[axis - 1]), np.int64)
        weight = taps[:, 2].reshape([-1 if i == axis else 1 for i in range(4)])
        lower, upper = (np.take(total, taps[:, k], axis=axis) for k in (0, 1))
        total = lower * (1024 - weight) + upper * weight
    magnitude = (np.abs(total) + (1 << 19)) >> 20
    return np.asarray(np.sign(total) * magnitude).astype(x.dtype)


DEFINITIONS: dict[type[Op], Callable[..., Array]] = {
    QResizeBilinear: qresize_bilinear,
}

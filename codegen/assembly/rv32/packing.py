"""What packing the windows of six pixels costs: the loops of ``ek_packed_columns_s8``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.cost import Cost
from codegen.assembly.rv32.layer import Part
from codegen.assembly.rv32.products import SLOTS
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D

Int = NDArray[np.int64]
PER_BYTE, PER_RUN, PER_CALL = 3.64, 131, 118
"""Instructions of compiled C, counted over the layers of six models."""


def packing_count(node: Node, parts: tuple[Part, ...]) -> Cost:
    """Instructions for all parts of all pixels of one sample."""
    _, height, width, _ = node.output.type.shape
    groups = -(-height * width // SLOTS)
    total = 0.0
    for part in parts:
        runs = sum(int(count.sum()) for count in _runs(node, part, groups))
        each = PER_CALL + PER_BYTE * SLOTS * part.taps * part.channels
        total += groups * each + PER_RUN * runs
    return Cost(packing=total)


def _runs(node: Node, part: Part, groups: int) -> Iterator[Int]:
    """Copies of each group, for each row of the window: one where all six windows lie inside the
    input, one for each tap elsewhere."""
    op = node.op
    assert isinstance(op, QConv2D)
    (_, in_h, in_w, in_c), (_, out_h, out_w, _) = node.input(0).type.shape, node.output.type.shape
    kernel_w, window = node.input(1).type.shape[2], op.window
    pixels = np.minimum(np.arange(groups * SLOTS), out_h * out_w - 1).reshape(groups, SLOTS)
    top = pixels // out_w * window.strides[0] - window.padding[0]
    left = pixels % out_w * window.strides[1] - window.padding[1]
    tap, end = part.tap, part.tap + part.taps
    while tap < end:
        ky, kx = divmod(tap, kernel_w)
        rest = min(kernel_w - kx, end - tap)
        row = top + ky * window.dilations[0]
        inside = (row >= 0) & (row < in_h) & (left + kx >= 0) & (left + kx + rest <= in_w)
        whole = inside.all(axis=1) & (part.channels == in_c and window.dilations[1] == 1)
        yield np.where(whole, 1, rest)
        tap += rest

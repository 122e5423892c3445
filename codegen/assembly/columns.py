"""Convolutions of int16 activations by columns of four pixels: what instruction sets share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.refusal import OtherKind
from codegen.c.operators.overlap import Walk, by_walk
from codegen.c.step import StepWriter
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D, Requant
from edgekit.schedule import Overlap
from quantize.narrow_form import narrow_form

Int = NDArray[np.int64]
PIXELS = 4
TAPS = 8
"""Of a group."""
PART = 256
"""Most taps that are copied at once."""
WORDS_PART = 128
"""The same where each is expanded to a word."""
TAP_BYTES = {PART: 2, WORDS_PART: 4}
FULL = -(2**15), 2**15 - 1
POSITIVE = 0, 2**15 - 1


@dataclass(frozen=True)
class Parts:
    """How the taps of a window are divided.

    Attributes:
        height, width: kernel rows, and values of each.
        most: taps that are copied at once.
    """

    height: int
    width: int
    most: int = PART

    @property
    def rows(self) -> int:
        """Kernel rows of a part: as many as fit, in equal shares."""
        most = max(1, self.most // self.width)
        return -(-self.height // -(-self.height // most))

    @property
    def piece(self) -> int:
        """Values of each kernel row in a part: equal shares of long rows, even."""
        shares = -(-self.width // self.most)
        return self.width if shares == 1 else -(-self.width // (2 * shares)) * 2

    @property
    def slices(self) -> list[tuple[slice, slice]]:
        """Rows and values of each part."""
        rows = [slice(r, min(r + self.rows, self.height)) for r in range(0, self.height, self.rows)]
        pieces = [
            slice(b, min(b + self.piece, self.width)) for b in range(0, self.width, self.piece)
        ]
        return [(r, b) for r in rows for b in pieces]

    @property
    def groups(self) -> list[int]:
        """Groups of taps of each part."""
        sizes = [(r.stop - r.start) * (b.stop - b.start) for r, b in self.slices]
        return [-(-size // TAPS) for size in sizes]


def parts_of(node: Node, most: int = PART) -> Parts:
    """The division of a convolution's taps, of which so many are copied at once."""
    _, height, width, channels = node.input(1).type.shape
    return Parts(height, width * channels, most)


def refuse_wide(node: Node, requant: Requant) -> str:
    """Why sums of int16 and int8 numbers cannot be scaled by one high product of 32 bits."""
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT16}:
        return OtherKind("not int16")
    if (requant.low, requant.high) not in (FULL, POSITIVE) or requant.zero_point:
        return "a clamp of its own"
    found = narrow_form(requant, node.input(1).array, node.input(2).array)
    return found if isinstance(found, str) else ""


def high_multipliers(node: Node, requant: Requant) -> Int:
    """Scales as SMMULR takes them."""
    found = narrow_form(requant, node.input(1).array, node.input(2).array)
    assert not isinstance(found, str)  # else refused
    return found


def packed_multipliers(found: Int) -> Int:
    """Multipliers in two parts, for cores without long products: fifteen bits, which is what
    TFLite's have, and above them how far they are shifted to the left."""
    shift = np.array([max(0, int(m).bit_length() - 15) for m in found], np.int64)
    assert (found >> shift << shift == found).all()
    return (found >> shift) + (shift << 16)


def refuse(node: Node) -> str:
    """Why the function cannot compute a node; empty where it can."""
    op = node.op
    assert isinstance(op, QConv2D)
    problem = refuse_wide(node, op.requant)
    if problem:
        return problem
    if op.groups > 1 or op.window.dilations[1] > 1:
        return "groups or dilated rows"
    return ""


def column_bytes(node: Node, most: int = PART) -> int:
    """Of the copied windows."""
    return TAP_BYTES[most] * PIXELS * TAPS * max(parts_of(node, most).groups)


def working_memory(w: StepWriter, most: int = PART) -> tuple[str, str]:
    """Pointers in C: to the copied windows, and to the sums that wait for the next part."""
    waiting = f"(int32_t *)(void *)({w.scratch()} + {column_bytes(w.node, most)})"
    return (
        f"(int16_t *)(void *){w.scratch()}",
        waiting if len(parts_of(w.node, most).slices) > 1 else "NULL",
    )


def scratch(node: Node, most: int = PART) -> int:
    """Bytes of the copied windows and of the sums that wait."""
    waiting = len(parts_of(node, most).slices) > 1
    return column_bytes(node, most) + 4 * PIXELS * node.output.type.shape[3] * waiting


def overlap(node: Node) -> Sequence[Overlap | None]:
    """The windows of four pixels are copied before one of them is written."""
    op = node.op
    assert isinstance(op, QConv2D)
    _, height, width, _ = node.input(1).type.shape
    return by_walk(node, Walk((height, width), op.window, PIXELS, gathered=True))

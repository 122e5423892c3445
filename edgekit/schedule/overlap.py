"""How far a kernel's output may lie over its input: what kernels declare and the planner uses.

Everything is said by the distance ``d = address of the output - address of the input``. A kernel
that walks forward never destroys an input byte that it still reads as long as the output runs
ahead of the reads by no more than ``forward``; one that walks from the last pixel to the first
needs a distance of at least ``backward``. Distances at which the two do not meet are always fine.
The idea of a segment-wise overlap is that of vMCU (Zheng et al., MLSys 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["in-place", "rows"]
IN_PLACE: Kind = "in-place"
ROWS: Kind = "rows"


@dataclass(frozen=True)
class Overlap:
    """What one input of a kernel tolerates.

    Attributes:
        kind: ``in-place`` for kernels that work element by element, ``rows`` for those whose
            window lags behind.
        forward: largest distance in bytes that is safe when the kernel walks forward; None where
            it never is.
        backward: smallest distance that is safe when it walks backward; None where the kernel
            cannot.
    """

    kind: Kind
    forward: int | None
    backward: int | None = None


@dataclass(frozen=True)
class Gap:
    """Distances ``low < d < high`` from one block to another are forbidden."""

    low: int
    high: int

    @property
    def is_empty(self) -> bool:
        """True where every distance is allowed."""
        return self.low + 1 >= self.high

    @property
    def mirrored(self) -> Gap:
        """The same, seen from the other block."""
        return Gap(-self.high, -self.low)


def gap_between(source: int, target: int, overlap: Overlap | None, align: int) -> Gap:
    """Forbidden distances from an input to the output that is written while it dies.

    Args:
        source, target: bytes of input and output, multiples of ``align``.
        overlap: what the kernel declares; None: no byte may be shared.
        align: every offset is a multiple of it, so the limits are rounded to it.
    """
    low, high = -target, source
    if overlap is not None and overlap.forward is not None:
        low = max(low, overlap.forward // align * align)
    if overlap is not None and overlap.backward is not None:
        high = min(high, -(-overlap.backward // align) * align)
    return Gap(low, high)


def union_bytes(source: int, target: int, gap: Gap) -> int:
    """Fewest bytes that input and output cover together at an allowed distance."""
    if gap.is_empty:
        return max(source, target)
    return min(_cover(source, target, min(gap.low, 0)), _cover(source, target, max(gap.high, 0)))


def _cover(source: int, target: int, distance: int) -> int:
    inside = source - target  # distances between 0 and this put the smaller inside the larger
    if min(0, inside) <= distance <= max(0, inside):
        return max(source, target)
    return max(source, distance + target) - min(0, distance)

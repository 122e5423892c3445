"""Observers: from the numbers that occur in a value to the range worth representing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

_BINS = 8192


@dataclass(frozen=True)
class Range:
    """Smallest and largest number of a value, as observed or as chosen."""

    low: float
    high: float

    @property
    def is_finite(self) -> bool:
        """False where infinity or NaN occurred."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def union(self, other: Range) -> Range:
        """The smallest range that holds both."""
        return Range(min(self.low, other.low), max(self.high, other.high))


class Observer(Protocol):
    """Sees every array of one value twice at most: first for extremes, then for details."""

    def update(self, data: NDArray[Any]) -> None:
        """Take in one array."""
        ...

    def range(self) -> Range:
        """The range worth representing."""
        ...


class MinMax:
    """The range that occurs."""

    def __init__(self) -> None:
        self._low = np.inf
        self._high = -np.inf

    def update(self, data: NDArray[Any]) -> None:
        """Take in one array."""
        # numpy's minimum, unlike Python's, keeps NaN
        self._low = float(np.minimum(self._low, data.min()))
        self._high = float(np.maximum(self._high, data.max()))

    def range(self) -> Range:
        """The range that occurred."""
        return Range(self._low, self._high)


class Percentile:
    """The range without the outermost ``100 - percentile`` per cent on each side.

    Counts in a histogram of 8192 bins over the range that occurs; bounds are bin edges.
    """

    def __init__(self, extremes: Range, percentile: float) -> None:
        self._extremes = extremes
        self._share = percentile / 100.0
        self._counts = np.zeros(_BINS, np.int64)

    def update(self, data: NDArray[Any]) -> None:
        """Take in one array."""
        low, high = self._extremes.low, self._extremes.high
        if high > low:
            self._counts += np.histogram(data, bins=_BINS, range=(low, high))[0]

    def range(self) -> Range:
        """The range between the two percentiles."""
        low, high = self._extremes.low, self._extremes.high
        total = int(self._counts.sum())
        if total == 0:
            return self._extremes
        edges = np.linspace(low, high, _BINS + 1)
        below = np.cumsum(self._counts)
        first = int(np.searchsorted(below, total * (1.0 - self._share), side="right"))
        last = int(np.searchsorted(below, total * self._share, side="left"))
        first, last = min(first, _BINS - 1), min(last, _BINS - 1)
        return Range(float(edges[first]), float(edges[last + 1]))


OBSERVERS: dict[str, Callable[[Range, float], Observer] | None] = {
    "minmax": None,  # the extremes of the first walk are the answer
    "percentile": Percentile,
}

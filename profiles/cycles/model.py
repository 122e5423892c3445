"""What a cycle estimate is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CycleEstimate:
    """Cycles of one inference, by a model. Never a measurement.

    Attributes:
        low, high: bounds under the model's assumptions.
        typical: the model's best guess; None where nothing supports one.
        method: the model, for people.
        source: where its figures come from.
    """

    low: int
    typical: int | None
    high: int
    method: str
    source: str


@dataclass(frozen=True)
class Cost:
    """Cycles under the three sets of assumptions."""

    low: int = 0
    typical: int = 0
    high: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.low + other.low, self.typical + other.typical, self.high + other.high)

    def __mul__(self, times: int) -> Cost:
        return Cost(self.low * times, self.typical * times, self.high * times)

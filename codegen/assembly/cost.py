"""What the instructions of a kernel are spent on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Instructions by purpose; costs add up and multiply like the numbers that they are.

    A bare number beside a cost counts as ``control``. Parts may be fractions (an average) and,
    between sums, negative (what a shortcut saves).

    Attributes:
        products: loading operands, multiplying them, adding them up.
        packing: bringing inputs, weights, sums and outputs into the order that products want.
        requantize: beginning sums, and scaling, clamping and storing them.
        borders: what padding costs: filling rows, copying windows that reach over an edge.
        fallback: channels that portable C computes, since no cheaper form is proven for them.
        control: entering functions, loops and pointers.
    """

    products: float = 0.0
    packing: float = 0.0
    requantize: float = 0.0
    borders: float = 0.0
    fallback: float = 0.0
    control: float = 0.0

    def __add__(self, other: Cost | float) -> Cost:
        more = other if isinstance(other, Cost) else Cost(control=other)
        return Cost(*(a + b for a, b in zip(self._figures(), more._figures(), strict=True)))

    __radd__ = __add__

    def __sub__(self, other: Cost | float) -> Cost:
        return self + other * -1

    def __mul__(self, count: float) -> Cost:
        return Cost(*(count * figure for figure in self._figures()))

    __rmul__ = __mul__

    @property
    def total(self) -> int:
        """Instructions in all."""
        return round(sum(self._figures()))

    def parts(self) -> dict[str, int]:
        """Whole instructions by purpose, without what costs nothing."""
        found = {name: round(figure) for name, figure in zip(PARTS, self._figures(), strict=True)}
        return {name: count for name, count in found.items() if count}

    def _figures(self) -> tuple[float, ...]:
        return (
            self.products, self.packing, self.requantize, self.borders, self.fallback, self.control,
        )  # fmt: skip


PARTS = ("products", "packing", "requantize", "borders", "fallback", "control")
"""The names of the parts, in the order of the fields."""

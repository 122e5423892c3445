"""Tables and numbers of a page."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, numbers to the right."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def number(value: int | None) -> str:
    """With thousands separated."""
    return "-" if value is None else f"{value:,}"


def millions(value: int | None) -> str:
    """In millions, two digits behind the point."""
    return "-" if value is None else f"{value / 1e6:.2f}"

"""How settings are checked: every problem of one section at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, get_args

from edgekit.errors import Problem, UsageError


class SettingsError(UsageError, ValueError):
    """A section of ``processing`` or ``postprocessing`` is wrong.

    Also a ValueError, so that pydantic collects it beside the errors of other sections.
    """


STRICT = {"extra": "forbid", "strict": True}
"""How pydantic reads a section from ``edgekit.toml``: no unknown keys, no numbers in strings."""


class Checker:
    """Collects what is wrong with one section."""

    def __init__(self, section: object) -> None:
        self._section = section
        self.problems: list[Problem] = []

    def choice(self, key: str, kind: Any) -> None:
        """The value is one of a ``Literal`` type."""
        self.rule(getattr(self._section, key) in get_args(kind), key, ", ".join(get_args(kind)))

    def between(self, low: float, high: float, *keys: str) -> None:
        """Each value lies in [low, high]."""
        for key in keys:
            value = getattr(self._section, key)
            self.rule(low <= value <= high, key, f"{low:g} to {high:g}")

    def rule(self, holds: bool, key: str, allowed: str, hint: str = "") -> None:
        """A rule about one key."""
        if not holds:
            value = getattr(self._section, key)
            self.problems.append(Problem(f"is {value!r}", key, allowed, hint))

    def done(self, what: str) -> None:
        """Raises:
        SettingsError: something was wrong.
        """
        if self.problems:
            raise SettingsError(f"the {what} settings are wrong", self.problems)


def numbers(values: Sequence[float], channels: int) -> bool:
    """One finite number for every channel, or one for all."""
    return len(values) in (1, channels) and all(map(math.isfinite, values))

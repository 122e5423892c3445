"""A time limit that stages share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadline:
    """A moment at which something has to be finished.

    It is one of the wall clock, because that is what somebody waits for: on a machine that does
    other things too, less is searched.

    Attributes:
        end: on the clock of `time.monotonic`.
    """

    end: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    def part(self, share: float) -> Deadline:
        """When a part of the time that is left now has passed."""
        now = time.monotonic()
        return Deadline(now + share * max(self.end - now, 0.0))

    def within(self, seconds: float) -> Deadline:
        """So many seconds from now, or this one where it is earlier."""
        return Deadline(min(time.monotonic() + seconds, self.end))

    def less(self, seconds: float) -> Deadline:
        """So many seconds earlier."""
        return Deadline(self.end - seconds)

    @property
    def left(self) -> float:
        """Seconds until then, never below 0."""
        return max(self.end - time.monotonic(), 0.0)

    @property
    def passed(self) -> bool:
        """Whether time is up."""
        return time.monotonic() >= self.end


class Stride:
    """Work without a clock, done again and again.

    Attributes:
        longest: seconds that it took at most.
    """

    def __init__(self) -> None:
        self.longest = 0.0

    def fits(self, deadline: Deadline) -> bool:
        """Whether one more would be done in time, as far as is known."""
        return deadline.left > self.longest

    @contextmanager
    def taken(self) -> Iterator[None]:
        """What is done inside is one of them."""
        start = time.monotonic()
        yield
        self.longest = max(self.longest, time.monotonic() - start)

"""What turns a model's output into an answer."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgekit.processing.settings import STRICT, Checker


@dataclass(frozen=True)
class Ranking:
    """The best classes of one output, best first; equal scores in the order of the classes.

    Attributes:
        labels: name of each class.
        top: how many classes are given at most.
        threshold: smallest real score that is given.
    """

    __pydantic_config__ = STRICT

    labels: tuple[str, ...] = ()
    top: int = 1
    threshold: float | None = None

    def __post_init__(self) -> None:
        check = Checker(self)
        check.between(1, len(self.labels) or 1000, "top")
        check.rule(all(self.labels), "labels", "no empty names")
        finite = self.threshold is None or math.isfinite(self.threshold)
        check.rule(finite, "threshold", "a finite number")
        check.done("postprocessing")

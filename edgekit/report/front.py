"""Plans with more and less RAM as a drawing: RAM to the right, extra work upwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.report.placement import FrontPoint

HEIGHT = 200
TOP, BOTTOM = 30, 26  # pixels above the highest and below the lowest point
LEFT, RIGHT = 8.0, 80.0  # percent; labels stand to the right of the points


@dataclass(frozen=True)
class Plan:
    """One plan of the front.

    Attributes:
        arena_bytes: RAM.
        extra: work beyond that of whole layers: multiply-accumulates and instructions.
        work: the same as a text.
        stages: what it executes in strips.
        chosen: whether it is the one that was made.
        x: place in the drawing, percent of its width.
        y: place in pixels from the top.
    """

    arena_bytes: int
    extra: int
    work: str
    stages: str
    chosen: bool
    x: float
    y: int


def draw_front(points: Sequence[FrontPoint], arena_bytes: int | None) -> tuple[Plan, ...]:
    """Place plans from the most RAM to the least; nothing where no other one was looked for.

    The height is that of extra multiply-accumulates and extra instructions together.
    """
    sizes = [p.arena_bytes for p in points]
    works = [p.extra_macs + p.extra_instructions for p in points]
    span, most = max(sizes, default=0) - min(sizes, default=0), max(works, default=0)
    return tuple(
        Plan(
            p.arena_bytes,
            work,
            f"{p.extra_macs:,} extra MACs, about {p.extra_instructions:,} more instructions",
            "; ".join(p.stages) or "whole layers",
            p.arena_bytes == arena_bytes,
            round(LEFT + (RIGHT - LEFT) * (size - min(sizes)) / max(span, 1), 2),
            HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * work // max(most, 1),
        )
        for p, size, work in zip(points, sizes, works, strict=True)
    )

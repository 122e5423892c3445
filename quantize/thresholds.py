"""Proof that a cheaper form of a requantization gives the same outputs.

A requantization is a monotone step function of its accumulator with at most 256 steps. A
candidate that is monotone too is equal on the whole range as soon as it agrees on both sides of
every step and at the ends of the range: between two steps the output is one constant, and the
candidate has that constant at both ends of the interval. So a proof takes 512 points a channel.

The commonest candidate is one multiplication and one shift, ``(acc * multiplier + offset) >>
total``. For it the points give every offset that works as one interval (`affine_offsets`), and what
remains is to find an offset in it that an instruction set can write down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir.ops import Requant
from quantize.memo import by_content
from quantize.requantize import INT32_MAX, requantize

Int = NDArray[np.int64]
_REACH = 1 << 14
"""How far from a real scale's multiplier others are searched: steps of 256 outputs move by as much
as their distance from float32's nearest."""


@dataclass(frozen=True, eq=False)
class Steps:
    """The accumulators that decide, one column for each channel.

    Attributes:
        points: accumulators, int64 of shape (points, channels): both sides of every step inside
            the range, and the range's ends. Columns with fewer steps repeat an end.
        wanted: the outputs there, of the same shape.
        low, high: clamp of the output.
    """

    points: Int
    wanted: Int
    low: int
    high: int

    def agree(self, found: NDArray[Any]) -> NDArray[np.bool_]:
        """Channels for which outputs at `points` are right: where the form is monotone, its proof.

        Args:
            found: clamped outputs of the candidate, of the shape of `points`.
        """
        return np.asarray((found == self.wanted).all(axis=0))

    def of(self, channels: Int) -> Steps:
        """The steps of some channels, in the given order."""
        return Steps(self.points[:, channels], self.wanted[:, channels], self.low, self.high)

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Channels whose output is the same for every accumulator."""
        return np.asarray((self.wanted == self.wanted[0]).all(axis=0))


@by_content(64)
def find_steps(requant: Requant, low: Int, high: Int) -> Steps:
    """The accumulators that decide about each channel.

    Args:
        requant: with one multiplier for all channels or as many as there are channels.
        low, high: smallest and largest accumulator (bias included) that each channel can take,
            shape (channels,); beyond int32 a channel is dead and its range is cut.

    Returns:
        The steps, found by bisection of the definition itself, so for any rounding rule.
    """
    low = np.clip(low, -INT32_MAX, INT32_MAX).astype(np.int64)
    high = np.clip(high, -INT32_MAX, INT32_MAX).astype(np.int64)
    levels = np.arange(requant.low + 1, requant.high + 1, dtype=np.int64)[:, None]
    # The smallest accumulator whose output reaches the level lies in (below, reached].
    below = np.broadcast_to(low - 1, (len(levels), len(low))).copy()
    reached = np.broadcast_to(high + 1, below.shape).copy()
    for _ in range(int((high - low + 2).max()).bit_length()):
        middle = (below + reached) >> 1
        inside = np.clip(middle, low, high)
        is_reached = (requantize(inside, requant, np.int64) >= levels) | (middle > high)
        is_reached &= middle >= low
        reached = np.where(is_reached, middle, reached)
        below = np.where(is_reached, below, middle)
    ends = np.stack([low, high])
    points = np.clip(np.concatenate([reached - 1, reached, ends]), low, high)
    return Steps(points, requantize(points, requant, np.int64), requant.low, requant.high)


def affine_offsets(steps: Steps, multiplier: Int, total: int | Int) -> tuple[Int, Int]:
    """Every offset with which ``(acc * multiplier + offset) >> total``, clamped, is equal.

    Args:
        steps: what decides.
        multiplier: one for each channel, 0 <= multiplier < 2**31.
        total: the shift, or one for each channel; at most 52.

    Returns:
        Smallest and largest offset of each channel; none works where the first is larger.
    """
    product = steps.points * multiplier
    lowest = np.where(steps.wanted > steps.low, (steps.wanted << total) - product, -(1 << 62))
    beyond = ((steps.wanted + 1) << total) - 1 - product
    highest = np.where(steps.wanted < steps.high, beyond, 1 << 62)
    return np.asarray(lowest.max(axis=0)), np.asarray(highest.min(axis=0))


def widest_multiplier(steps: Steps, near: Int, total: int | Int, most: int = INT32_MAX) -> Int:
    """The multipliers that leave `affine_offsets` the most room.

    The room is the least of functions that are linear in the multiplier, so it is concave, and a
    bisection of its slope finds the best integer: where that one leaves no room, none does.

    Args:
        steps: what decides.
        near: the multipliers of the real scales, up to ``most``.
        total: as for `affine_offsets`.
        most: the largest multiplier.
    """
    low, high = np.maximum(near - _REACH, 1), np.minimum(near + _REACH, most)

    def room(multiplier: Int) -> Int:
        lowest, highest = affine_offsets(steps, multiplier, total)
        return highest - lowest

    for _ in range((2 * _REACH).bit_length()):
        middle = (low + high) >> 1
        falls = room(middle + 1) <= room(middle)
        high = np.where(falls, middle, high)
        low = np.where(falls, low, np.minimum(middle + 1, high))
    return np.asarray(low)

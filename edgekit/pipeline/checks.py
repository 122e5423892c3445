"""Comparison of a run with the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c.emit import FLOAT_TOLERANCE
from edgekit.artefact import Port


@dataclass(frozen=True)
class Check:
    """How one run compares with the reference.

    Attributes:
        where: what ran, e.g. ``host gcc``.
        identical: every output is bit for bit the same.
        passed: identical, or for float32 outputs within the tolerance.
        max_abs_diff: largest difference in the output's own unit (LSB for integers).
        detail: where the first difference is, empty where there is none.
    """

    where: str
    identical: bool
    passed: bool
    max_abs_diff: float
    detail: str = ""


def difference(want: NDArray[Any], got: NDArray[Any]) -> tuple[NDArray[np.float64], float]:
    """Absolute difference of each element, and how much of it passes.

    Infinite and NaN elements pass only where both sides have the same; the limit comes from the
    finite ones.
    """
    a, b = want.astype(np.float64), got.astype(np.float64)
    with np.errstate(invalid="ignore"):
        gap = np.abs(a - b)
    odd = ~(np.isfinite(a) & np.isfinite(b))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    gap[odd] = np.where(same[odd], 0.0, np.inf)
    if want.dtype.kind != "f":
        return gap, 0.0
    finite = np.abs(a[np.isfinite(a)])
    return gap, FLOAT_TOLERANCE * float(finite.max(initial=0.0))


def count_identical(found: Mapping[str, NDArray[Any]], wanted: Mapping[str, NDArray[Any]]) -> int:
    """Samples for which every output is bit for bit the same."""
    same = [
        (found[name] == want).reshape(len(want), -1).all(axis=1) for name, want in wanted.items()
    ]
    return int(np.logical_and.reduce(same).sum())


def compare(
    where: str,
    ports: Sequence[Port],
    wanted: Sequence[NDArray[Any]],
    found: Sequence[NDArray[Any]],
) -> Check:
    """Compare outputs, samples first.

    Float32 outputs pass within `FLOAT_TOLERANCE` of the largest magnitude; integers pass only
    where they are identical.
    """
    worst, passed, identical, detail = 0.0, True, True, ""
    for port, want, got in zip(ports, wanted, found, strict=True):
        got = got.reshape(want.shape)
        if np.array_equal(want, got):
            continue
        identical = False
        gap, limit = difference(want, got)
        worst = max(worst, float(gap.max()))
        if gap.max() > limit:
            passed = False
            at = tuple(int(i) for i in np.unravel_index(int(np.argmax(gap > limit)), gap.shape))
            count = int(np.count_nonzero(gap > limit))
            detail = detail or (
                f"output '{port.name}', sample {at[0]}, element {list(at[1:])}: "
                f"{got[at]} instead of {want[at]} ({count} of {gap.size} differ)"
            )
    return Check(where, identical, passed, worst, detail)

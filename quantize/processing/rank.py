"""The numpy definition of ranking an output's classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Quant
from edgekit.processing import Ranking


def scores(output: NDArray[Any], quant: Quant | None) -> NDArray[np.float32]:
    """Real scores, computed in float32 as the target does."""
    if quant is None:
        return output.astype(np.float32)
    steps = output.astype(np.int32) - quant.zero_point[0]
    return np.asarray(np.float32(quant.scale[0]) * steps.astype(np.float32))


def least(settings: Ranking, quant: Quant | None) -> float:
    """The smallest element of the output that counts: a code of int8, or a float32 number.

    128 where no code is large enough.
    """
    threshold = -np.inf if settings.threshold is None else settings.threshold
    if quant is None:
        return float(np.float32(threshold))
    codes = np.arange(-128, 128)
    good = codes[scores(codes, quant) >= np.float32(threshold)]
    return int(good[0]) if len(good) else 128


def rank(output: NDArray[Any], settings: Ranking, quant: Quant | None) -> NDArray[np.int64]:
    """Classes of one sample's output, best first, equal ones in order."""
    flat = output.ravel()
    order = np.argsort(-flat.astype(np.float64), kind="stable")
    return order[flat[order] >= least(settings, quant)][: settings.top]

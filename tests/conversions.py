"""A cache of conversions that the workers of one test session share."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit import api
from edgekit.deployment import Deployment
from targets.cache import content_key


class Conversions:
    """Converts a model file once for each set of options.

    Args:
        folder: where the results lie; several processes may use it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(
        self,
        model: Path,
        options: api.ConvertOptions,
        calibration: Mapping[str, NDArray[Any]] | None = None,
    ) -> Deployment:
        """The deployment of ``model``; treat it as read-only."""
        parts = [str(model), repr(astuple(options))]
        parts += [np.asarray(a).tobytes().hex() for a in (calibration or {}).values()]
        out = self._folder / f"{model.stem}-{content_key(parts)}"
        with _locked(out.with_suffix(".lock")):
            if not out.exists():
                api.convert(model, out, options, calibration=calibration)
        return api.load(out)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

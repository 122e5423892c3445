"""What a model file of the material must compute: inputs, and the outputs that an oracle gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = Mapping[str, Array]

FLOAT_TOLERANCE = 1e-4
"""Float outputs may differ by this much of the largest magnitude."""
AGREEMENT = 0.99
"""Hybrid models must give the same largest output for this share of the labelled samples."""


class NoOracle(Exception):
    """Nothing can say what the file computes; the text says why."""


@dataclass(frozen=True)
class Case:
    """A model file and what is right.

    Attributes:
        path: the file, or a copy for one row of it.
        inputs: arrays by input name, samples first.
        outputs: one array per output, samples first.
        oracle: what gave the outputs.
        pinned: inputs that become constants of the generated code.
        carry_state: samples are steps of one stream.
        top1: compare the place of the largest output, not the numbers.
    """

    path: Path
    inputs: Arrays
    outputs: list[Array]
    oracle: str
    pinned: Arrays = field(default_factory=dict)
    carry_state: bool = False
    top1: bool = False
    holder: object = None
    """Keeps the folder of a copy."""

    def pin_parameters(self) -> Case:
        """The same case with every input but the first as a constant."""
        names = list(self.inputs)
        first = {n: self.inputs[n] for n in names[:1]}
        rest = {n: self.inputs[n] for n in names[1:]}
        return replace(self, inputs=first, pinned=rest)

    def compare(self, found: list[Array]) -> str:
        """What is wrong with outputs, empty where they are right."""
        if len(found) != len(self.outputs):
            return f"{len(found)} outputs instead of {len(self.outputs)}"
        pairs = zip(found, self.outputs, strict=True)
        findings = [self._difference(a, b) for a, b in pairs]
        return next((text for text in findings if text), "")

    def _difference(self, found: Array, want: Array) -> str:
        if found.size != want.size or found.dtype != want.dtype:
            return f"{found.dtype}{list(found.shape)} instead of {want.dtype}{list(want.shape)}"
        found = found.reshape(want.shape)
        if self.top1:
            same = float(np.mean(found.argmax(axis=-1) == want.argmax(axis=-1)))
            return "" if same >= AGREEMENT else f"{same:.1%} of the largest outputs agree"
        if want.dtype.kind != "f":
            differ = int(np.count_nonzero(found != want))
            worst = int(np.abs(found.astype(np.int64) - want.astype(np.int64)).max(initial=0))
            return f"{differ} of {want.size} integers differ, by up to {worst}" if differ else ""
        largest = float(np.abs(want[np.isfinite(want)]).max(initial=0.0))
        if np.allclose(found, want, rtol=0, atol=FLOAT_TOLERANCE * largest, equal_nan=True):
            return ""
        gap = float(np.nanmax(np.abs(found.astype(np.float64) - want)))
        return f"differs by up to {gap:.3g} where the largest is {largest:.3g}"


def random_samples(shape: tuple[int, ...], dtype: np.dtype[Any], count: int, seed: int) -> Array:
    """Samples of one input: normal numbers, or integers over the whole range of the type."""
    rng = np.random.default_rng(seed)
    whole = (count * shape[0], *shape[1:]) if shape else (count,)
    if dtype.kind == "f":
        return rng.standard_normal(whole).astype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, whole).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, whole, dtype, endpoint=True)

"""The int8 softmax over every pair of inputs, for many scales."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.c.choice import PORTABLE
from edgekit.ir import Graph
from edgekit.ir.ops import QSoftmax
from quantize.requantize import quantize_multiplier
from tests.codegen.batch import BOTH, compile_all
from tests.codegen.graphs import int8, single
from tests.codegen.on_core import check, merged


def softmax(scale: float, beta: float, *shape: int) -> Graph:
    """As the lowering makes it: `quantize.lowering.pointwise.softmax`."""
    multiplier, left = quantize_multiplier(min(beta * scale * 2**26, 2.0**31 - 1))
    return single(QSoftmax(multiplier, left, -((31 * 2**26) // 2**left)), [int8(*shape)])


SCALES = (2.0**-25, 1e-5, 1e-3, 0.0037, 1 / 64, 0.1, 0.1663, 1 / 3, 1.0, 1.7, 13.0, 100.0)


@pytest.mark.parametrize("rows", [128, 65536])
@pytest.mark.parametrize("tool", BOTH)
def test_every_pair(tool: str, rows: int) -> None:
    """Few at a time with powers that are computed, all at once with powers from a table."""
    a, b = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128))
    pairs = np.stack([a, b], axis=-1).astype(np.int8).reshape(-1, rows, 2)
    for case in compile_all([softmax(s, 1.0, 1, rows, 2) for s in SCALES], tool):
        case.check([pairs])


def test_many_depths() -> None:
    rng = np.random.default_rng(1)
    cases = [
        softmax(s, b, 1, d) for s in SCALES for b in (1.0, 0.5) for d in (1, 3, 12, 100, 999, 1024)
    ]
    for case in compile_all(cases):
        depth = case.manifest.inputs[0].shape[1]
        narrow = rng.integers(90, 128, (20, depth)).astype(np.int8)
        wide = rng.integers(-128, 128, (20, depth)).astype(np.int8)
        equal = np.full((1, depth), -128, np.int8)
        case.check([np.concatenate([narrow, wide, equal])])


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m0plus", "rv32imc"])
def test_powers_from_a_table(core: str) -> None:
    """Rows of one element, rows so long that nothing is left, scales of every size."""
    shapes = ((1024, 1), (512, 2), (16, 64), (1, 3000))
    cases = [softmax(SCALES[3 * i], 1.0, 1, *s) for i, s in enumerate(shapes)]
    check(merged(cases), PORTABLE, core)


def test_the_outputs_are_probabilities() -> None:
    """Within a few steps of 1/256 of the real softmax, for scales that trained models have."""
    rng = np.random.default_rng(2)
    for scale in (0.02, 0.1, 0.3):
        (case,) = compile_all([softmax(scale, 1.0, 1, 10)])
        x = rng.integers(-128, 128, (200, 10)).astype(np.int8)
        real = np.exp(scale * (x.astype(np.float64) - x.max(axis=1, keepdims=True)))
        real /= real.sum(axis=1, keepdims=True)
        found = (case.run([x])[0].astype(np.int64) + 128) / 256
        assert np.abs(found - real).max() <= 1.01 / 256

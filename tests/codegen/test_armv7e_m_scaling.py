"""Scaled sums of Armv7E-M: what the instructions compute is what the requantization says."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.requant import SHIFTS
from codegen.assembly.armv7e_m.scaling import (
    CLAMP,
    EVEN,
    EVEN_CLAMP,
    SCALE,
    SHIFT,
    SHIFT_BITS,
    TWICE,
    Scaling,
    find_scaling,
)
from edgekit.ir.ops import Requant, Rounding
from quantize.requantize import make_requant, requantize

Int = NDArray[np.int64]
ORDER = np.array([0, 1, 2, 3], np.int64)
RULES = tuple(rule for rule in Rounding if rule is not Rounding.REDUCED)


def smmlar(x: Int, multiplier: Int, addend: Int) -> Int:
    """The rounded high word of a product, plus a word; every register has 32 bits."""
    assert np.abs(x).max() < 1 << 31
    return np.asarray(((x * multiplier + (1 << 31)) >> 32) + addend)


def outputs(sums: Int, scaling: Scaling, requant: Requant) -> Int:
    """What the instructions make of sums without bias, shape (sums, 4)."""
    upper = np.array([False, True, False, True])
    x = np.where(upper, 256, 1) * sums + scaling.start
    first, second = scaling.constants.T
    if scaling.tail == TWICE:
        twice = np.where(upper, x >> 7, 2 * x)
        half = (2 * requant.zero_point + 1) << (second - 1)
        high = (smmlar(twice, first, half) + (twice >> 63)) >> second
        return np.asarray(np.clip(high, -128, 127))
    if scaling.tail in (EVEN, EVEN_CLAMP):
        scale = first.astype(np.int32).view(np.float32)
        high = np.rint(x.astype(np.float32) * scale).astype(np.int64) + second
    elif scaling.tail == SHIFT:
        high = smmlar(np.where(upper, x >> 8, x), first, second >> SHIFT_BITS)
        high >>= second & ((1 << SHIFT_BITS) - 1)
    else:
        high = smmlar(x, first, second) >> np.where(upper, 8, 0) + scaling.shift
    if scaling.tail in (SCALE, EVEN):
        return np.asarray(np.clip(high, -128, 127))
    saturated = np.clip(np.clip(high, 0, 255) + 255 - requant.high + requant.low, 0, 255)
    return np.asarray(saturated - (255 - requant.high))


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(RULES),
    st.integers(1, 300),
    st.sampled_from([(-128, 127), (-128, 127), (-50, 60), (3, 127)]),
    st.floats(0, 7),
    st.booleans(),
)
def test_every_proven_form(
    seed: int, rule: Rounding, depth: int, clamp: tuple[int, int], spread: float, fpu: bool
) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(-127, 128, (4, depth)).astype(np.int64)
    rows[rng.random(4) < 0.1] = 0
    reach = 128 * np.abs(rows).sum(axis=1)
    bias = rng.integers(-reach - 2, reach + 2)
    bias[rng.random(4) < 0.1] = rng.choice([-(2**30), 2**30])
    bounds = reach + np.abs(bias)
    scales = 300 / np.maximum(reach, 1) * 2 ** rng.uniform(-spread, 1, 4)
    scales = np.minimum(np.minimum(scales, 0.49), 2**29 / np.maximum(bounds, 1))
    zero = int(rng.choice([-128, int(rng.integers(-128, 128))]))
    spec = make_requant(scales.tolist(), rule, zero, *clamp, [int(b) for b in bounds])
    found = find_scaling(spec, bias, rows, ORDER, SHIFTS, fpu)
    if isinstance(found, str):
        return
    low = np.minimum(-128 * rows, 127 * rows).sum(axis=1)
    high = np.maximum(-128 * rows, 127 * rows).sum(axis=1)
    spaced = np.linspace(low, high, 3000).astype(np.int64)
    ties = np.rint((np.arange(-300, 300)[:, None] + 0.5) / scales - bias).astype(np.int64)
    near = np.concatenate([ties + d for d in (-2, -1, 0, 1, 2)])
    sums = np.clip(np.concatenate([spaced, near]), low, high)
    np.testing.assert_array_equal(outputs(sums, found, spec), requantize(sums + bias, spec))


def test_usual_layers_have_a_cheap_form() -> None:
    """ReLU layers of every rule but EVEN, whose float product moves some thresholds; layers of
    DOUBLE without ReLU round twice."""
    rng = np.random.default_rng(1)
    rows = rng.integers(-127, 128, (4, 64)).astype(np.int64)
    scales = (2.0 ** rng.uniform(-10, -8, 4)).tolist()
    for rule in set(RULES) - {Rounding.EVEN}:
        relu = make_requant(scales, rule, -128)
        found = find_scaling(relu, np.zeros(4, np.int64), rows, ORDER, SHIFTS)
        assert isinstance(found, Scaling)
        assert (found.tail, found.shift) == (SCALE, 2)
    both = find_scaling(
        make_requant(scales, Rounding.DOUBLE, 4), np.zeros(4, np.int64), rows, ORDER, SHIFTS
    )
    assert isinstance(both, Scaling)
    assert both.tail == TWICE
    narrow = find_scaling(
        make_requant(scales, Rounding.SINGLE, 0, 0, 90), np.zeros(4, np.int64), rows, ORDER, SHIFTS
    )
    assert isinstance(narrow, Scaling)
    assert narrow.tail == CLAMP

"""Sums in one affine step: equal to the reference on every pair of operands, or refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgekit.ir.ops import QAdd, Rescale, Rounding
from edgekit.pipeline.vectors import reference_outputs
from quantize.affine_sum import OPERANDS, AffineSum, affine_sum
from quantize.requantize import make_requant, quantize_multiplier
from tests.codegen.graphs import int8, single

RULES = (Rounding.DOUBLE, Rounding.SINGLE, Rounding.HIGH, Rounding.EVEN)


def make(scales: tuple[float, float, float], zeros: tuple[int, int, int], rule: Rounding) -> QAdd:
    """A sum as a lowered model has it, of tensors with these scales and zero points."""
    twice = 2 * max(scales[:2])
    first, second = (
        Rescale(zero, *quantize_multiplier(scale / twice))
        for scale, zero in zip(scales[:2], zeros[:2], strict=True)
    )
    return QAdd(first, second, make_requant([twice / scales[2] * 2.0**-20], rule, zeros[2]))


def apply(form: AffineSum, op: QAdd) -> NDArray[np.int64]:
    sums = OPERANDS[:, None] * form.first + OPERANDS * form.second + form.offset
    return np.asarray(np.clip(sums >> form.shift, op.requant.low, op.requant.high))


def reference(op: QAdd) -> NDArray[np.int8]:
    graph = single(op, [int8(1, 256, 256), int8(1, 256, 256)])
    a, b = np.meshgrid(OPERANDS, OPERANDS, indexing="ij")
    found = reference_outputs(graph, [a[None].astype(np.int8), b[None].astype(np.int8)])
    return np.asarray(found[0][0])


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(*[st.floats(0.001, 0.1)] * 3),
    st.tuples(*[st.integers(-128, 127)] * 3),
    st.sampled_from(RULES),
)
def test_every_pair(
    scales: tuple[float, float, float], zeros: tuple[int, int, int], rule: Rounding
) -> None:
    op = make(scales, zeros, rule)
    form = affine_sum(op)
    if form is not None:
        np.testing.assert_array_equal(apply(form, op), reference(op))
        sums = OPERANDS[:, None] * form.first + OPERANDS * form.second + form.offset
        room = 2**31 - (128 << form.shift)
        assert -room <= sums.min() <= sums.max() < room


def test_ordinary_scales_have_a_form() -> None:
    rng = np.random.default_rng(0)
    found = 0
    for rule in RULES * 5:
        a, b, y = rng.uniform(0.01, 0.05, 3)
        za, zb, zy = map(int, rng.integers(-128, 128, 3))
        found += affine_sum(make((a, b, y), (za, zb, zy), rule)) is not None
    assert found == len(RULES * 5)


def test_ties_away_from_zero_need_other_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both scales half the output's: every odd sum is a tie, rounded by its sign."""
    op = make((1.0, 1.0, 2.0), (0, 0, 0), Rounding.DOUBLE)
    form = affine_sum(op)
    assert form is not None
    np.testing.assert_array_equal(apply(form, op), reference(op))
    monkeypatch.setattr("quantize.affine_sum.NUDGES", 0)
    assert affine_sum.__wrapped__(op) is None

"""The integer form of the FLOAT rule: equal to the double for every accumulator that can occur."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from codegen.c.operators.accumulators import declare_requant
from codegen.c.step import StepWriter
from edgekit.ir.ops import QDense, QRescale, Requant, Rounding
from edgekit.schedule import plan
from quantize.integer_form import symmetric_form
from quantize.requantize import bits_float, make_requant, requantize
from tests.codegen import graphs
from tests.codegen.batch import compile_all
from tests.codegen.graphs import int8, single

LIMIT = 2**24
"""Accumulators of real layers stay below: 255 * 127 * 518 products."""


def apply(form: tuple[NDArray[np.int32], NDArray[np.int32]], acc: NDArray[np.int64]) -> object:
    """``sign(acc) * ((|acc| * m + 2**(30 - s)) >> (31 - s))`` for one channel."""
    total = 31 - int(form[1][0])
    magnitude = (np.abs(acc) * int(form[0][0]) + (1 << (total - 1))) >> total
    return np.sign(acc) * magnitude


def interesting(scale: float, bound: int) -> NDArray[np.int64]:
    """Accumulators around every step of the output, the ends, and random ones."""
    steps = (np.arange(-600, 601) + 0.5) / scale
    steps = steps[np.abs(steps) < 2.0**40]
    near = (steps[:, None] + np.arange(-2, 3)).ravel().round().astype(np.int64)
    spread = np.random.default_rng(0).integers(-bound, bound + 1, 2000)
    everything = np.concatenate([near, spread, [-bound, -1, 0, 1, bound]])
    inside: NDArray[np.int64] = everything[np.abs(everything) <= bound]
    return inside


def check(requant: Requant, bound: int) -> bool:
    """True where there is a form; then it is right."""
    form = symmetric_form(requant, np.array([bound]))
    if form is None:
        return False
    (scale,) = scale_of(requant)
    acc = interesting(scale, bound)
    scaled = np.asarray(apply(form, acc)) + requant.zero_point
    found = np.clip(scaled, requant.low, requant.high)
    np.testing.assert_array_equal(found, requantize(acc, requant))
    return True


def scale_of(requant: Requant) -> list[float]:
    return [bits_float(bits) for bits in requant.multiplier]


@given(
    st.floats(2.0**-20, 1.0, exclude_max=True),
    st.integers(-128, 127),
    st.integers(1, LIMIT),
)
@settings(max_examples=300, deadline=None)
def test_random_scales(scale: float, zero_point: int, bound: int) -> None:
    check(make_requant([scale], Rounding.FLOAT, zero_point), bound)


@given(st.integers(1, 2**20), st.integers(0, 255), st.integers(-2, 2))
@settings(max_examples=300, deadline=None)
def test_scales_with_a_step_exactly_on_an_accumulator(acc: int, level: int, ulps: int) -> None:
    """``acc * scale`` is a tie, or misses one by a unit in the last place: the hardest case."""
    scale = (level + 0.5) / acc
    for _ in range(abs(ulps)):
        scale = float(np.nextafter(scale, np.inf if ulps > 0 else 0.0))
    if scale < 2.0**-20 or scale * LIMIT >= 2**30:
        return
    check(make_requant([scale], Rounding.FLOAT, 3), LIMIT)


def test_usual_scales_have_a_form() -> None:
    rng = np.random.default_rng(1)
    usual = 2 ** rng.uniform(-12, -3, 500)
    found = sum(check(make_requant([float(s)], Rounding.FLOAT, -5), LIMIT) for s in usual)
    assert found >= 495  # otherwise cores without doubles would nearly always compute doubles


def test_a_form_that_fails_is_not_given_out() -> None:
    """Two ties that no significand of 31 bits can both hit."""
    requant = make_requant([float(np.nextafter(0.5, 1.0))], Rounding.FLOAT)
    # The double rounds 2**30 * scale up by itself; the integer form may not pretend to.
    form = symmetric_form(requant, np.array([2**30]))
    if form is not None:
        check(requant, 2**30)
    tiny = make_requant([2.0**-40], Rounding.FLOAT)
    assert symmetric_form(tiny, np.array([LIMIT])) is None  # no 31-bit significand at all


def test_per_channel_forms() -> None:
    scales = [0.25, 0.001, 0.03125]
    requant = make_requant(scales, Rounding.FLOAT, 7)
    form = symmetric_form(requant, np.array([1000, 20000, 2**20]))
    assert form is not None
    assert form[0].shape == form[1].shape == (3,)
    for index, scale in enumerate(scales):
        acc = interesting(scale, 1000)
        one = (form[0][index : index + 1], form[1][index : index + 1])
        wanted = requantize(acc, make_requant([scale], Rounding.FLOAT))
        np.testing.assert_array_equal(np.clip(np.asarray(apply(one, acc)), -128, 127), wanted)


@pytest.mark.parametrize(("scale", "rule"), [(0.0123, "away"), (2.0**-40, "float")])
def test_what_is_emitted(scale: float, rule: str) -> None:
    requant = make_requant([scale], Rounding.FLOAT)
    graph = single(QRescale(requant, 0), [int8(1, 4)])
    program = plan(graph, lambda node: 0)
    writer = StepWriter("m", program, program.steps[0])
    assert declare_requant(writer, requant, np.array([255]))[1] == rule


def test_both_forms_compute_the_same_in_c() -> None:
    rng = np.random.default_rng(2)
    cases = [graphs.dense(rng, 1, 40, 6, Rounding.FLOAT) for _ in range(20)]
    cases += [
        single(QRescale(make_requant([s], Rounding.FLOAT, 3), 7), [int8(1, 256)])
        for s in (0.5, 0.25, 2.0**-40, 1 / 3, 0.9999999999, 3.5, 1000.0)
    ]
    # A scale far below what an int32 significand holds, with accumulators that still reach 1.
    weights = np.full((1, 4096), 127, np.int8)
    bias = np.zeros(1, np.int32)
    tiny = make_requant([2.0**-33 * 1.1], Rounding.FLOAT)
    cases.append(single(QDense(tiny, -128), [int8(1, 4096), weights, bias]))
    for case in compile_all(cases):
        case.check_samples()

"""Calibration data: what is refused, and with which words; what the observers see."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.errors import DataError, UsageError
from edgekit.importers.onnx import load_onnx
from edgekit.ir import Graph
from edgekit.passes import CANONICAL, run_passes
from quantize.calibrate import value_ranges
from quantize.observers import MinMax, Percentile, Range
from quantize.ports import feeds
from quantize.ptq import quantize_graph
from tests.onnx_models import Arrays, noise, onnx_model, save

GOOD = noise(3, 2, 6, 6)


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """One input ``picture``, canonical."""
    model = onnx_model("y = Relu(picture)", "float[n,2,6,6] picture")
    return run_passes(load_onnx(save(model, tmp_path)), CANONICAL)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"picture": noise(3, 6, 6, 2)}, "found float32[3, 6, 6, 2]"),
        ({"picture": noise(2, 6, 6)}, "found float32[2, 6, 6]"),
        ({"picture": GOOD[:0]}, "n >= 1"),
        ({"other": GOOD}, "'other'"),
        ({}, "no array is given"),
        ({"picture": GOOD.astype(np.int64)}, "found int64"),
        ({"picture": np.where(GOOD > 1, np.nan, GOOD)}, "NaN"),
        ({"picture": np.where(GOOD > 1, np.inf, GOOD)}, "infinite"),
        ({"picture": np.where(GOOD > 1, 1e300, np.float64(0))}, "beyond float32"),
    ],
)
def test_unfit_data_is_refused(data: Arrays, expected: str, graph: Graph) -> None:
    with pytest.raises(DataError) as caught:
        quantize_graph(graph, data)
    assert expected in str(caught.value)
    assert "calibration data" in str(caught.value)
    assert "picture" in str(caught.value), "what was expected is said"


@pytest.mark.parametrize("observer", ["minmax", "percentile"])
@pytest.mark.parametrize(
    ("body", "samples", "first"),
    [
        ("a = Add(x, x) b = Relu(a) y = Relu(b)", [[1.0], [3e38]], "'a'"),
        ("a = Add(x, x) b = Sub(a, a) y = Relu(b)", [[3e38], [1.0]], "'a'"),
    ],
)
def test_values_that_leave_float32_are_named(
    body: str, samples: list[list[float]], first: str, observer: str, tmp_path: Path
) -> None:
    graph = run_passes(load_onnx(save(onnx_model(body, "float[n,1] x"), tmp_path)), CANONICAL)
    data = {"x": np.array(samples, np.float32)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match="overflow") as caught:
            quantize_graph(graph, data, observer=observer)
    assert len(caught.value.problems) == 1, "what only follows from it is not named"
    assert first in caught.value.problems[0].where


def test_min_max_never_forgets_nan() -> None:
    seen = MinMax()
    for data in ([1.0, 2.0], [np.nan, 0.0], [3.0, 4.0]):
        seen.update(np.array(data, np.float32))
    assert not seen.range().is_finite


def test_samples_by_name_or_x(graph: Graph, tmp_path: Path) -> None:
    labels = np.zeros(3, np.int64)
    assert list(feeds(graph, {"x": GOOD, "y": labels})) == ["picture"]
    model = onnx_model("h = Add(x, y) z = Relu(h)", "float[n,5] x, float[n,5] y", "float[] z")
    both = run_passes(load_onnx(save(model, tmp_path)), CANONICAL)
    assert list(feeds(both, {"y": noise(3, 5), "x": noise(3, 5)})) == ["x", "y"]
    with pytest.raises(DataError) as caught:
        feeds(both, {"x": np.array(1.0, np.float32), "q": noise(3, 5)})
    assert [p.where for p in caught.value.problems] == ["array 'q'", "input 'x'", "input 'y'"]


def test_every_problem_at_once(tmp_path: Path) -> None:
    model = onnx_model("h = Add(a, b) y = Relu(h)", "float[n,5] a, float[n,5] b")
    graph = run_passes(load_onnx(save(model, tmp_path)), CANONICAL)
    with pytest.raises(DataError) as caught:
        quantize_graph(graph, {"a": noise(3, 4), "c": noise(1)})
    assert len(caught.value.problems) == 3
    with pytest.raises(DataError, match="numbers of samples differ"):
        quantize_graph(graph, {"a": noise(3, 5), "b": noise(4, 5)})


def test_one_input_may_be_called_x_and_labels_are_left_aside(graph: Graph) -> None:
    named = value_ranges(graph, {"picture": GOOD})
    assert value_ranges(graph, {"x": GOOD, "y": np.zeros(3)}) == named
    assert value_ranges(graph, {"x": GOOD.astype(np.float64)}) == named


def test_ranges_are_those_of_the_data(graph: Graph) -> None:
    ranges = value_ranges(graph, {"x": GOOD})
    assert ranges["picture"] == Range(float(GOOD.min()), float(GOOD.max()))
    assert ranges[graph.outputs[0].name] == Range(0.0, float(GOOD.max()))


def test_observer_must_exist(graph: Graph) -> None:
    with pytest.raises(UsageError, match="minmax, percentile"):
        value_ranges(graph, {"x": GOOD}, observer="entropy")
    with pytest.raises(UsageError, match="percentile 20"):
        value_ranges(graph, {"x": GOOD}, observer="percentile", percentile=20)


def observe(data: NDArray[np.float32], percentile: float) -> Range:
    """Percentile observer fed in two parts."""
    first = MinMax()
    first.update(data)
    second = Percentile(first.range(), percentile)
    for part in np.array_split(data, 2):
        second.update(part)
    return second.range()


@pytest.mark.parametrize("percentile", [99.0, 99.9])
def test_percentile_agrees_with_numpy(percentile: float) -> None:
    data = noise(100_000)
    found = observe(data, percentile)
    assert found.high == pytest.approx(np.percentile(data, percentile), abs=0.01)
    assert found.low == pytest.approx(np.percentile(data, 100 - percentile), abs=0.01)


def test_percentile_of_one_hundred_and_of_a_constant() -> None:
    data = noise(1000)
    found = observe(data, 100.0)
    assert (found.low, found.high) == pytest.approx((data.min(), data.max()))
    assert observe(np.full(10, 2.5, np.float32), 99.0) == Range(2.5, 2.5)

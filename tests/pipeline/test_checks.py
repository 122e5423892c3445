"""Comparison with the reference, and figures over labelled data."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.artefact import Port
from edgekit.errors import DataError, UsageError
from edgekit.ir import DType
from edgekit.options import ConvertOptions
from edgekit.pipeline.checks import compare, count_identical, difference
from edgekit.pipeline.evaluation import area_under_curve, by_name, score


def _port(dtype: DType) -> Port:
    return Port("y", "output_0", dtype, (1, 3), "", None, 0, dtype, (1, 3))


def _check(want: list[float], got: list[float], dtype: DType = DType.FLOAT32) -> bool:
    a, b = (np.array([v], dtype.numpy) for v in (want, got))
    return compare("host", [_port(dtype)], [a], [b]).passed


def test_floats_pass_within_the_tolerance_only() -> None:
    assert _check([1.0, -2.0, 0.0], [1.0001, -2.0, 0.0])
    assert not _check([1.0, -2.0, 0.0], [1.001, -2.0, 0.0])
    assert not _check([0.0, 0.0, 0.0], [0.0, 0.0, 1e-9])


def test_infinite_values_pass_only_where_both_sides_have_them() -> None:
    inf, nan = float("inf"), float("nan")
    assert not _check([inf, 1.0, 2.0], [1.0, 1.0, 2.0])
    assert not _check([1.0, 1.0, 2.0], [inf, 1.0, 2.0])
    assert not _check([inf, 1.0, 2.0], [-inf, 1.0, 2.0])
    assert not _check([inf, 1.0, 2.0], [inf, 1.0, 3.0])
    assert not _check([1.0, 1.0, 2.0], [nan, 1.0, 2.0])
    assert _check([inf, nan, 2.0], [inf, nan, 2.0])


def test_integers_pass_only_where_identical() -> None:
    assert _check([1, 2, 3], [1, 2, 3], DType.INT8)
    assert not _check([1, 2, 3], [1, 2, 4], DType.INT8)
    a, b = np.array([[1, 2], [3, 4], [5, 6]]), np.array([[1, 2], [3, 5], [5, 6]])
    assert count_identical({"y": b}, {"y": a}) == 2
    assert difference(a, b)[0].max() == 1


def test_inputs_are_found_by_name_whatever_their_order() -> None:
    a, b = np.zeros((2, 3)), np.ones((2, 3))
    data = {"b": b, "a": a}
    assert by_name(data, ["a", "b"])["a"] is a
    assert by_name({"x": b}, ["image"])["image"] is b


def test_probabilities_of_the_inputs_shape_are_classes() -> None:
    outputs = {"p": np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])}
    inputs = {"x": np.array([[5.0, 1.0], [1.0, 3.0], [2.0, 2.0]])}
    found = score(outputs, inputs, np.array([0, 1, 1]), "m", "host")
    assert found.top1 == pytest.approx(2 / 3)
    assert found.correct == 2
    assert found.mse is None


def test_an_output_that_is_no_vector_of_classes_is_refused() -> None:
    with pytest.raises(DataError, match="do not fit"):
        score({"m": np.zeros((2, 4, 3))}, {"x": np.zeros((2, 5))}, np.array([0, 2]), "m", "host")


def test_a_reconstruction_gives_error_and_auc() -> None:
    x = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]])
    y = x + np.array([[0.1], [0.1], [2.0], [3.0]])
    found = score({"y": y}, {"x": x}, np.array([0, 0, 1, 1]), "m", "host")
    assert found.auc == 1.0
    assert found.mse == pytest.approx((0.01 + 0.01 + 4 + 9) / 4)


def test_auc_counts_ties_half() -> None:
    assert area_under_curve(np.array([1.0, 1.0]), np.array([0, 1])) == 0.5
    assert area_under_curve(np.array([1.0, 2.0]), np.array([1, 1])) is None


def test_labels_outside_the_classes_are_refused() -> None:
    with pytest.raises(DataError, match=r"0\.\.1"):
        score({"p": np.zeros((2, 2))}, {"x": np.zeros((2, 5))}, np.array([0, 2]), "m", "host")


def test_wrong_options_are_refused_all_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        ConvertOptions("cortex-m4", precision="int4", rounding="bogus", vectors=0)  # type: ignore[arg-type]
    assert [p.where for p in caught.value.problems] == ["precision", "rounding", "vectors"]

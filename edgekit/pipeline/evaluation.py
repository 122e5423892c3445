"""Figures over labelled data: top-1, or MSE and AUC where a model reconstructs its input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import DataError, Problem
from edgekit.npz import LABELS
from edgekit.report.results import Evaluation

Array = NDArray[Any]


def by_name(arrays: Mapping[str, Array], names: Sequence[str]) -> Mapping[str, Array]:
    """The arrays by the model's input names: a model with one input also takes ``x``."""
    if len(names) == 1 and names[0] not in arrays:
        return {names[0]: next(iter(arrays.values()))}
    return arrays


def score(
    outputs: Mapping[str, Array],
    inputs: Mapping[str, Array],
    labels: Array | None,
    subject: str,
    on: str,
) -> Evaluation:
    """Score the first output.

    An output with the first input's shape is a reconstruction, unless its rows are probabilities:
    its squared error, and with labels 0/1 (1 for an anomaly) the AUC of that error. Otherwise
    integer labels of shape (n,) with an output of several classes give top-1. Other labels must
    have the output's shape and give the MSE.

    Args:
        outputs, inputs: real numbers by name, samples first.
        labels: the array ``y``, or None.
        subject, on: what was evaluated, and where.

    Raises:
        DataError: labels are missing or fit none of these.
    """
    found = next(iter(outputs.values()))
    real = found.astype(np.float64)
    count = len(real)
    source = next(iter(inputs.values()))
    reconstructs = source.shape == found.shape and not _probabilities(real.reshape(count, -1))
    if reconstructs and _anomaly_labels(labels, count):
        errors = np.square(real - source.astype(np.float64)).reshape(count, -1).mean(axis=1)
        auc = None if labels is None else area_under_curve(errors, np.asarray(labels))
        return Evaluation(subject, on, count, mse=float(errors.mean()), auc=auc)
    if labels is None:
        raise DataError(f"the data hold no labels; name them '{LABELS}'")
    labels = np.asarray(labels)
    classes = len([n for n in found.shape[1:] if n > 1]) == 1
    if labels.shape == (count,) and labels.dtype.kind in "iub" and classes:
        flat = real.reshape(count, -1)
        _check_classes(labels, flat.shape[1])
        correct = int((flat.argmax(axis=1) == labels).sum())
        return Evaluation(subject, on, count, top1=correct / count, correct=correct)
    if labels.size == found.size and len(labels) == count:
        gap = real.reshape(count, -1) - labels.astype(np.float64).reshape(count, -1)
        return Evaluation(subject, on, count, mse=float(np.square(gap).mean()))
    allowed = f"integers of shape ({count},), or values of shape {found.shape}"
    problem = Problem(f"is {labels.dtype}{list(labels.shape)}", f"array '{LABELS}'", allowed)
    raise DataError("the labels do not fit the model's output", [problem])


def area_under_curve(scores: Array, labels: Array) -> float | None:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties half.

    None where only one class occurs. Source: the Mann-Whitney U statistic.
    """
    positive, negative = scores[labels == 1], scores[labels == 0]
    if not len(positive) or not len(negative):
        return None
    order = np.sort(negative)
    below = np.searchsorted(order, positive, "left")
    through = np.searchsorted(order, positive, "right")
    return float((below + through).sum() / (2 * len(positive) * len(negative)))


def _probabilities(rows: Array) -> bool:
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1.0, atol=0.05))


def _anomaly_labels(labels: Array | None, count: int) -> bool:
    if labels is None:
        return True
    values = np.asarray(labels)
    return values.shape == (count,) and bool(np.isin(values, (0, 1)).all())


def _check_classes(labels: Array, classes: int) -> None:
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        problem = Problem(f"holds {low}..{high}", f"array '{LABELS}'", f"0..{classes - 1}")
        raise DataError("the labels name classes that the model does not have", [problem])

"""Calibration: run a float graph on samples and observe the range of every value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import DataError, Problem, UsageError
from edgekit.ir import DType, Graph
from quantize.observers import OBSERVERS, MinMax, Observer, Range
from quantize.ports import Arrays, count, feeds, rows
from quantize.reference import Evaluator

DEFAULT_PERCENTILE = 99.99


def value_ranges(
    graph: Graph,
    calibration: Mapping[str, NDArray[Any]],
    *,
    observer: str = "minmax",
    percentile: float = DEFAULT_PERCENTILE,
) -> dict[str, Range]:
    """The range of every input and intermediate value of a float graph, by value name.

    Args:
        graph: a float graph with bindings.
        calibration: samples in the source model's layout, see `quantize.ports.feeds`.
        observer: ``minmax``, or ``percentile`` to leave rare extremes out.
        percentile: per cent of numbers below the upper (above the lower) bound, in (50, 100].

    Raises:
        DataError: the samples do not fit the model, or take a value out of float32.
        UsageError: the observer or the percentile does not exist.
    """
    if observer not in OBSERVERS:
        raise UsageError(f"no observer '{observer}'; allowed: {', '.join(OBSERVERS)}")
    if not 50.0 < percentile <= 100.0:
        raise UsageError(f"percentile {percentile} is outside (50, 100]")
    arrays = feeds(graph, calibration, "calibration data")
    ranges = _observe(graph, arrays, lambda name: MinMax())
    _refuse_overflow(graph, ranges)
    make = OBSERVERS[observer]
    if make is None:
        return ranges
    chosen = make
    return _observe(graph, arrays, lambda name: chosen(ranges[name], percentile))


def _refuse_overflow(graph: Graph, ranges: Mapping[str, Range]) -> None:
    """Name every value that left float32 although what it is computed from did not."""
    lost = {name for name, range in ranges.items() if not range.is_finite}
    problems = [
        Problem(
            "becomes infinite or NaN on these samples",
            f"value '{value.name}' of {node.op.name} '{node.name}'",
            "finite float32",
            "Check the scale of the samples: are they preprocessed as in training?",
        )
        for node in graph.nodes
        for value in node.outputs
        if value.name in lost and not any(v is not None and v.name in lost for v in node.inputs)
    ]
    if problems:
        raise DataError(f"the calibration data overflow '{graph.name}'", problems)


def _observe(graph: Graph, arrays: Arrays, make: Callable[[str], Observer]) -> dict[str, Range]:
    real = [v.name for v in graph.inputs if v.type.dtype is DType.FLOAT32]
    real += [v.name for n in graph.nodes for v in n.outputs if v.type.dtype is DType.FLOAT32]
    observers = {name: make(name) for name in real}
    with np.errstate(over="ignore", invalid="ignore"):  # refused by name afterwards
        for values in walk(graph, arrays):
            for name, item in observers.items():
                item.update(values[name])
    return {name: item.range() for name, item in observers.items()}


def walk(graph: Graph, arrays: Arrays) -> Iterator[Arrays]:
    """Every value of the graph for feeds of any length, a few samples at a time."""
    evaluator = Evaluator(graph)
    # All values are kept at once, the evaluator's chunk counts the largest node only.
    size = max(1, evaluator.chunk // 4)
    for start in range(0, count(arrays), size):
        evaluator.reset()
        yield evaluator.run(rows(arrays, start, start + size), keep="all")

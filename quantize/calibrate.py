"""Calibration: run a float graph on samples and observe the range of every value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

from edgekit.errors import UsageError
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
        DataError: the samples do not fit the model.
        UsageError: the observer or the percentile does not exist.
    """
    if observer not in OBSERVERS:
        raise UsageError(f"no observer '{observer}'; allowed: {', '.join(OBSERVERS)}")
    if not 50.0 < percentile <= 100.0:
        raise UsageError(f"percentile {percentile} is outside (50, 100]")
    arrays = feeds(graph, calibration, "calibration data")
    ranges = _observe(graph, arrays, lambda name: MinMax())
    make = OBSERVERS[observer]
    if make is None:
        return ranges
    chosen = make
    return _observe(graph, arrays, lambda name: chosen(ranges[name], percentile))


def _observe(graph: Graph, arrays: Arrays, make: Callable[[str], Observer]) -> dict[str, Range]:
    real = [v.name for v in graph.inputs if v.type.dtype is DType.FLOAT32]
    real += [v.name for n in graph.nodes for v in n.outputs if v.type.dtype is DType.FLOAT32]
    observers = {name: make(name) for name in real}
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

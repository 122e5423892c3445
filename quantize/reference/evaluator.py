"""Run a graph through the numpy definitions, many samples at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import DataError, ModelError, Problem
from edgekit.ir import Graph, Node, Value
from edgekit.ir.ops import (
    AvgPool2D,
    BatchNorm,
    Binary,
    Concat,
    Conv2D,
    Copy,
    Dense,
    Dequantize,
    Gather,
    LogSoftmax,
    MatMul,
    MaxPool2D,
    Mean,
    Op,
    Pad,
    Pointwise,
    QAdd,
    QAvgPool2D,
    QClip,
    QConv2D,
    QDense,
    QLookup,
    QMaxPool2D,
    QMean,
    QMeanPool2D,
    QMul,
    QRescale,
    QResizeBilinear,
    QSoftmax,
    QTableSoftmax,
    Quantize,
    Reduce,
    Resample,
    Reshape,
    Slice,
    Softmax,
    Transpose,
    Where,
)
from quantize.reference.definitions import DEFINITIONS, PLAIN, REAL

Array = NDArray[Any]
Arrays = dict[str, Array]
Keep = Literal["all"] | None

SAMPLE_BY_SAMPLE = (
    AvgPool2D, BatchNorm, Conv2D, Copy, Dense, Dequantize, MaxPool2D, QAvgPool2D, QClip,
    QConv2D, QDense, QLookup, QMaxPool2D, QMeanPool2D, QRescale, QTableSoftmax, Quantize,
    AvgPool2D, BatchNorm, Conv2D, Copy, Dense, Dequantize, MaxPool2D, QAvgPool2D, QClip, QConv2D,
    QDense, QMaxPool2D, QRescale, QResizeBilinear, Quantize,
)  # fmt: skip
"""Operators that never combine elements of different samples in axis 0: many samples run at once.
Any other operator is evaluated one sample at a time, which is slower and always right."""

_CHUNK_BYTES = 32 * 2**20
_LARGEST_CHUNK = 128


def evaluate(graph: Graph, feeds: Mapping[str, Array], *, keep: Keep = None) -> Arrays:
    """Run a graph on samples that do not know of each other (state starts afresh for each).

    Args:
        graph: float or integer graph.
        feeds: for each graph input, by value name, an array whose leading axis counts samples in
            place of the graph's batch of 1.
        keep: ``"all"`` also returns every intermediate value.

    Returns:
        Arrays by value name: the outputs, or with ``keep`` every value but constants.

    Raises:
        ModelError: an operator has no definition, or values have types it does not take.
        DataError: an input is missing, unknown or of the wrong shape or dtype.
    """
    evaluator = Evaluator(graph)
    samples = evaluator.check_feeds(feeds)
    size = evaluator.chunk
    parts: list[Arrays] = []
    for start in range(0, samples, size):
        evaluator.reset()
        stop = min(start + size, samples)
        parts.append(evaluator.run(_rows(graph, feeds, start, stop), keep))
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class Evaluator:
    """Runs one graph repeatedly and carries its state from run to run.

    Samples of one `run` are independent streams: each has its own state.

    Args:
        graph: float or integer graph; must not be edited while the evaluator is used.

    Raises:
        ModelError: operators without a definition, all of them named.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._state: Arrays = {}
        self._streams = 0
        self._vectorised = not any(_mixes_samples(node) for node in graph.nodes) and all(
            v.type.shape for v in graph.inputs
        )
        problems = [
            Problem(f"operator {node.op.name} has no reference definition", node.name)
            for node in graph.nodes
            if type(node.op) not in DEFINITIONS
        ]
        problems += [p for node in graph.nodes for p in _type_problems(node)]
        if problems:
            raise ModelError(f"'{graph.name}' cannot be evaluated", problems)

    @property
    def chunk(self) -> int:
        """How many samples to run at once so that intermediate arrays stay in some tens of MB."""
        largest = max((_working_bytes(node) for node in self.graph.nodes), default=1)
        return max(1, min(_LARGEST_CHUNK, _CHUNK_BYTES // max(largest, 1)))

    def reset(self) -> None:
        """Forget the state: the next run starts from the initial one."""
        self._state = {}
        self._streams = 0

    def run(self, feeds: Mapping[str, Array], keep: Keep = None) -> Arrays:
        """Run once; see `evaluate` for feeds and result.

        Raises:
            DataError: the feeds do not fit, or the number of samples changed without a reset.
        """
        samples = self.check_feeds(feeds)
        if self.graph.states and self._streams not in (0, samples):
            raise DataError(
                f"'{self.graph.name}' carries the state of {self._streams} samples, "
                f"this run has {samples}. Call reset() first."
            )
        self._streams = samples
        # Infinite and NaN numbers are results like others here; whoever compares judges them.
        with np.errstate(over="ignore", invalid="ignore"):
            return self._run_all(feeds, keep, samples)

    def _run_all(self, feeds: Mapping[str, Array], keep: Keep, samples: int) -> Arrays:
        if self._vectorised:
            return self._run(feeds, self._states(0, samples), keep, 0)
        parts = []
        for index in range(samples):
            one = _rows(self.graph, feeds, index, index + 1)
            parts.append(self._run(one, self._states(index, index + 1), keep, index))
        return {
            name: np.concatenate([np.atleast_1d(part[name]) for part in parts]) for name in parts[0]
        }

    def check_feeds(self, feeds: Mapping[str, Array]) -> int:
        """The number of samples in ``feeds``.

        Raises:
            DataError: with everything that does not fit.
        """
        graph, problems, counts = self.graph, list[Problem](), set[int]()
        known = {v.name for v in graph.inputs}
        for name in feeds:
            if name not in known:
                problems.append(Problem("is not an input", f"'{name}'", ", ".join(sorted(known))))
        for value in graph.inputs:
            array = feeds.get(value.name)
            if array is None:
                problems.append(Problem("no array is given", f"input '{value.name}'"))
            elif not _fits(array, value):
                found = f"found {array.dtype}{list(array.shape)}"
                shape = ["n", *value.type.shape[1:]]
                allowed = f"{value.type.dtype.value}[{', '.join(map(str, shape))}]"
                problems.append(Problem(found, f"input '{value.name}'", allowed))
            else:
                counts.add(_count(array, value))
        if not problems and len(counts) > 1:
            problems.append(Problem(f"inputs hold different numbers of samples {sorted(counts)}"))
        if counts == {0}:
            problems.append(Problem("the arrays hold no samples"))
        if problems:
            raise DataError(f"the inputs do not fit '{graph.name}'", problems)
        return counts.pop() if counts else 1

    def _states(self, start: int, stop: int) -> Arrays:
        """State of the streams start..stop by name of the state value, initial where unset."""
        states = {}
        for link in self.graph.states:
            name, rows = link.state.name, _leading(link.state)
            if name not in self._state:
                initial = np.asarray(link.initial).reshape(link.state.type.shape)
                self._state[name] = np.concatenate([initial] * self._streams)
            states[name] = self._state[name][start * rows : stop * rows]
        return states

    def _run(self, feeds: Mapping[str, Array], states: Arrays, keep: Keep, first: int) -> Arrays:
        graph = self.graph
        values: Arrays = {
            v.name: np.asarray(feeds[v.name]).reshape(v.type.shape)
            if not v.type.shape
            else np.asarray(feeds[v.name])
            for v in graph.inputs
        }
        values.update(states)
        last = {} if keep == "all" else _last_uses(graph)
        for index, node in enumerate(graph.nodes):
            inputs = [None if v is None else _array(v, values) for v in node.inputs]
            try:
                result = DEFINITIONS[type(node.op)](node.op, node, *inputs)
            except (ValueError, TypeError, IndexError) as error:
                where = f"{node.op.name} '{node.name}'"
                raise ModelError(f"{where} cannot be evaluated: {error}") from error
            results = result if isinstance(result, tuple) else (result,)
            for value, array in zip(node.outputs, results, strict=True):
                values[value.name] = array
            for name in last.get(index, ()):
                values.pop(name, None)
        for link in graph.states:
            rows = _leading(link.state)
            update = _array(link.update, values)
            kept = self._state[link.state.name].copy()
            kept[first * rows : first * rows + update.shape[0]] = update
            self._state[link.state.name] = kept
        if keep == "all":
            return values
        return {v.name: _array(v, values) for v in graph.outputs}


def _array(value: Value, values: Arrays) -> Array:
    return value.data if value.data is not None else values[value.name]


def _leading(value: Value) -> int:
    return value.type.shape[0] if value.type.shape else 1


def _count(array: Array, value: Value) -> int:
    return int(array.shape[0]) // _leading(value)


def _fits(array: Array, value: Value) -> bool:
    shape = value.type.shape or (1,)  # samples of a scalar form a vector
    return (
        array.dtype == value.type.dtype.numpy
        and array.ndim == len(shape)
        and array.shape[1:] == shape[1:]
        and array.shape[0] % shape[0] == 0
    )


def _rows(graph: Graph, feeds: Mapping[str, Array], start: int, stop: int) -> Arrays:
    return {v.name: feeds[v.name][start * _leading(v) : stop * _leading(v)] for v in graph.inputs}


def _last_uses(graph: Graph) -> dict[int, list[str]]:
    """Index of the node that reads a value last -> names of values free after it."""
    kept = {v.name for v in graph.outputs} | {s.update.name for s in graph.states}
    last: dict[str, int] = {}
    for index, node in enumerate(graph.nodes):
        for value in (*node.inputs, *node.outputs):
            if value is not None and not value.is_constant:
                last[value.name] = index
    free: dict[int, list[str]] = {}
    for name, index in last.items():
        if name not in kept:
            free.setdefault(index, []).append(name)
    return free


def _working_bytes(node: Node) -> int:
    """Rough bytes that one sample needs while this node runs (gathered windows included)."""
    shapes = [v.type.shape for v in node.inputs if v is not None]
    out = math.prod(node.output.type.shape) * 8
    if isinstance(node.op, Conv2D | QConv2D) and node.op.groups == 1:
        weights = math.prod(shapes[1]) // max(shapes[1][0], 1)
        spatial = math.prod(node.output.type.shape) // max(shapes[1][0], 1)
        return out + spatial * weights * 4
    return out + sum(math.prod(s) for s in shapes[:1]) * 8


def _mixes_samples(node: Node) -> bool:
    """True where the operator would combine elements of different samples in axis 0."""
    op, shapes = node.op, [() if v is None else v.type.shape for v in node.inputs]
    out = node.output.type.shape
    if not out or not shapes[0]:
        return True
    rank = len(shapes[0])
    match op:
        case Reshape():
            return False
        case Transpose():
            return op.perm[0] != 0
        case Pad():
            return len(node.inputs) > 1 or bool(op.before[0] or op.after[0])
        case Concat():
            return op.axis == 0 or any(s[0] != out[0] for s in shapes)
        case Mean() | QMean() | Reduce():
            return 0 in op.axes
        case Gather() | Resample():
            return op.axis == 0 or not node.input(1).is_constant
        case Slice():
            return (op.starts[0], op.sizes[0], op.steps[0]) != (0, shapes[0][0], 1)
        case Softmax() | LogSoftmax():
            return op.axis == 0
        case QSoftmax() | QTableSoftmax():
            return rank == 1
        case MatMul():
            a, b = node.input(0), node.input(1)
            alike = len(out) == 2 or len(shapes[1]) < len(out) or shapes[1][0] == 1
            return a.is_constant or not b.is_constant or rank < len(out) or not alike
        case Pointwise() | QAdd() | QMul():
            return any(_misaligned(v, out) for v in node.inputs if v is not None)
        case _:
            own = [v is not None and not v.is_constant for v in node.inputs]
            return not isinstance(op, SAMPLE_BY_SAMPLE) or own != [True] + [False] * (len(own) - 1)


def _misaligned(value: Value, out: tuple[int, ...]) -> bool:
    shape = value.type.shape
    if value.is_constant:
        return len(shape) == len(out) and shape[0] != 1
    return len(shape) != len(out) or shape[0] != out[0]


def _keeps_codes(op: Op) -> bool:
    """True for operators that choose among elements of one quantization."""
    return isinstance(op, Where) or (isinstance(op, Binary) and op.function in ("max", "min"))


def _type_problems(node: Node) -> Iterable[Problem]:
    real, plain = type(node.op) in REAL, isinstance(node.op, PLAIN) and not _keeps_codes(node.op)
    for value in node.inputs:
        if value is None or not (real or plain):
            continue
        if value.type.quant is not None or (real and value.type.dtype.value != "float32"):
            yield Problem(
                f"reads '{value.name}' of type {value.type.dtype.value}",
                f"{node.op.name} '{node.name}'",
                "float32",
                "Lower a quantized graph to integer operators first.",
            )
            return

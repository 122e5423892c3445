"""How much of the float model's signal each layer of the integer model keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import DType, Graph, Value
from quantize.calibrate import walk
from quantize.ports import count, feeds, rows
from quantize.schemes import dequantize_array

_CHUNK = 16
"""Samples at a time: every value of both graphs is in memory."""


@dataclass(frozen=True)
class LayerError:
    """Difference between a value of the integer graph and the same value of the float graph.

    Attributes:
        name: the value's newest name in the source model.
        op: the operator that computes it.
        sqnr_db: ratio of signal to quantization noise, 10 log10(sum x^2 / sum (x - y)^2); None
            where there is no signal or no noise.
        max_abs: largest absolute difference, in the value's own unit.
        mean_abs: mean of the absolute difference.
        mean: mean of integer minus float: a bias that later layers see.
    """

    name: str
    op: str
    sqnr_db: float | None
    max_abs: float
    mean_abs: float
    mean: float


@dataclass
class _Sums:
    signal: float = 0.0
    noise: float = 0.0
    total: float = 0.0
    absolute: float = 0.0
    largest: float = 0.0
    count: int = 0

    def add(self, want: NDArray[Any], got: NDArray[Any]) -> None:
        difference = got.astype(np.float64) - want
        self.signal += float(np.square(want, dtype=np.float64).sum())
        self.noise += float(np.square(difference).sum())
        self.total += float(difference.sum())
        self.absolute += float(np.abs(difference).sum())
        self.largest = max(self.largest, float(np.abs(difference).max()))
        self.count += difference.size


def quantization_error(
    float_graph: Graph, integer_graph: Graph, samples: Mapping[str, NDArray[Any]]
) -> list[LayerError]:
    """Compare a float graph and its integer form layer by layer.

    Values are matched by their names in the source model; layouts may differ (NCHW, NHWC).

    Args:
        float_graph: the canonical float graph.
        integer_graph: made from it: quantized and lowered.
        samples: inputs in the source model's layout and dtype, see `quantize.ports.feeds`.

    Returns:
        One entry for each node of the integer graph whose value the float graph also has, in order
        of execution.

    Raises:
        DataError: the samples do not fit.
        ModelError: a graph cannot be evaluated.
    """
    real_feeds = feeds(float_graph, samples)
    integer_feeds = feeds(integer_graph, samples)
    pairs = _match(float_graph, integer_graph)
    sums = [_Sums() for _ in pairs]
    for start in range(0, count(real_feeds), _CHUNK):
        want = _merged(float_graph, rows(real_feeds, start, start + _CHUNK))
        got = _merged(integer_graph, rows(integer_feeds, start, start + _CHUNK))
        for total, (real, integer, perm) in zip(sums, pairs, strict=True):
            wanted = want[real.name]
            quant = integer.type.quant
            found = got[integer.name]
            total.add(
                wanted if perm is None else wanted.transpose(perm),
                found if quant is None else dequantize_array(found, quant),
            )
    return [_entry(integer, total) for (_, integer, _), total in zip(pairs, sums, strict=True)]


def _merged(graph: Graph, part: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    pieces = list(walk(graph, part))
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}


def _match(
    float_graph: Graph, integer_graph: Graph
) -> list[tuple[Value, Value, tuple[int, ...] | None]]:
    known: dict[str, Value] = {}
    for node in float_graph.nodes:
        for name in (node.output.name, *node.output.origin):
            known[name] = node.output
    pairs = []
    for node in integer_graph.nodes:
        value = node.output
        for name in (*reversed(value.origin), value.name):
            other = known.get(name)
            if other is not None and _comparable(value):
                fits, perm = _align(other, value)
                if fits:
                    pairs.append((other, value, perm))
                    break
    return pairs


def _comparable(value: Value) -> bool:
    return value.type.quant is not None or value.type.dtype is DType.FLOAT32


def _align(real: Value, integer: Value) -> tuple[bool, tuple[int, ...] | None]:
    """Whether the values have the same axes, and how the float one must be permuted."""
    a, b = real.type, integer.type
    if a.layout and b.layout and a.layout != b.layout and sorted(a.layout) == sorted(b.layout):
        perm = tuple(a.layout.index(axis) for axis in b.layout)
        return tuple(a.shape[p] for p in perm) == b.shape, perm
    return a.shape == b.shape, None


def _entry(value: Value, sums: _Sums) -> LayerError:
    node = value.producer
    ratio = sums.signal / sums.noise if sums.noise > 0 else 0.0
    return LayerError(
        name=value.origin[-1] if value.origin else value.name,
        op=node.op.name if node is not None else "",
        sqnr_db=10.0 * math.log10(ratio) if ratio > 0 else None,
        max_abs=sums.largest,
        mean_abs=sums.absolute / max(sums.count, 1),
        mean=sums.total / max(sums.count, 1),
    )

"""Test vectors: inputs that are stored with every artefact, and what the reference answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c.emit import Vectors
from edgekit.ir import DType, Graph, TensorType
from quantize.ports import feeds
from quantize.reference import Evaluator

SEED = 0x5EED


def make_vectors(
    graph: Graph, count: int, samples: Mapping[str, NDArray[Any]] | None = None
) -> Vectors:
    """Vectors for a lowered graph: real samples where given, random numbers for the rest.

    Args:
        graph: lowered graph.
        count: how many.
        samples: calibration samples in the source model's layout; at most half of the vectors
            come from them, because random int8 numbers reach saturation that samples do not.
    """
    rng = np.random.default_rng(SEED)
    inputs = [_random(rng, v.type, count) for v in graph.inputs]
    if samples is not None:
        real = feeds(graph, samples, "calibration data")
        for array, value in zip(inputs, graph.inputs, strict=True):
            source = real[value.name]
            keep = min((count + 1) // 2, len(source))
            array[:keep] = source[:keep]
    return Vectors(tuple(inputs), tuple(reference_outputs(graph, inputs)))


def reference_outputs(
    graph: Graph, inputs: list[NDArray[Any]], carry_state: bool = False
) -> list[NDArray[Any]]:
    """Outputs of the numpy reference, samples first; state is reset before each sample unless
    ``carry_state``."""
    evaluator = Evaluator(graph)
    names = [v.name for v in graph.outputs]
    by_name = {v.name: a for v, a in zip(graph.inputs, inputs, strict=True)}
    if not graph.states:
        found = evaluator.run(by_name)
        return [found[n] for n in names]
    rows: list[list[NDArray[Any]]] = []
    lead = {v.name: math.prod(v.type.shape[:1]) for v in graph.inputs}
    for i in range(len(inputs[0]) // lead[graph.inputs[0].name]):
        if not carry_state:
            evaluator.reset()
        one = {n: a[i * lead[n] : (i + 1) * lead[n]] for n, a in by_name.items()}
        found = evaluator.run(one)
        rows.append([found[n] for n in names])
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def _random(rng: np.random.Generator, type: TensorType, count: int) -> NDArray[Any]:
    shape = (count * math.prod(type.shape[:1]), *type.shape[1:])
    if type.dtype.is_float:
        return rng.standard_normal(shape).astype(type.dtype.numpy)
    if type.dtype is DType.BOOL:
        return rng.integers(0, 2, shape).astype(np.bool_)
    low, high = type.dtype.bounds
    return rng.integers(low, high, shape, type.dtype.numpy, endpoint=True)

"""Every tensor of one sample, compared with the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.artefact import Manifest, Tensor
from edgekit.ir import Graph
from edgekit.pipeline.checks import difference
from edgekit.report.results import DebugResult, DebugStep
from quantize.reference import evaluate

Array = NDArray[Any]


def compare_trace(
    graph: Graph,
    manifest: Manifest,
    inputs: Sequence[Array],
    snapshots: Sequence[bytes] | None,
    on: str,
) -> DebugResult:
    """Compare arena snapshots with the reference, step by step.

    Args:
        graph: the lowered graph.
        manifest: says where each tensor lies.
        inputs: one sample per input.
        snapshots: the arena after each step; None to give the reference's tensors only.
        on: where the snapshots come from.
    """
    named = {v.name: a for v, a in zip(graph.inputs, inputs, strict=True)}
    wanted = evaluate(graph, named, keep="all")
    steps: list[DebugStep] = []
    tensors: dict[str, Array] = {}
    first = None
    for index, step in enumerate(manifest.steps):
        for tensor in step.writes:
            want = wanted[tensor.name]
            start = manifest.trace_offset(tensor.region) + tensor.offset
            got = want if snapshots is None else _read(snapshots[index], tensor, start)
            tensors[tensor.name] = got
            gap, limit = difference(want, got.reshape(want.shape))
            differs = gap > limit
            if differs.any() and first is None:
                first = step.name
            steps.append(
                DebugStep(
                    index,
                    step.name,
                    step.op,
                    tensor.name,
                    int(want.size),
                    int(np.count_nonzero(differs)),
                    float(gap.max()),
                )
            )
    return DebugResult(on, tuple(steps), first, tensors)


def _read(memory: bytes, tensor: Tensor, start: int) -> Array:
    count = math.prod(tensor.shape)
    data = np.frombuffer(memory, tensor.dtype.numpy, count, start)
    return data.reshape(tensor.shape).copy()

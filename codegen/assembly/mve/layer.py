"""What convolutions and dense layers have in common: constants folded, scaling found, packing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.cached import cached
from codegen.assembly.mve.scaling import Scaling, scaling_of, without_scaling
from codegen.c.operators.accumulators import fold_zero_point, reach
from edgekit.errors import ModelError
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D, QDense, Requant

FULL, HALF = 16, 8
"""Bytes of one step of a product: a whole vector, or one of halfwords."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer of filters.

    Attributes:
        weights: (filters, ...), as in the graph.
        bias: input zero point folded in.
        requant: what the sums become.
        scaling: how.
    """

    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    requant: Requant
    scaling: Scaling

    @property
    def filters(self) -> int:
        """Number of output channels."""
        return len(self.weights)

    @property
    def scaling_fields(self) -> str:
        """Initialiser of an ``ek_scaling``."""
        q = self.requant
        return self.scaling.form.fields(q.zero_point, q.low, q.high)


@cached
def layer_of(node: Node) -> Layer | str:
    """The layer of an int8 convolution or dense node, or why there is none for MVE."""
    op = node.op
    assert isinstance(op, QConv2D | QDense)
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8}:
        return "activations are not int8"
    if op.w_zero:
        return "weights have a zero point"
    try:
        bias, bound = _accumulators(node)
    except ModelError:
        return "an accumulator can overflow"
    scaling = scaling_of(op.requant, bound, late=True)
    if scaling is None:
        return f"no vector form of its {op.requant.rule.value} rounding is proven"
    return Layer(node.input(1).array, bias, op.requant, scaling)


def lacking(node: Node) -> NDArray[np.bool_]:
    """Filters because of which `layer_of` finds no scaling."""
    op = node.op
    assert isinstance(op, QConv2D | QDense)
    return without_scaling(op.requant, _accumulators(node)[1])


def _accumulators(node: Node) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Biases, and the largest magnitudes of accumulators."""
    op, weights = node.op, node.input(1).array
    assert isinstance(op, QConv2D | QDense)
    rows = weights.reshape(len(weights), -1)
    bias = fold_zero_point(node, rows, op.x_zero, op.requant)
    return bias, reach(rows, bias)


def pairs_of(filters: int) -> list[tuple[int, int]]:
    """Filters two by two; an odd last pair takes one again."""
    starts = [*range(0, filters - 1, 2), *([max(filters - 2, 0)] if filters % 2 else [])]
    return [(i, min(i + 1, filters - 1)) for i in starts]


def steps_of(count: int) -> list[int]:
    """Widths of the steps over a run of ``count`` bytes, a multiple of 8."""
    return [FULL] * (count // FULL) + [HALF] * (count % FULL // HALF)


def interleave(runs: NDArray[np.int8], groups: Sequence[tuple[int, ...]]) -> NDArray[np.int8]:
    """Weights in reading order: group by group, run by run, step by step, filter by filter.

    Args:
        runs: (filters, runs, bytes of one).
        groups: the filters that share a step's activations.
    """
    parts = []
    for group in groups:
        for run in range(runs.shape[1]):
            start = 0
            for width in steps_of(runs.shape[2]):
                parts += [runs[f, run, start : start + width] for f in group]
                start += width
    return np.concatenate(parts)


def by_parity(table: NDArray[np.int32]) -> NDArray[np.int32]:
    """A table (channels, constants) as vectors of eight channels read it, filled up to whole ones:
    each constant (a last one is a shift) of four even and of four odd channels."""
    groups, constants = -(-len(table) // 8), table.shape[1]
    filled = np.zeros((groups * 8, constants), np.int32)
    filled[:, -1] = -1
    filled[: len(table)] = table
    return filled.reshape(groups, 4, 2, constants).transpose(0, 3, 2, 1).ravel()

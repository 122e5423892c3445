"""What is prepared for a convolution: passes, weights in reading order, proven constants."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.pairs import STEP, UPPER_LIMIT, fit_pair, pack_pairs
from codegen.assembly.armv7e_m.plan import Pass, Plan, geometry_of
from codegen.assembly.armv7e_m.requant import (
    UPPER,
    affine_form,
    exact_form,
    real_scales,
    shifted_form,
)
from codegen.c.operators.integer import fold_zero_point
from edgekit.errors import ModelError
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D, QDense, Requant
from quantize.requantize import INT32_MAX, requantize
from quantize.thresholds import Steps, find_steps

Int = NDArray[np.int64]
KEEP, SCALE, CLAMP, TWICE, SHIFT = range(5)
"""What becomes of sums, as the function numbers it."""
LAYER_SHIFT = 2
"""Shift of scaled sums that all layers share: it suits nearly every scale (see `requant`)."""
SHIFT_BITS = 5
"""Low bits of a constant of `SHIFT` that hold the filter's own shift."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """Constants of filters in the order of their pairs: first, second, first, ...

    Attributes:
        start: first value of each register, shape (filters,).
        constants: two words that scale a sum, shape (filters, 2).
        tail: `SCALE`, `CLAMP`, `TWICE` or `SHIFT`.
    """

    start: Int
    constants: Int
    tail: int


@dataclass(frozen=True, eq=False)
class Layer:
    """Everything that is prepared for a layer.

    Attributes:
        plan: taps and passes.
        weights: filters x inputs, in the order of the taps, filled up with zeros.
        scaling: constants of the filters of `Plan.order`.
    """

    plan: Plan
    weights: Int
    scaling: Scaling

    def stream(self) -> NDArray[np.int32]:
        """Starts, weights and constants in the order in which the passes read them."""
        place = {first: 2 * i for i, first in enumerate(self.plan.order[::2].tolist())}
        return np.concatenate([self._of_pass(p, place[p.first]) for p in self.plan.passes])

    def _of_pass(self, p: Pass, place: int) -> NDArray[np.int32]:
        span = STEP * self.plan.steps
        inputs = slice(span * p.taps.start, span * p.taps.stop)
        rows = self.weights[p.first : p.first + 2 * p.pairs, inputs]
        parts = [pack_pairs(rows[::2], rows[1::2])]
        own = slice(place, place + 2 * p.pairs)
        if p.is_first:
            start = self.scaling.start[own].reshape(-1, 2)
            sums = np.stack([start[:, 0], start[:, 0] + start[:, 1]], axis=1)
            parts.insert(0, _words(sums))
        if p.is_last:
            parts.append(_words(self.scaling.constants[own].reshape(-1, 4)))
        return np.concatenate(parts, axis=1).ravel()


def _words(values: Int) -> NDArray[np.int32]:
    """Integers modulo 2**32."""
    return (values & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


@functools.lru_cache(maxsize=256)
def prepare(node: Node) -> Layer | str:
    """Everything that is prepared for a convolution or dense layer, or why it cannot be."""
    op = node.op
    assert isinstance(op, QConv2D | QDense)
    plan = Plan(geometry_of(node))
    if plan.geometry.filters < 2:
        return "one filter"
    rows = node.input(1).array.astype(np.int64).reshape(plan.geometry.filters, -1)
    weights, order = arrange(rows, plan), plan.order
    if not fit_pair(weights[order[::2]], weights[order[1::2]]):
        return "a weight of -128 beside a negative one"
    try:
        bias = fold_zero_point(node, rows, op.x_zero, op.requant).astype(np.int64)
    except ModelError as error:
        return error.summary
    low = np.minimum(-128 * rows, 127 * rows).sum(axis=1)
    high = np.maximum(-128 * rows, 127 * rows).sum(axis=1)
    bias = tame(op.requant, bias, low, high)
    steps = find_steps(op.requant, low + bias, high + bias)
    unit = np.resize([1, UPPER], len(order))
    found = _scaling(steps.of(order), op.requant, order, bias[order], unit)
    if found is None:
        return "no cheap form of its requantization"
    ends = unit * np.stack([low[order], high[order]]) + found.start
    if (np.abs(ends) >= 1 << 31).any():
        return "sums beyond 24 bits"
    return Layer(plan, weights, found)


def tame(requant: Requant, bias: Int, low: Int, high: Int) -> Int:
    """Biases of channels that always saturate, moved until their sums fit into a register.

    Args:
        requant: the requantization.
        bias: of each channel.
        low, high: smallest and largest sum without it.
    """
    room = UPPER_LIMIT - 1 - np.maximum(high, -low)
    moved = np.clip(bias, -np.maximum(room, 0), np.maximum(room, 0))
    ends = np.stack([bias + low, bias + high, moved + low, moved + high])
    outputs = requantize(np.clip(ends, -INT32_MAX, INT32_MAX), requant)
    return np.where((outputs == outputs[0]).all(axis=0), moved, bias)


def _scaling(steps: Steps, requant: Requant, order: Int, bias: Int, unit: Int) -> Scaling | None:
    """The cheapest proven form."""
    narrow = (requant.low, requant.high) != (-128, 127)
    scales = real_scales(requant, int(order.max()) + 1)[order]
    affine = affine_form(steps, scales, bias, unit, requant.low if narrow else 0, (LAYER_SHIFT,))
    if affine is not None:
        constants = np.stack([affine.multiplier, affine.addend], axis=1)
        return Scaling(affine.start, constants, CLAMP if narrow else SCALE)
    exact = exact_form(steps, requant, order)
    if exact is not None:
        return Scaling(unit * bias, np.stack([exact.multiplier, exact.shift], axis=1), TWICE)
    affine = shifted_form(steps, scales, bias, requant.low)
    if affine is None or np.abs(affine.addend).max() >= 1 << (31 - SHIFT_BITS):
        return None
    packed = affine.addend << SHIFT_BITS | affine.shift
    return Scaling(unit * affine.start, np.stack([affine.multiplier, packed], axis=1), SHIFT)


def arrange(rows: Int, plan: Plan) -> Int:
    """Weights in the order of the taps: each tap whole steps long, inputs that come twice with
    weights of zero the second time.

    Args:
        rows: filters x inputs, in the order of the model.
        plan: the taps.
    """
    g = plan.geometry
    places: list[int] = []
    seen: set[int] = set()
    for index, tap in enumerate(plan.taps):
        position = index // plan.parts * plan.columns
        for i in range(STEP * plan.steps):
            whole = STEP * (plan.run // STEP)
            byte = i if i < whole or plan.run < STEP else i - STEP * plan.steps + plan.run
            place = position * g.channels + tap.channel + byte
            fresh = byte < plan.run and place not in seen
            places.append(place if fresh else -1)
            seen.add(places[-1])
    padded = np.concatenate([rows, np.zeros((len(rows), 1), np.int64)], axis=1)
    return padded[:, places]

"""What is prepared for a convolution: passes, weights in reading order, proven constants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.pairs import STEP, misfits, pack_pairs
from codegen.assembly.armv7e_m.plan import PIXELS, Pass, Plan, geometry_of
from codegen.assembly.armv7e_m.scaling import SCALE, Scaling, find_scaling, without_scaling
from codegen.assembly.cached import cached
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.accumulators import fold_zero_point
from edgekit.errors import ModelError
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D, QDense, Requant, Rounding

Int = NDArray[np.int64]
LAYER_SHIFT = 2
"""Shift of scaled sums that all layers share: it suits nearly every scale (see `requant`)."""
LANES = (0, 2, 1, 3)
"""Taps whose last bytes the places of a merged step hold: halfwords in the order of memory."""


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

    @property
    def single(self) -> bool:
        """Whether one last pixel is computed alone."""
        return self.scaling.tail == SCALE and self.plan.geometry.pixels % PIXELS == 1

    def stream(self) -> NDArray[np.int32]:
        """Starts, weights and constants in the order in which the passes read them."""
        place = {first: i for i, first in enumerate(self.plan.order[::2].tolist())}
        return np.concatenate([self._of_pass(p, place[p.first]) for p in self.plan.passes])

    @property
    def table_bytes(self) -> int:
        """Of starts and constants in the stream."""
        return sum(4 * p.pairs * (2 * p.is_first + 4 * p.is_last) for p in self.plan.passes)

    def pass_bytes(self, p: Pass) -> int:
        """Bytes of the stream that a pass reads."""
        return 4 * p.pairs * (2 * p.is_first + 2 * self.plan.pass_steps(p) + 4 * p.is_last)

    def words(self, p: Pass) -> NDArray[np.int32]:
        """Weights of a pass in pairs, shape (pairs, 2 * steps)."""
        span = STEP * self.plan.steps
        more = STEP * self.plan.merged
        inputs = slice(span * p.taps.start, span * p.taps.stop + more)
        rows = self.weights[p.first : p.first + 2 * p.pairs, inputs]
        return pack_pairs(rows[::2], rows[1::2])

    def _of_pass(self, p: Pass, place: int) -> NDArray[np.int32]:
        own = slice(place, place + p.pairs)
        parts = [self.words(p)]
        if p.is_first:
            parts.insert(0, self.scaling.first_words[own])
        if p.is_last:
            parts.append(self.scaling.last_words[own])
        return np.concatenate(parts, axis=1).ravel()


@cached
def prepare(node: Node, fpu: bool = False) -> Layer | str:
    """Everything that is prepared for a convolution or dense layer, or why it cannot be."""
    plan = Plan(geometry_of(node))
    weights, order = arrange(rows_of(node), plan), plan.order
    if misfits(weights[order[::2]], weights[order[1::2]]).any():
        return "a weight of -128 beside a negative one"
    try:
        found = find_scaling(*accumulators(node), order, (LAYER_SHIFT,), fpu)
    except ModelError as error:
        return error.summary
    return found if isinstance(found, str) else Layer(plan, weights, found)


def lacking(node: Node, fpu: bool = False) -> NDArray[np.bool_]:
    """Filters because of which `prepare` finds nothing."""
    plan = Plan(geometry_of(node))
    weights, order = arrange(rows_of(node), plan), plan.order
    found = without_scaling(*accumulators(node), order, (LAYER_SHIFT,), fpu)
    found[order[1::2][misfits(weights[order[::2]], weights[order[1::2]])]] = True
    return found


def refuse_rule(node: Node, fpu: bool) -> str:
    """Kernels with an FPU are for float products: others gain nothing from it."""
    assert isinstance(node.op, QConv2D | QDense)
    floats = node.op.requant.rule is Rounding.EVEN
    return OtherKind("not a float product") if fpu and not floats else ""


def rows_of(node: Node) -> Int:
    """Weights, filters x inputs."""
    weights = node.input(1).array
    return weights.astype(np.int64).reshape(len(weights), -1)


def accumulators(node: Node) -> tuple[Requant, Int, Int]:
    """What becomes of the accumulators, their biases, the weights."""
    op, rows = node.op, rows_of(node)
    assert isinstance(op, QConv2D | QDense)
    bias = fold_zero_point(node, rows, op.x_zero, op.requant).astype(np.int64)
    return op.requant, bias, rows


def arrange(rows: Int, plan: Plan) -> Int:
    """Weights in the order of the taps: each tap whole steps long, inputs that come twice with
    weights of zero the second time.

    Args:
        rows: filters x inputs, in the order of the model.
        plan: the taps.
    """
    g = plan.geometry
    padded = np.concatenate([rows, np.zeros((len(rows), 1), np.int64)], axis=1)
    if plan.shared:
        words = np.arange(plan.run).reshape(-1, 1, STEP) + g.channels * np.arange(3)[:, None]
        firsts = [t.channel + i // plan.parts * 3 * g.channels for i, t in enumerate(plan.taps)]
        return padded[:, np.concatenate([(words + first).ravel() for first in firsts])]
    if plan.merged:
        run, rest = plan.run, range(plan.run - 1)
        bodies = [i * run + k for i in range(len(plan.taps)) for k in rest]
        ends = [i * run + run - 1 if i < len(plan.taps) else -1 for i in LANES]
        return padded[:, bodies + ends]
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
    return padded[:, places]

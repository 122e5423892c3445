"""``BatchNorm(Conv2D or Dense(x, w, b)) -> Conv2D or Dense(x, w * k, (b - mean) * k + bias)``
with ``k = scale / sqrt(variance + epsilon)`` per output channel (Jacob et al. 2018, section 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.ir import Graph, Node
from edgekit.ir.ops import BatchNorm, Conv2D, Dense
from edgekit.passes.fuse_bias_add import channel_axis
from edgekit.passes.rewrite import absorb, derive, float_array, refuse


@dataclass(frozen=True)
class FoldBatchNorm:
    """Scale a layer's weights and bias instead of normalising its output."""

    name: str = "fold-batch-norm"

    def run(self, graph: Graph) -> bool:
        changed = False
        for norm in list(graph.nodes):
            if isinstance(norm.op, BatchNorm):
                changed |= self._fold(graph, norm, norm.op)
        return changed

    def _fold(self, graph: Graph, norm: Node, op: BatchNorm) -> bool:
        layer = norm.input(0).producer
        if layer is None or not isinstance(layer.op, Conv2D | Dense):
            refuse(self.name, norm, "it does not follow a Conv2D or Dense")
            return False
        weights, old = float_array(layer.input(1)), layer.optional_input(2)
        bias = np.zeros(1, np.float32) if old is None else float_array(old)
        terms = [float_array(norm.input(i)) for i in range(1, 5)]
        if weights is None or bias is None or any(t is None for t in terms):
            refuse(self.name, norm, "weights or statistics are not float constants")
            return False
        if layer.op.clamp is not None or graph.sole_user(layer.output) is not norm:
            refuse(self.name, norm, "the layer's own output is also used or clamped")
            return False
        if op.axis != channel_axis(layer):
            refuse(self.name, norm, f"it normalises axis {op.axis}, not the channels")
            return False
        scale, shift, mean, variance = (np.asarray(t, np.float64) for t in terms)
        factor = scale / np.sqrt(variance + op.epsilon)
        scaled = weights * factor.reshape(-1, *[1] * (weights.ndim - 1))
        moved = (bias - mean) * factor + shift
        value = layer.input(1)
        graph.set_input(layer, 1, derive(graph, value, scaled.astype(np.float32), value.type))
        name = old.name if old is not None else f"{layer.name}_bias"
        graph.set_input(layer, 2, graph.constant(moved.astype(np.float32), name))
        absorb(graph, layer, norm)
        return True

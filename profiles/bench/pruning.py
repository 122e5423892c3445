"""Pruning by magnitude: dense weights made sparse, so that kernels that skip zeros can be measured.

Nothing is trained again, so what accuracy is left is a lower bound of what pruning during training
would keep.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Graph, Node
from edgekit.ir.ops import QConv2D, QDense
from quantize.requantize import channel_scales

Weights = NDArray[Any]
FEWEST_CHANNELS = 8
"""First layers have fewer: they are small, and rarely pruned."""


@dataclass(frozen=True)
class Pattern:
    """Which weights go together.

    Attributes:
        filters, inputs: size of a block that is kept or dropped as a whole.
        share: of the blocks that are dropped.
        of: 0: the smallest of the layer are dropped; otherwise of each so many neighbouring blocks
            along the inputs the smallest are (N:M sparsity, for blocks of one input).
    """

    filters: int
    inputs: int
    share: float
    of: int = 0

    @property
    def title(self) -> str:
        """For tables."""
        block = f"{self.filters}x{self.inputs}"
        if self.of:
            kept = round(self.of * (1 - self.share))
            return f"{kept}:{self.of}" + (f" of {block}" if block != "1x1" else "")
        return (
            f"{block} blocks, {self.share:.0%}" if block != "1x1" else f"single, {self.share:.0%}"
        )


def prune(weights: Weights, pattern: Pattern, scales: Weights | float = 1.0) -> Weights:
    """A copy of which some weights are zero.

    Args:
        weights: filters first, inputs last; what lies between are kernel positions.
        pattern: which of them.
        scales: real value of one unit of each filter's weights, shape (filters,).
    """
    filters, channels = weights.shape[0], weights.shape[-1]
    rows = weights.reshape(filters, -1, channels)
    real = np.abs(rows * np.broadcast_to(scales, (filters,)).reshape(-1, 1, 1))
    more = -filters % pattern.filters, 0, -channels % (pattern.inputs * max(pattern.of, 1))
    padded = np.pad(real, [(0, n) for n in more])
    blocks = padded.reshape(
        padded.shape[0] // pattern.filters, pattern.filters,
        padded.shape[1], padded.shape[2] // pattern.inputs, pattern.inputs,
    ).sum(axis=(1, 4))  # fmt: skip
    groups = blocks.reshape(-1, pattern.of) if pattern.of else blocks.reshape(1, -1)
    order = groups.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    kept = (order >= round(pattern.share * groups.shape[1])).reshape(blocks.shape)
    mask = kept.repeat(pattern.filters, axis=0).repeat(pattern.inputs, axis=2)
    return (
        np.where(mask[:filters, :, :channels], rows, 0).astype(weights.dtype).reshape(weights.shape)
    )


def prunable(node: Node) -> bool:
    """Convolutions over several channels, and dense layers: what pruning is about."""
    if isinstance(node.op, QConv2D):
        return node.op.groups == 1 and node.input(1).type.shape[-1] >= FEWEST_CHANNELS
    return isinstance(node.op, QDense) and node.input(1).is_constant


def prune_graph(graph: Graph, pattern: Pattern) -> Graph:
    """A copy of a lowered graph, with fewer weights in every layer that is `prunable`."""
    pruned = graph.copy()
    for node in filter(prunable, pruned.nodes):
        op, weights = node.op, node.input(1)
        assert isinstance(op, QConv2D | QDense)
        scales = channel_scales(op.requant, weights.type.shape[0])
        weights.data = prune(weights.array, pattern, scales)
    return pruned


def zero_share(graph: Graph) -> float:
    """Share of zeros among the weights of layers that are `prunable`."""
    weights = [node.input(1).array for node in graph.nodes if prunable(node)]
    return sum(int((w == 0).sum()) for w in weights) / sum(w.size for w in weights)

"""``Transpose(x) -> Reshape(x)`` where only axes of length 1 change places."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.ir import Graph
from edgekit.ir.ops import Reshape, Transpose
from edgekit.passes.rewrite import moves_only_ones


@dataclass(frozen=True)
class TransposeToReshape:
    """Replace Transposes that leave the order of elements as it is."""

    name: str = "transpose-to-reshape"

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph.nodes:
            if isinstance(node.op, Transpose):
                x = node.input(0)
                if moves_only_ones(x.type.shape, node.op.perm):
                    graph.set_op(node, Reshape(node.output.type.shape))
                    changed = True
        return changed

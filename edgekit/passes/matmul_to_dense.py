"""``MatMul(x, constant w) -> Dense(x, w transposed)``."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.ir import DType, Graph
from edgekit.ir.ops import Dense, MatMul
from edgekit.passes.rewrite import permute_constant, refuse


@dataclass(frozen=True)
class MatMulToDense:
    """A matrix product with constant weights is a dense layer."""

    name: str = "matmul-to-dense"

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph.nodes:
            if not isinstance(node.op, MatMul):
                continue
            a, b = node.input(0).type, node.input(1)
            if not b.is_constant or a.dtype is not DType.FLOAT32:
                refuse(self.name, node, "its second operand is computed at run time or not float32")
                continue
            if len(a.shape) != 2 or len(b.type.shape) != 2:
                refuse(self.name, node, "its operands are not matrices")
                continue
            graph.set_input(node, 1, permute_constant(graph, node.input(1), (1, 0)))
            graph.set_op(node, Dense())
            changed = True
        return changed

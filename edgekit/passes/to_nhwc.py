"""``op(x) in NCHW -> Transpose(op(Transpose(x)) in NHWC)`` with weights laid out anew."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgekit.ir import Graph, Node
from edgekit.ir.ops import AvgPool2D, Conv2D, ConvTranspose, MaxPool2D
from edgekit.passes.rewrite import append_transpose, permute_type, prepend_transpose

TO_LAST = (0, 2, 3, 1)
TO_FIRST = (0, 3, 1, 2)


@dataclass(frozen=True)
class ToNhwc:
    """Bring every convolution and pool to NHWC; each gets a Transpose before and after it."""

    name: str = "to-nhwc"

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in list(graph.nodes):
            op = node.op
            if isinstance(op, Conv2D | MaxPool2D | AvgPool2D) and op.layout == "NCHW":
                graph.set_op(node, replace(op, layout="NHWC"))
                self._turn(graph, node, 2 if isinstance(op, Conv2D) else 1)
                changed = True
            elif isinstance(op, ConvTranspose) and len(op.size) == 2 and not op.channels_last:
                graph.set_op(node, replace(op, channels_last=True))
                self._turn(graph, node, 1)
                changed = True
        return changed

    @staticmethod
    def _turn(graph: Graph, node: Node, operands: int) -> None:
        for index in range(operands):
            prepend_transpose(graph, node, index, TO_LAST)
        inner = permute_type(node.output.type, TO_LAST)
        graph.set_type(node.output, replace(inner, layout="NHWC"))
        new = append_transpose(graph, node, TO_FIRST)
        graph.set_type(new.output, replace(new.output.type, layout="NCHW"))

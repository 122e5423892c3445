"""``op(x) in NCHW -> Transpose(op(Transpose(x)) in NHWC)`` with weights laid out anew."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgekit.ir import Graph, Node
from edgekit.ir.ops import AvgPool2D, Conv2D, ConvTranspose, MaxPool2D
from edgekit.passes.rewrite import append_transpose, permute_type, prepend_transpose


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
            elif isinstance(op, ConvTranspose) and not op.channels_last:
                graph.set_op(node, replace(op, channels_last=True))
                self._turn(graph, node, 1)
                changed = True
        return changed

    @staticmethod
    def _turn(graph: Graph, node: Node, operands: int) -> None:
        rank = len(node.output.type.shape)
        to_last, to_first = (0, *range(2, rank), 1), (0, rank - 1, *range(1, rank - 1))
        for index in range(operands):
            prepend_transpose(graph, node, index, to_last)
        inner = permute_type(node.output.type, to_last)
        graph.set_type(node.output, replace(inner, layout="NHWC" if rank == 4 else ""))
        new = append_transpose(graph, node, to_first)
        graph.set_type(new.output, replace(new.output.type, layout="NCHW" if rank == 4 else ""))

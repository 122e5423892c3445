"""``Reshape(Reshape(x)) -> Reshape(x)`` and ``op(x) -> x`` for operators that change nothing."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.ir import Graph, Node
from edgekit.ir.ops import AvgPool2D, Clip, Concat, MaxPool2D, Pad, Reshape, Transpose, Window
from edgekit.passes.rewrite import is_identity


def _does_nothing(node: Node) -> bool:
    x, op = node.input(0), node.op
    if (x.type.dtype, x.type.quant) != (node.output.type.dtype, node.output.type.quant):
        return False
    if isinstance(op, Reshape):
        return x.type.shape == op.shape
    if isinstance(op, Transpose):
        return is_identity(op.perm)
    if isinstance(op, Pad):
        return not any((*op.before, *op.after))
    if isinstance(op, Clip):
        return op.clamp.low is None and op.clamp.high is None
    if isinstance(op, Concat):
        return len(node.inputs) == 1
    if isinstance(op, MaxPool2D | AvgPool2D):
        return op.kernel == (1, 1) and op.window == Window() and op.clamp is None
    return False


@dataclass(frozen=True)
class DropIdentity:
    """Remove operators that change nothing and merge chains of Reshape."""

    name: str = "drop-identity"

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in list(graph.nodes):
            source = node.inputs[0].producer if node.inputs and node.inputs[0] else None
            if isinstance(node.op, Reshape) and source and isinstance(source.op, Reshape):
                graph.set_input(node, 0, source.input(0))
                if not graph.is_read(source.output):
                    graph.remove_node(source)
                changed = True
            if _does_nothing(node):
                graph.bypass(node, node.input(0))
                changed = True
        return changed

"""``Quantize(move(x)) -> move(Quantize(x))`` for Reshape and Transpose with one reader."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgekit.ir import Graph, Node
from edgekit.ir.ops import Quantize, Reshape, Transpose
from edgekit.passes.rewrite import refuse


@dataclass(frozen=True)
class HoistQuantize:
    """Quantize a layer's own result, so that `FoldQdq` finds the two side by side."""

    name: str = "hoist-quantize"

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in list(graph.nodes):
            found: Node | None = node if isinstance(node.op, Quantize) else None
            while found is not None:
                found = self._hoist(graph, found)
                changed |= found is not None
        return changed

    def _hoist(self, graph: Graph, node: Node) -> Node | None:
        """Exchange a Quantize and the move before it; the Quantize in its new place, or None."""
        move, type_ = node.input(0).producer, node.output.type
        if move is None or not isinstance(move.op, Reshape | Transpose):
            return None
        if graph.sole_user(move.output) is not node or type_.quant is None:
            refuse(self.name, node, "what it reads is also used unquantized")
            return None
        if not type_.quant.is_per_tensor:
            refuse(self.name, node, "it quantizes by channel")
            return None
        source = move.input(0)
        inner = replace(type_, shape=source.type.shape, layout=source.type.layout)
        name, origin = f"{node.name}_early", node.origin
        early = graph.add_node(node.op, [source], inner, name=name, origin=origin, before=move)
        graph.set_input(move, 0, early.output)
        graph.set_type(move.output, type_)
        graph.bypass(node, move.output)
        return early

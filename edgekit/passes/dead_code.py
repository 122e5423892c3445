"""Remove nodes whose outputs nobody reads."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.ir import Graph
from edgekit.passes.rewrite import remove_unread


@dataclass(frozen=True)
class DeadCode:
    """Remove nodes whose outputs nobody reads."""

    name: str = "dead-code"

    def run(self, graph: Graph) -> bool:
        return remove_unread(graph)

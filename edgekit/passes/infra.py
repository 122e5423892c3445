"""What a pass is, and the runner that verifies the graph before and after each one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from edgekit.ir import Graph, verify


class Pass(Protocol):
    """One rewrite. Implementations are frozen dataclasses whose fields are its options."""

    @property
    def name(self) -> str:
        """Short name in kebab case, used in errors and logs."""
        ...

    def run(self, graph: Graph) -> bool:
        """Rewrite ``graph`` in place; True where anything changed."""
        ...


def run_passes(
    graph: Graph,
    passes: Sequence[Pass],
    log: Callable[[str], None] = lambda text: None,
) -> Graph:
    """Run passes in order on a copy of ``graph``.

    Args:
        graph: left as it is.
        passes: the pipeline.
        log: receives the name of each pass that changed something.

    Returns:
        The rewritten copy.

    Raises:
        InternalError: a pass left an inconsistent graph; the error names it.
    """
    result = graph.copy()
    verify(result, "the input of the pipeline")
    for rewrite in passes:
        if rewrite.run(result):
            verify(result, f"pass '{rewrite.name}'")
            log(rewrite.name)
    return result

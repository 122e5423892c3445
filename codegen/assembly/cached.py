"""What is found out about a node is asked for again: by choice, plan, cost and emission."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, TypeVar, cast

from edgekit.ir import Node

F = TypeVar("F", bound=Callable[..., Any])


class _Known:
    """Answers about a node, as long as it has this operator and these inputs."""

    def __init__(self, node: Node) -> None:
        self.op, self.inputs = node.op, _inputs(node)
        self.answers: dict[Any, Any] = {}

    def is_for(self, node: Node) -> bool:
        return self.op is node.op and self.inputs == _inputs(node)


def _inputs(node: Node) -> list[Any]:
    """Weak, because values know the nodes that read them."""
    return [None if v is None else weakref.ref(v) for v in node.inputs]


def cached(find: F) -> F:
    """Answer each question about a node, the first argument, once while it lives unchanged."""
    known: weakref.WeakKeyDictionary[Node, _Known] = weakref.WeakKeyDictionary()

    @functools.wraps(find)
    def found(node: Node, *more: Any, **named: Any) -> Any:
        kept = known.get(node)
        if kept is None or not kept.is_for(node):
            kept = known[node] = _Known(node)
        question = more, *named.items()
        if question not in kept.answers:
            kept.answers[question] = find(node, *more, **named)
        return kept.answers[question]

    return cast(F, found)

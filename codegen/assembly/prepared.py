"""Kernels whose layers are prepared, or refused, before anything else is asked about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from codegen.assembly.cost import Cost
from codegen.c.operators.overlap import Declared
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node

L = TypeVar("L")


def prepared(
    name: str,
    prepare: Callable[[Node], L | str],
    emit: Callable[[StepWriter, L], None],
    cost: Callable[[Node, L], Cost],
    *,
    scratch: Callable[[Node, L], int] = lambda node, layer: 0,
    overlap: Callable[[Node, L], Declared] = lambda node, layer: (),
    stack: Callable[[Node, L], int] = lambda node, layer: 0,
    needs: str = "",
) -> Variant:
    """A `Variant` of functions of a node, or of its step, and of what was prepared for it.

    Args:
        name, needs: as in `Variant`.
        prepare: what the others take, or why the kernel cannot compute the node.
        emit, cost, scratch, overlap, stack: as in `Variant`.
    """

    def layer_of(node: Node) -> L:
        found = prepare(node)
        assert not isinstance(found, str)  # else refused
        return found

    def refuse(node: Node) -> str:
        found = prepare(node)
        return found if isinstance(found, str) else ""

    return Variant(
        lambda w: emit(w, layer_of(w.node)),
        scratch=lambda node: scratch(node, layer_of(node)),
        overlap=lambda node: overlap(node, layer_of(node)),
        name=name,
        refuse=refuse,
        cost=lambda node: cost(node, layer_of(node)),
        stack=lambda node: stack(node, layer_of(node)),
        needs=needs,
    )

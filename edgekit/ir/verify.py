"""The one structural check of a graph, run before and after every pass."""

from __future__ import annotations

from edgekit.errors import InternalError, Problem
from edgekit.ir.graph import Graph
from edgekit.ir.node import Node
from edgekit.ir.op import ShapeError
from edgekit.ir.value import Value


def verify(graph: Graph, blame: str = "graph") -> None:
    """Check names, order, use lists, constants and inferred shapes.

    Args:
        graph: the graph to check.
        blame: the part that made it, named in the error.

    Raises:
        InternalError: with every inconsistency found.
    """
    problems: list[Problem] = []
    known: dict[int, Value] = {}
    names: set[str] = set()

    def define(value: Value, where: str) -> None:
        if value.name in names:
            problems.append(Problem(f"value name '{value.name}' occurs twice", where))
        names.add(value.name)
        known[id(value)] = value

    for value in [*graph.inputs, *(s.state for s in graph.states)]:
        define(value, "inputs")
    for node in graph.nodes:
        _check_inputs(node, known, problems)
        for value in node.outputs:
            if value.producer is not node:
                problems.append(Problem(f"'{value.name}' names another producer", node.name))
            define(value, node.name)
        _check_shapes(node, problems)
    for value in [*graph.outputs, *(s.update for s in graph.states)]:
        if id(value) not in known and not value.is_constant:
            problems.append(Problem(f"'{value.name}' is never produced", "outputs"))
    if problems:
        raise InternalError(f"{blame} left an inconsistent graph '{graph.name}'", problems)


def _check_inputs(node: Node, known: dict[int, Value], problems: list[Problem]) -> None:
    for index, value in enumerate(node.inputs):
        if value is None:
            continue
        if not value.is_constant and id(value) not in known:
            problems.append(Problem(f"reads '{value.name}' before it is produced", node.name))
        if not any(n is node and i == index for n, i in value.uses):
            problems.append(Problem(f"'{value.name}' does not list this use", node.name))
        if value.data is not None and (
            value.data.shape != value.type.shape or value.data.dtype != value.type.dtype.numpy
        ):
            found = f"{value.data.dtype}{value.data.shape}"
            problems.append(Problem(f"'{value.name}' holds {found}", node.name, str(value.type)))


def _check_shapes(node: Node, problems: list[Problem]) -> None:
    try:
        shapes = node.op.infer([() if v is None else v.type.shape for v in node.inputs])
    except ShapeError as error:
        problems.append(Problem(str(error), f"{node.op.name} '{node.name}'"))
        return
    declared = tuple(v.type.shape for v in node.outputs)
    if shapes != declared:
        problems.append(Problem(f"declares outputs {declared}, inputs imply {shapes}", node.name))

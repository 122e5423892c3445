"""Copies of states that leave the run as outputs."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.ir import Graph, Value
from edgekit.ir.ops import Reshape, Transpose


@dataclass(frozen=True)
class CopyStateOutputs:
    """Output = state -> Output = copy of the state.

    The caller reads outputs after the run, when a state already holds its next content. The copy
    is a transposition that keeps the order of the axes.
    """

    name: str = "copy-state-outputs"

    def run(self, graph: Graph) -> bool:
        """Copy every output that is a state, or another name for one."""
        states = {id(link.state) for link in graph.states}
        copies: dict[int, Value] = {}
        outputs = []
        for value in graph.outputs:
            if id(_root(value)) in states:
                if id(value) not in copies:
                    order = tuple(range(len(value.type.shape)))
                    node = graph.add_node(Transpose(order), [value], value.type, name="copy")
                    copies[id(value)] = node.output
                value = copies[id(value)]
            outputs.append(value)
        graph.outputs = outputs
        return bool(copies)


def _root(value: Value) -> Value:
    """The value whose bytes a chain of reshapes shows."""
    while value.producer is not None and isinstance(value.producer.op, Reshape):
        value = value.producer.input(0)
    return value

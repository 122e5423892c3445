"""A graph as text, one node a line: for people, tests and error messages."""

from __future__ import annotations

from dataclasses import fields

from edgekit.ir.graph import Graph
from edgekit.ir.node import Node


def to_text(graph: Graph) -> str:
    """The whole graph as text."""
    lines = [f"graph {graph.name}"]
    lines += [f"  input {v.name}: {v.type}" for v in graph.inputs]
    lines += [f"  state {s.state.name} <- {s.update.name}: {s.state.type}" for s in graph.states]
    lines += [f"  {node_text(node)}" for node in graph.nodes]
    lines += [f"  output {v.name}: {v.type}" for v in graph.outputs]
    return "\n".join(lines)


def node_text(node: Node) -> str:
    """One node: outputs with types, operator, attributes that are short, inputs."""
    outs = ", ".join(f"{v.name}: {v.type}" for v in node.outputs)
    args = ", ".join("-" if v is None else v.name for v in node.inputs)
    attrs = ", ".join(
        f"{f.name}={text}"
        for f in fields(node.op)
        if len(text := repr(getattr(node.op, f.name))) <= 40
    )
    return f"{outs} = {node.op.name}({args})" + (f" {{{attrs}}}" if attrs else "")

"""The inputs and outputs of a program as an artefact's ports."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.artefact import Port
from edgekit.ir import Binding, Value
from edgekit.schedule.program import Program


def make_ports(program: Program) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    """Input ports and output ports, in calling order."""
    graph = program.graph
    return (
        _ports(program, graph.inputs, graph.input_bindings, "input"),
        _ports(program, graph.outputs, graph.output_bindings, "output"),
    )


def _ports(
    program: Program, values: Sequence[Value], bindings: Sequence[Binding], stem: str
) -> tuple[Port, ...]:
    return tuple(
        Port(
            name=b.name,
            c_name=f"{stem}_{i}",
            dtype=v.type.dtype,
            shape=v.type.shape,
            layout=v.type.layout,
            quant=v.type.quant,
            offset=program.location[v.name].offset,
            region=program.location[v.name].region,
            outer_dtype=b.outer.dtype,
            outer_shape=b.outer.shape,
            perm=b.perm,
            half_even=b.half_even,
        )
        for i, (v, b) in enumerate(zip(values, bindings, strict=True))
    )

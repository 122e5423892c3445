"""Transposes at graph inputs and outputs become part of the binding: the caller's array is read or
written in the graph's order. Transposes near an input first move up through operators with one
operand: ``Transpose(op(x)) -> op(Transpose(x))``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgekit.ir import Graph, Node, Value
from edgekit.ir.ops import Add, BatchNorm, Clip, Dequantize, Mul, Pad, Quantize, Sub, Transpose
from edgekit.passes.cancel_transposes import operands, permuted_op
from edgekit.passes.rewrite import (
    Perm,
    compose,
    derive,
    forward,
    inverse,
    permute_type,
    prepend_transpose,
    refuse,
)

_RISES = (BatchNorm, Clip, Pad, Quantize, Dequantize, Add, Sub, Mul)


def common_perm(graph: Graph, value: Value) -> Perm | None:
    """The permutation that every reader of ``value`` applies to it, None where they differ."""
    if graph.is_output(value) or not value.uses:
        return None
    perms = {n.op.perm if isinstance(n.op, Transpose) else None for n, _ in value.uses}
    return perms.pop() if len(perms) == 1 else None


def near_inputs(graph: Graph) -> list[Node]:
    """Operators with one operand that only such operators separate from a graph input."""
    near = {id(v) for v in graph.inputs}
    found = []
    for node in graph.nodes:
        data = [v for v in node.inputs if v is not None and not v.is_constant]
        if isinstance(node.op, _RISES) and len(data) == 1 and id(data[0]) in near:
            near.add(id(node.output))
            found.append(node)
    return found


@dataclass(frozen=True)
class HoistPortTransposes:
    """Move Transposes at the graph's border out of it."""

    name: str = "hoist-port-transposes"

    def run(self, graph: Graph) -> bool:
        if not graph.input_bindings:
            return False
        changed = False
        for node in reversed(near_inputs(graph)):
            changed |= self._rise(graph, node)
        for index in range(len(graph.inputs)):
            changed |= self._input(graph, index)
        for value in dict.fromkeys(graph.outputs):
            changed |= self._output(graph, value)
        return changed

    def _rise(self, graph: Graph, node: Node) -> bool:
        perm = common_perm(graph, node.output)
        data = [v for v in operands(node) if v is not None and not v.is_constant]
        if perm is None or len(data[0].type.shape) != len(perm):
            return False
        op = permuted_op(node.op, inverse(perm))
        if op is None:
            return False
        readers = [n for n, _ in node.output.uses]
        for index, value in enumerate(operands(node)):
            if value is None or (value.is_constant and value.type.size == 1):
                continue
            if len(value.type.shape) < len(perm):
                shape = (1,) * (len(perm) - len(value.type.shape)) + value.type.shape
                wide = replace(value.type, shape=shape, layout="")
                value = derive(graph, value, value.array.reshape(shape), wide)
                graph.set_input(node, index, value)
            prepend_transpose(graph, node, index, perm)
        graph.set_op(node, op)
        graph.set_type(node.output, permute_type(node.output.type, perm))
        for reader in readers:
            forward(graph, reader, node.output)
        return True

    def _input(self, graph: Graph, index: int) -> bool:
        value = graph.inputs[index]
        perm = common_perm(graph, value)
        if perm is None or perm[0] != 0:
            return False
        readers = [n for n, _ in value.uses]
        port = graph.replace_input(value, permute_type(value.type, perm))
        for reader in readers:
            forward(graph, reader, port)
        binding = graph.input_bindings[index]
        old = binding.perm or tuple(range(len(perm)))
        graph.input_bindings[index] = replace(binding, perm=compose(old, perm))
        return True

    def _output(self, graph: Graph, value: Value) -> bool:
        node = value.producer
        if node is None or not isinstance(node.op, Transpose):
            return False
        if value.uses or node.op.perm[0] != 0:
            refuse(self.name, node, "its result is also read inside, or it moves the batch axis")
            return False
        perm = inverse(node.op.perm)
        for index, output in enumerate(graph.outputs):
            if output is value:
                binding = graph.output_bindings[index]
                old = binding.perm or tuple(range(len(perm)))
                graph.output_bindings[index] = replace(binding, perm=compose(old, perm))
        graph.bypass(node, node.input(0))
        return True

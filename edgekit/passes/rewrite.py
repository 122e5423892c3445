"""What several passes share: fusing a node into another, moving axes of types and constants."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import DType, Graph, Node, Quant, TensorType, Value
from edgekit.ir.op import Op
from edgekit.ir.ops import Transpose

_LOG = logging.getLogger("edgekit.passes")

Perm = tuple[int, ...]


def refuse(rewrite: str, node: Node, reason: str) -> None:
    """Log (level debug) why ``rewrite`` left ``node`` as it is."""
    _LOG.debug("%s: %s '%s' left alone: %s", rewrite, node.op.name, node.name, reason)


def absorb(graph: Graph, keeper: Node, fused: Node) -> None:
    """Remove ``fused``, whose work ``keeper`` does from now on.

    The keeper's output takes over the readers, the type and the names of origin.
    """
    graph.set_type(keeper.output, fused.output.type)
    keeper.origin = (*keeper.origin, *(o for o in fused.origin if o not in keeper.origin))
    graph.bypass(fused, keeper.output)


def float_array(value: Value | None) -> NDArray[np.float32] | None:
    """The data of a float32 constant, None for anything else."""
    if value is None or value.data is None or value.type.dtype is not DType.FLOAT32:
        return None
    return value.data


def inverse(perm: Sequence[int]) -> Perm:
    """The permutation that undoes ``perm``."""
    result = [0] * len(perm)
    for i, p in enumerate(perm):
        result[p] = i
    return tuple(result)


def compose(first: Sequence[int], then: Sequence[int]) -> Perm:
    """The one permutation equal to ``x.transpose(first).transpose(then)``."""
    return tuple(first[p] for p in then)


def is_identity(perm: Sequence[int]) -> bool:
    """True where the permutation moves nothing."""
    return list(perm) == list(range(len(perm)))


def moves_only_ones(shape: Sequence[int], perm: Sequence[int]) -> bool:
    """True where the permutation keeps the order of all axes longer than 1."""
    kept = [p for p in perm if shape[p] != 1]
    return kept == sorted(kept)


def permute_type(type: TensorType, perm: Sequence[int]) -> TensorType:
    """The type of ``x.transpose(perm)``."""
    layout = "".join(type.layout[p] for p in perm) if len(type.layout) == len(perm) else ""
    quant = type.quant
    if quant is not None and quant.axis is not None:
        quant = Quant(quant.scale, quant.zero_point, list(perm).index(quant.axis))
    return replace(type, shape=tuple(type.shape[p] for p in perm), layout=layout, quant=quant)


def permute_constant(graph: Graph, value: Value, perm: Sequence[int]) -> Value:
    """A new constant: ``value`` with its axes permuted."""
    return derive(graph, value, value.array.transpose(perm), permute_type(value.type, perm))


def derive(graph: Graph, value: Value, data: NDArray[Any], type: TensorType) -> Value:
    """A new constant that stands for ``value``, with other data and type."""
    result = graph.constant(data, value.name, type)
    result.origin = value.origin
    return result


def successor(graph: Graph, node: Node) -> Node | None:
    """The node that runs right after ``node``."""
    index = graph.nodes.index(node) + 1
    return graph.nodes[index] if index < len(graph.nodes) else None


def append(graph: Graph, node: Node, op: Op, type: TensorType) -> Node:
    """Insert ``op`` right after ``node``; whoever read ``node`` reads the new node instead.

    The new value stands for the same names of the source model.
    """
    old = node.output
    readers, leaves = list(old.uses), graph.is_output(old)
    name = f"{node.name}_{op.name.lower()}"
    new = graph.add_node(
        op, [old], type, name=name, origin=node.origin, before=successor(graph, node)
    )
    new.output.origin = old.origin
    if leaves:
        graph.replace_uses(old, new.output)
        graph.set_input(new, 0, old)
        return new
    for reader, index in readers:
        graph.set_input(reader, index, new.output)
    return new


def append_transpose(graph: Graph, node: Node, perm: Sequence[int]) -> Node:
    """`append` a Transpose."""
    return append(graph, node, Transpose(tuple(perm)), permute_type(node.output.type, perm))


def prepend_transpose(graph: Graph, node: Node, index: int, perm: Sequence[int]) -> None:
    """Let ``node`` read its input ``index`` transposed (constants are transposed here)."""
    value = node.input(index)
    if value.is_constant:
        graph.set_input(node, index, permute_constant(graph, value, perm))
        return
    type = permute_type(value.type, perm)
    name = f"{value.name}_transpose"
    new = graph.add_node(Transpose(tuple(perm)), [value], type, name=name, before=node)
    new.output.origin = value.origin
    graph.set_input(node, index, new.output)


def remove_unread(graph: Graph) -> bool:
    """Remove every node whose outputs nobody reads; True where there was one."""
    before = len(graph.nodes)
    for node in reversed(list(graph.nodes)):
        if not any(graph.is_read(v) for v in node.outputs):
            graph.remove_node(node)
    return len(graph.nodes) < before


def forward(graph: Graph, node: Node, value: Value) -> None:
    """Remove ``node``; its readers read ``value``, which does not take over its names."""
    graph.replace_uses(node.output, value)
    graph.remove_node(node)

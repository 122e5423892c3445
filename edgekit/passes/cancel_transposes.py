"""Transposes move down until they meet their inverse, a dense layer or the end of the graph.

- ``Transpose(Transpose(x, p), q) -> Transpose(x, p then q)``, nothing where that is the identity;
- ``op(Transpose(x, p)) -> Transpose(op(x), p)`` for element-wise operators, Clip, Pad, Concat,
  Slice, Gather, Mean, Reduce, Resample, Cumulate, Softmax, BatchNorm, Quantize, Dequantize (axes
  renamed; the other operands get the inverse);
- ``Dense(Reshape(Transpose(x, p)), w) -> Dense(Reshape(x), w)`` with the columns of w reordered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from edgekit.ir import Graph, Node, Value
from edgekit.ir.op import Op
from edgekit.ir.ops import (
    BatchNorm,
    Concat,
    Cumulate,
    Dense,
    Dequantize,
    Gather,
    LocalResponseNorm,
    LogSoftmax,
    Mean,
    Pad,
    Pointwise,
    Quantize,
    Reduce,
    Resample,
    Reshape,
    Slice,
    Softmax,
    Transpose,
)
from edgekit.passes.rewrite import (
    Perm,
    append_transpose,
    compose,
    derive,
    inverse,
    is_identity,
    permute_type,
    prepend_transpose,
    refuse,
    remove_unread,
)


def permuted_op(op: Op, perm: Perm) -> Op | None:
    """``op'`` with ``op(x.transpose(perm)) == op'(x).transpose(...)``, None where there is none."""
    match op:
        case Pointwise() | Quantize() | Dequantize():
            return op
        case Pad():
            back = inverse(perm)
            before = tuple(op.before[i] for i in back)
            return Pad(before, tuple(op.after[i] for i in back), op.value)
        case Softmax() | LogSoftmax():
            last = len(perm) - 1  # integer kernels know the last axis only: keep it there
            return None if op.axis == last != perm[last] else replace(op, axis=perm[op.axis])
        case BatchNorm() | LocalResponseNorm():
            return replace(op, axis=perm[op.axis])
        case Concat():
            return Concat(perm[op.axis])
        case Mean() | Reduce():
            return replace(op, axes=tuple(sorted(perm[a] for a in op.axes)))
        case Slice():
            moved = [tuple(part[i] for i in inverse(perm)) for part in _bounds(op)]
            return Slice(*moved)
        case Cumulate() | Gather() | Resample():
            return replace(op, axis=perm[op.axis])
        case _:
            return None


def _bounds(op: Slice) -> tuple[Perm, Perm, Perm]:
    return op.starts, op.sizes, op.steps


def operands(node: Node) -> tuple[Value | None, ...]:
    """The inputs that have the axes of the result (statistics of a BatchNorm do not)."""
    alone = isinstance(node.op, BatchNorm | Gather | Pad | Resample)
    return node.inputs[:1] if alone else node.inputs


def remaining(op: Op, perm: Perm) -> Perm:
    """The Transpose that follows the permuted operator."""
    if isinstance(op, Mean | Reduce) and not op.keepdims:
        kept = [p for i, p in enumerate(perm) if i not in op.axes]
        return tuple(sorted(kept).index(p) for p in kept)
    return perm


def transposed(value: Value | None) -> tuple[Value, Perm] | None:
    """What a value is a Transpose of."""
    source = value.producer if value is not None else None
    if source is not None and isinstance(source.op, Transpose):
        return source.input(0), source.op.perm
    return None


@dataclass(frozen=True)
class CancelTransposes:
    """Remove Transposes in pairs; one walk over the graph in order of execution."""

    name: str = "cancel-transposes"

    def run(self, graph: Graph) -> bool:
        changed = False
        flattened: dict[Node, Value] = {}
        for node in list(graph.nodes):
            if isinstance(node.op, Transpose):
                changed |= self._merge(graph, node, node.op)
            elif isinstance(node.op, Dense):
                changed |= self._into_weights(graph, node, flattened)
            elif any(transposed(v) for v in node.inputs):
                changed |= self._sink(graph, node)
        return changed | (remove_unread(graph) if changed else False)

    @staticmethod
    def _merge(graph: Graph, node: Node, op: Transpose) -> bool:
        perm, found = op.perm, transposed(node.input(0))
        if found is not None:
            perm = compose(found[1], perm)
            graph.set_input(node, 0, found[0])
            graph.set_op(node, Transpose(perm))
        if is_identity(perm):
            graph.bypass(node, node.input(0))
            return True
        return found is not None

    def _sink(self, graph: Graph, node: Node) -> bool:
        data = operands(node)
        found = [transposed(v) for v in data]
        perm = next((f[1] for f in found if f is not None), None)
        if perm is None:
            refuse(self.name, node, "what is transposed are indices or statistics")
            return False
        op = permuted_op(node.op, perm)
        if isinstance(op, Gather) and len(node.input(1).type.shape) != 1:
            op = None  # its result has other axes
        if op is None or (any(f is None for f in found[:1]) and len(found) == 1):
            refuse(self.name, node, f"no Transpose moves through {node.op.name}")
            return False
        alike = [f is not None and f[1] == perm for f in found]
        others = [v for v, a in zip(data, alike, strict=True) if v and not a and not v.is_constant]
        rank = len(perm)
        small = [v for v in data if v and len(v.type.shape) != rank]
        if sum(alike) < len(others) or any(not v.is_constant for v in small):
            refuse(self.name, node, "most of its operands are not transposed alike")
            return False
        for index, value in enumerate(data):
            pair = found[index]
            if pair is not None and pair[1] == perm:
                graph.set_input(node, index, pair[0])
            elif value is not None and value.type.size > 1:
                self._turn(graph, node, index, value, perm)
        after = remaining(node.op, perm)
        graph.set_op(node, op)
        graph.set_type(node.output, permute_type(node.output.type, inverse(after)))
        if not is_identity(after):
            append_transpose(graph, node, after)
        return True

    @staticmethod
    def _turn(graph: Graph, node: Node, index: int, value: Value, perm: Perm) -> None:
        """Give an operand that is not transposed the inverse permutation."""
        if value.is_constant and len(value.type.shape) < len(perm):
            shape = (1,) * (len(perm) - len(value.type.shape)) + value.type.shape
            wide = replace(value.type, shape=shape, layout="")
            value = derive(graph, value, value.array.reshape(shape), wide)
            graph.set_input(node, index, value)
        prepend_transpose(graph, node, index, inverse(perm))

    def _into_weights(self, graph: Graph, node: Node, flattened: dict[Node, Value]) -> bool:
        flat = node.input(0)
        source, found = flat.producer, None
        if source is not None and isinstance(source.op, Reshape):
            found = transposed(source.input(0))
        if source is None or found is None:
            return False
        x, perm = found
        weights = node.input(1)
        columns = math.prod(x.type.shape[1:])
        if perm[0] != 0 or not weights.is_constant or flat.type.shape[1] != columns:
            refuse(self.name, node, "the flattening mixes the batch axis or weights are computed")
            return False
        if source not in flattened:
            new = graph.add_node(
                Reshape(flat.type.shape), [x], flat.type, name=source.name, origin=source.origin,
                before=node,
            )  # fmt: skip
            flattened[source] = new.output
        outer = [x.type.shape[p] for p in perm[1:]]
        order = np.arange(columns).reshape(1, *outer).transpose(inverse(perm)).reshape(-1)
        moved = derive(graph, weights, weights.array[:, order], weights.type)
        graph.set_input(node, 0, flattened[source])
        graph.set_input(node, 1, moved)
        return True

"""``op(constants) -> constant`` for operators that move elements or do exact float arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import DType, Graph, TensorType, Value
from edgekit.ir.op import Op
from edgekit.ir.ops import Add, Concat, Mul, Pad, Reshape, Sub, Transpose
from edgekit.passes.rewrite import permute_type


def fold(op: Op, inputs: Sequence[Value | None]) -> tuple[NDArray[Any], TensorType] | None:
    """The result of ``op`` on constants, None where it cannot be computed here exactly."""
    arrays = [v.data for v in inputs if v is not None and v.data is not None]
    if len(arrays) != len(inputs) or not arrays:
        return None
    types = [v.type for v in inputs if v is not None]
    if isinstance(op, Transpose):
        return arrays[0].transpose(op.perm), permute_type(types[0], op.perm)
    if isinstance(op, Reshape):
        if types[0].quant is not None and not types[0].quant.is_per_tensor:
            return None
        return arrays[0].reshape(op.shape), replace(types[0], shape=op.shape, layout="")
    if any(t.quant is not None for t in types):
        return None
    data = _plain(op, arrays)
    if data is None:
        return None
    return data, TensorType(tuple(data.shape), DType.from_numpy(data.dtype))


def _plain(op: Op, arrays: list[NDArray[Any]]) -> NDArray[Any] | None:
    if isinstance(op, Concat):
        return np.concatenate(arrays, axis=op.axis)
    if isinstance(op, Pad):
        widths = list(zip(op.before, op.after, strict=True))
        return np.pad(arrays[0], widths, constant_values=op.value)
    if isinstance(op, Add | Sub | Mul) and op.clamp is None:
        ufunc = {Add: np.add, Sub: np.subtract, Mul: np.multiply}[type(op)]
        result: NDArray[Any] = ufunc(arrays[0], arrays[1])
        return result if np.isfinite(result).all() else None
    return None


@dataclass(frozen=True)
class FoldConstants:
    """Replace a node whose inputs are all constants by the constant it computes."""

    name: str = "fold-constants"

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in list(graph.nodes):
            folded = fold(node.op, node.inputs)
            if folded is None:
                continue
            constant = graph.constant(folded[0], node.output.name, folded[1])
            constant.origin = node.output.origin
            graph.replace_uses(node.output, constant)
            graph.remove_node(node)
            changed = True
        return changed

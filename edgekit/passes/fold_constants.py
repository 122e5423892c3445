"""``op(constants) -> constants``, computed by the operator's own definition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Graph, Node, TensorType, Value
from edgekit.ir.op import Op
from edgekit.ir.ops import Copy, Dequantize, Quantize, Reshape, Transpose
from edgekit.passes.rewrite import permute_type
from quantize.reference.definitions import DEFINITIONS

Constant = tuple[NDArray[Any], TensorType]


def fold(op: Op, inputs: Sequence[Value | None]) -> tuple[Constant, ...] | None:
    """The results of ``op`` on constants; None where an input is computed at run time, where
    quantization would be lost, or where finite numbers would give a result that is not."""
    given = [v for v in inputs if v is not None]
    if not given or any(not v.is_constant for v in given) or isinstance(op, Copy):
        return None
    first = given[0]
    if isinstance(op, Transpose):
        return ((first.array.transpose(op.perm), permute_type(first.type, op.perm)),)
    if isinstance(op, Reshape):
        quant = first.type.quant
        if quant is not None and quant.axis is not None:
            lead = quant.axis + 1  # the channels stay what they are
            if op.shape[:lead] != first.type.shape[:lead]:
                return None
        return ((first.array.reshape(op.shape), replace(first.type, shape=op.shape, layout="")),)
    if any(v.type.quant is not None for v in given) or isinstance(op, Quantize | Dequantize):
        return None
    return _computed(op, inputs)


def _computed(op: Op, inputs: Sequence[Value | None]) -> tuple[Constant, ...] | None:
    definition = DEFINITIONS.get(type(op))
    if definition is None:
        return None
    shapes = op.infer([() if v is None else v.type.shape for v in inputs])
    dtypes = op.dtypes([None if v is None else v.type.dtype for v in inputs])
    types = [TensorType(s, d) for s, d in zip(shapes, dtypes, strict=True)]
    outputs = tuple(Value(f"output_{i}", t) for i, t in enumerate(types))
    arrays = [None if v is None else v.array for v in inputs]
    with np.errstate(all="ignore"):
        found = definition(op, Node("folded", op, tuple(inputs), outputs), *arrays)
    results = found if isinstance(found, tuple) else (found,)
    if _finite(a for a in arrays if a is not None) and not _finite(results):
        return None
    return tuple(zip(results, types, strict=True))


def _finite(arrays: Iterable[NDArray[Any]]) -> bool:
    return all(a.dtype.kind != "f" or bool(np.isfinite(a).all()) for a in arrays)


@dataclass(frozen=True)
class FoldConstants:
    """Replace a node whose inputs are all constants by the constants it computes."""

    name: str = "fold-constants"

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in list(graph.nodes):
            folded = fold(node.op, node.inputs)
            if folded is None:
                continue
            for output, (data, type) in zip(node.outputs, folded, strict=True):
                constant = graph.constant(data, output.name, type)
                constant.origin = output.origin
                graph.replace_uses(output, constant)
            graph.remove_node(node)
            changed = True
        return changed

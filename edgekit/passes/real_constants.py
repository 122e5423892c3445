"""``op(x, quantized constant) -> op(x, real constant)`` where x and the result are real."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import DType, Graph, Quant
from edgekit.ir.ops import Dequantize
from edgekit.passes.rewrite import derive


@dataclass(frozen=True)
class RealConstants:
    """Operators that stay on real numbers get real constants: weights that alone are quantized."""

    name: str = "real-constants"

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph.nodes:
            if isinstance(node.op, Dequantize) or node.outputs[0].type.dtype is not DType.FLOAT32:
                continue
            for index, value in enumerate(node.inputs):
                if value is None or not value.is_constant or value.type.quant is None:
                    continue
                data = _real(value.array, value.type.quant)
                type = replace(value.type, dtype=DType.FLOAT32, quant=None)
                graph.set_input(node, index, derive(graph, value, data, type))
                changed = True
        return changed


def _real(q: NDArray[Any], quant: Quant) -> NDArray[np.float32]:
    shape = [1] * q.ndim
    if quant.axis is not None:
        shape[quant.axis] = len(quant.scale)
    scale = np.array(quant.scale, np.float32).reshape(shape)
    zero = np.array(quant.zero_point, np.int64).reshape(shape)
    return (q.astype(np.int64) - zero).astype(np.float32) * scale

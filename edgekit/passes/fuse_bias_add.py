"""``Add(Conv2D or Dense, one constant per channel) -> Conv2D or Dense with that bias``."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Graph, Node, Value
from edgekit.ir.ops import Add, Conv2D, Dense
from edgekit.ir.ops.spatial import CHANNEL_AXIS
from edgekit.passes.rewrite import absorb, float_array, refuse


def channel_axis(node: Node) -> int:
    """The channel axis of a convolution's or dense layer's output."""
    return CHANNEL_AXIS[node.op.layout] if isinstance(node.op, Conv2D) else 1


def per_channel(value: Value, shape: tuple[int, ...], axis: int) -> NDArray[np.float32] | None:
    """A float constant as one number per channel of ``shape``, None where it varies otherwise."""
    data = float_array(value)
    if data is None or data.ndim > len(shape):
        return None
    dims = (1,) * (len(shape) - data.ndim) + data.shape
    if any(n != 1 for i, n in enumerate(dims) if i != axis) or dims[axis] not in (1, shape[axis]):
        return None
    return np.broadcast_to(data.reshape(-1), (shape[axis],))


@dataclass(frozen=True)
class FuseBiasAdd:
    """Move the addition of a constant per channel into the layer before it."""

    name: str = "fuse-bias-add"

    def run(self, graph: Graph) -> bool:
        changed = False
        for add in list(graph.nodes):
            if isinstance(add.op, Add):
                changed |= self._fuse(graph, add, add.op)
        return changed

    def _fuse(self, graph: Graph, add: Node, op: Add) -> bool:
        for index in (0, 1):
            layer = add.input(index).producer
            if layer is None or not isinstance(layer.op, Conv2D | Dense):
                continue
            addend = add.input(1 - index)
            shape = layer.output.type.shape
            extra = per_channel(addend, shape, channel_axis(layer))
            old = layer.optional_input(2)
            if extra is None or add.output.type.shape != shape:
                refuse(self.name, add, f"'{addend.name}' is not one float constant per channel")
            elif layer.op.clamp is not None or graph.sole_user(layer.output) is not add:
                refuse(self.name, add, "the layer's own output is also used or clamped")
            elif layer.output.type.quant is not None or (old and float_array(old) is None):
                refuse(self.name, add, "the layer is quantized")
            else:
                bias = extra if old is None else (old.array + extra).astype(np.float32)
                graph.set_input(layer, 2, graph.constant(bias, (old or addend).name))
                graph.set_op(layer, replace(layer.op, clamp=op.clamp))
                absorb(graph, layer, add)
                return True
        return False

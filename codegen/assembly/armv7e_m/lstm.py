"""LSTM on Armv7E-M: the gates of a unit are the four filters of a block of a dense layer."""

from __future__ import annotations

import numpy as np

from codegen.assembly.armv7e_m import dense
from codegen.assembly.armv7e_m.dense import BLOCK, TILE_INPUTS, Layer, whole_groups
from codegen.assembly.armv7e_m.dense_frame import GROUP
from codegen.assembly.armv7e_m.pairs import UPPER_LIMIT, misfits
from codegen.assembly.armv7e_m.requant import UPPER
from codegen.assembly.armv7e_m.scaling import KEEP, Scaling
from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.prepared import prepared
from codegen.c.operators.lstm import UNITS, declare_shape
from codegen.c.step import StepWriter
from edgekit.ir import Node, Value

UNIT_INSTRUCTIONS = 780
"""Of one step of one unit beside its sums."""
STEP_INSTRUCTIONS = 340
"""Of one step beside its units and the layers."""
_STRUCT = 72
"""Bytes of an ``ek_dense_pairs``."""
Layers = tuple[Layer, Layer]
"""Of the inputs and of the last outputs."""


@cached
def prepare(node: Node) -> Layers | str:
    """The layers of the inputs and of the last outputs, or why they cannot be."""
    weights, again, bias_x, bias_h = (node.input(i) for i in range(1, 5))
    from_x, from_h = _layer(weights, bias_x), _layer(again, bias_h)
    if isinstance(from_x, str):
        return from_x
    return from_h if isinstance(from_h, str) else (from_x, from_h)


def _layer(weights: Value, bias: Value) -> Layer | str:
    """A dense layer that keeps its sums; filters are the gates of each unit in turn."""
    depth = weights.type.shape[2]
    if depth > TILE_INPUTS and depth % GROUP:
        return f"more than {TILE_INPUTS} inputs that are no multiple of {GROUP}"
    rows = weights.array.astype(np.int64).transpose(1, 0, 2).reshape(-1, depth)
    start = bias.array.astype(np.int64).T.ravel()
    if misfits(rows[::2], rows[1::2]).any():
        return "a weight of -128 beside a negative one"
    if (128 * np.abs(rows).sum(axis=1) + np.abs(start)).max() >= UPPER_LIMIT:
        return "sums beyond 24 bits"
    start[1::2] *= UPPER
    nothing = np.zeros((len(rows), 0), np.int64)
    order = np.arange(len(rows), dtype=np.int64)
    return Layer(1, depth, len(rows), whole_groups(rows), order, Scaling(start, nothing, KEEP, 0))


def scratch(node: Node, layers: Layers) -> int:
    """Bytes of the sums of both products."""
    return 2 * 4 * BLOCK * min(node.input(5).type.shape[1], UNITS)


def emit(w: StepWriter, pair: Layers) -> None:
    """Write a layer."""
    shape, rule = declare_shape(w)
    names = "x_gates", "h_gates"
    layers = [dense.declare(w, layer, n) for layer, n in zip(pair, names, strict=True)]
    kernels = [w.function(ARMV7E_M, dense.function_of(p), dense.PORTABLE) for p in pair]
    x, h, c = (w.read(w.node.input(i)) for i in (0, 5, 6))
    outputs = [w.write(value) for value in w.node.outputs]
    w.call(
        "ek_lstm_pairs_s8", shape, *layers, *kernels, x, h, c, *outputs,
        f"(int32_t *)(void *){w.scratch()}", rule=rule,
    )  # fmt: skip


def cost(node: Node, layers: Layers) -> Cost:
    """Executed by one run."""
    batch, steps, _ = node.input(0).type.shape
    units = Cost(requantize=UNIT_INSTRUCTIONS * node.input(5).type.shape[1])
    step = sum((dense.layer_cost(layer) for layer in layers), units + STEP_INSTRUCTIONS)
    return batch * steps * step


def stack(node: Node, layers: Layers) -> int:
    """Bytes of the larger tile and of the struct of a part of a layer."""
    return max(layer.frame_bytes for layer in layers) + _STRUCT


LSTM = prepared("lstm pairs", prepare, emit, cost, scratch=scratch, stack=stack)
"""Gates by dense layers, units in C."""

"""LSTM on Armv6-M: the gates of two units are the eight filters of a block of a dense layer that
keeps its sums."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv6_m.dense import FLIP, dense
from codegen.assembly.cost import Cost
from codegen.assembly.dense import FILTERS, DenseKernel, pack
from codegen.assembly.isa import ARMV6_M
from codegen.c.operators.lstm import UNITS, declare_shape
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node, Value

GATES = DenseKernel(FILTERS, signed=False, clamp=False, output=DType.INT32)
UNIT_INSTRUCTIONS = 1430
"""Of one step of one unit beside its sums."""
TAP_INSTRUCTIONS = 28
"""Of an input and eight filters."""


def scratch(node: Node) -> int:
    """Bytes of the sums of both products."""
    units = min(node.input(5).type.shape[1], UNITS)
    return 2 * 4 * 4 * (units + units % 2)


def emit(w: StepWriter) -> None:
    """Write a layer."""
    shape, rule = declare_shape(w)
    layers = [_declare(w, name, i) for name, i in (("x_gates", 1), ("h_gates", 2))]
    kernel = w.function(ARMV6_M, dense(GATES), GATES.portable)
    x, h, c = (w.read(w.node.input(i)) for i in (0, 5, 6))
    outputs = [w.write(value) for value in w.node.outputs]
    w.call(
        "ek_lstm_blocks_s8", shape, *layers, kernel, x, h, c, *outputs,
        f"(int32_t *)(void *){w.scratch()}", rule=rule,
    )  # fmt: skip


def _declare(w: StepWriter, name: str, index: int) -> str:
    """Declare a layer: filters are the gates of each unit in turn, of an even number of units."""
    weights, bias = w.node.input(index), w.node.input(index + 2)
    return w.declare(
        "ek_dense_blocks", name,
        weights=w.weights(pack(_by_unit(weights), FLIP), name),
        table=w.table(_by_unit(bias).ravel(), f"{name}_start"),
        blocks=0, depth=weights.type.shape[2], back=0, offset=0, low=0, high=0, filters=FILTERS,
        flip=FLIP,
    )  # fmt: skip


def _by_unit(value: Value) -> NDArray[Any]:
    """An array of (gates, units, ...) as (units * gates, ...)."""
    array = value.array
    more = [(0, 0), (0, array.shape[1] % 2)] + [(0, 0)] * (array.ndim - 2)
    return np.pad(array, more).swapaxes(0, 1).reshape(-1, *array.shape[2:])


def cost(node: Node) -> Cost:
    """Executed by one run."""
    batch, steps, depth = node.input(0).type.shape
    units = node.input(5).type.shape[1]
    step = Cost(requantize=UNIT_INSTRUCTIONS * units, control=350 + 80 * -(-units // UNITS))
    step += -(-units // 2) * Cost(products=TAP_INSTRUCTIONS * (depth + units), control=2 * 97)
    return batch * steps * step


LSTM = Variant(
    emit,
    scratch,
    name="gates",
    refuse=lambda node: "",
    cost=cost,
)
"""Gates by a dense layer, units in C."""

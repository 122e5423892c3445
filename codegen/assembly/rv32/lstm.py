"""LSTM on RV32IMC: the gates of up to four units are the filters of a block of a dense layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.cost import Cost
from codegen.assembly.isa import RV32
from codegen.assembly.rv32.dense import SUMS, row_products, unroll_of
from codegen.assembly.rv32.registers import SAVED, Function
from codegen.c.operators.lstm import UNITS, declare_shape
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node, Value

GATES = 4
WEIGHTS, GROUPS, STEPS = 0, 4, 8
"""Fields of ``ek_gates``."""
WORDS = ("x", "sums", "depth", "groups")
UNIT_INSTRUCTIONS = 900
"""Of one step of one unit beside its sums."""


def units_of(node: Node) -> int:
    """Units of a group: as many as registers hold and divide the layer's."""
    units = node.input(5).type.shape[1]
    return next(n for n in (4, 2, 1) if units % n == 0)


def gates(units: int, unroll: int) -> Function:
    """``ek_gate_blocks_s8(a, x, sums)`` for groups of some units."""
    b = Function(f"gates{units}x{unroll}", WORDS)
    sums = SUMS[: GATES * units]
    b.name(x="a0", w="a1", end="a2", value="a3", weight="a4", p="a5", u="a6", left="a7")
    b.store("a1", "x")
    b.store("a2", "sums")
    for word, field in (("depth", STEPS), ("groups", GROUPS)):
        b.op("lw {u}, {field}(a0)", field=field)
        b.store(b.reg("u"), word)
    b.op("lw {w}, {field}(a0)", field=WEIGHTS)
    with b.loop("bnez {left}, {head}"):
        for i, register in enumerate(sums):
            b.op("lw {s}, {at}({w})", s=register, at=4 * i)
        b.op("addi {w}, {w}, {n}", n=4 * len(sums))
        b.load(b.reg("x"), "x")
        b.load(b.reg("end"), "depth")
        b.op("add {end}, {end}, {x}")
        row_products(b, sums, unroll)
        b.load(b.reg("u"), "sums")
        for i, register in enumerate(sums):
            b.op("sw {s}, {at}({u})", s=register, at=4 * i)
        b.op("addi {u}, {u}, {n}", n=4 * len(sums))
        b.store(b.reg("u"), "sums")
        b.load(b.reg("left"), "groups")
        b.op("addi {left}, {left}, -1")
        b.store(b.reg("left"), "groups")
    b.finish()
    return b


def packed(weights: Value, bias: Value, units: int) -> NDArray[np.int32]:
    """Starts and weights of some units at a time, the gates of each in turn."""
    _, _, depth = weights.type.shape
    block = GATES * units
    starts = bias.array.T.reshape(-1, block).astype("<i4")
    blocks = weights.array.transpose(1, 0, 2).reshape(len(starts), block, depth)
    taps = np.ascontiguousarray(blocks.transpose(0, 2, 1)).reshape(len(starts), -1).view("<i4")
    return np.concatenate([starts, taps], axis=1).ravel().astype(np.int32)


def scratch(node: Node) -> int:
    """Bytes of the sums of both products."""
    return 2 * 4 * GATES * min(node.input(5).type.shape[1], UNITS)


def emit(w: StepWriter) -> None:
    """Write a layer."""
    shape, rule = declare_shape(w)
    units, layers, kernels = units_of(w.node), [], []
    for name, index in (("x_gates", 1), ("h_gates", 2)):
        weights, bias = w.node.input(index), w.node.input(index + 2)
        depth = weights.type.shape[2]
        layers.append(
            w.declare(
                "ek_gates", name, weights=w.weights(packed(weights, bias, units), name), groups=0,
                steps=depth, rest=0, units=units, words=GATES * units + units * depth,
            )
        )  # fmt: skip
        kernels.append(w.function(RV32, gates(units, unroll_of(depth)), "ek_gate_blocks_s8"))
    x, h, c = (w.read(w.node.input(i)) for i in (0, 5, 6))
    outputs = [w.write(value) for value in w.node.outputs]
    w.call(
        "ek_lstm_gates_s8", shape, *layers, *kernels, x, h, c, *outputs,
        f"(int32_t *)(void *){w.scratch()}", rule=rule,
    )  # fmt: skip


def cost(node: Node) -> Cost:
    """Executed by one run."""
    batch, steps, depth = node.input(0).type.shape
    units, block = node.input(5).type.shape[1], GATES * units_of(node)
    calls = -(-units // UNITS) * (2 * len(SAVED) + 10)
    step = Cost(requantize=UNIT_INSTRUCTIONS * units, control=150)
    for inputs in (depth, units):
        loop = 3 * inputs // unroll_of(inputs)
        group = Cost(products=inputs * (1 + 3 * block), requantize=2 * block, control=loop + 11)
        step += GATES * units // block * group + calls
    return batch * steps * step


LSTM = Variant(
    emit,
    scratch,
    name="gates",
    refuse=lambda node: "",
    cost=cost,
    stack=lambda node: 4 * (len(WORDS) + len(SAVED) + 2),
)
"""Gates by blocks, units in C."""

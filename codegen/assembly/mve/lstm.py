"""LSTM: the eight sums of two units' gates at a time, in the eight even registers; then cells and
outputs of eight units (`lstm_units`)."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.isa import MVE
from codegen.assembly.mve.layer import FULL
from codegen.assembly.mve.lstm_units import LANES, units_block
from codegen.assembly.mve.tiles import SUMS
from codegen.c.operators.geometry import braces
from codegen.c.operators.integer import attributes
from codegen.c.operators.lstm import UNITS, declare_shape
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node, Value
from edgekit.ir.ops import QLstm, Requant

GROUP = 8
"""Filters that are computed together: the gates of two units."""
STEP_INSTRUCTIONS = 17
"""Of sixteen inputs and eight filters."""
CLAMP = -(2**15), 2**15 - 1
OPEN = 2**16
"""Clamps from here on do not matter to a sum with what is clamped to int16."""


@functools.cache
def gates_block() -> Block:
    """``void f(const ek_gates *a, const int8_t *x, int32_t *sums)``."""
    b = Block("gates_s8")
    b.name(x="r1", w="r3", steps="r5", sums="r7", x_start="r9", groups="r11")
    sums = ", ".join(SUMS)
    group, last = b.labels("group last")
    b.op("push {{r3-r11, lr}}")
    b.op("mov {x_start}, {x}")
    b.op("mov {sums}, r2")
    b.op("ldrd {w}, {groups}, [r0]")
    b.op("ldrd r2, r4, [r0, #8]")
    b.op("str r2, [sp]")
    b.op("vctp.8 r4")
    b.place(group)
    b.op(f"ldm {{w}}!, {{{{{sums}}}}}")
    b.op("mov {x}, {x_start}")
    b.op("ldr {steps}, [sp]")
    b.op("cmp {steps}, #0")
    b.op("beq {label}", label=last)
    with b.loop("subs {steps}, #1", "bne {head}"):
        b.op("vldrb.u8 q0, [{x}], #16")
        _products(b)
    b.place(last)
    b.op("vpst")
    b.op("vldrbt.u8 q0, [{x}]")
    _products(b)
    b.op(f"stm {{sums}}!, {{{{{sums}}}}}")
    b.op("subs {groups}, #1")
    b.op("bne {label}", label=group)
    b.op("pop {{r3-r11, pc}}")
    return b


@noted
def _products(b: Block) -> None:
    """Sixteen inputs times eight filters."""
    for s in SUMS:
        b.op("vldrb.u8 q1, [{w}], #16")
        b.op(f"vmladava.s8 {s}, q0, q1")


def packed(weights: Value, bias: Value) -> NDArray[np.int32]:
    """Starts and weights of two units at a time, the gates of each in turn; whole steps."""
    _, units, depth = weights.type.shape
    more = ((0, 0), (0, units % 2))
    starts = np.pad(bias.array, more).T.reshape(-1, GROUP).astype("<i4")
    filled = np.pad(weights.array, (*more, (0, -depth % FULL)))
    steps = filled.transpose(1, 0, 2).reshape(len(starts), GROUP, -1, FULL).transpose(0, 2, 1, 3)
    words = np.ascontiguousarray(steps).reshape(len(starts), -1).view("<i4")
    return np.concatenate([starts, words], axis=1).ravel().astype(np.int32)


def scratch(node: Node) -> int:
    """Bytes of the sums of both products."""
    units = min(node.input(5).type.shape[1], UNITS)
    return 2 * 4 * 4 * -(-units // LANES) * LANES


def refuse(node: Node) -> str:
    """Why the functions cannot compute a node; empty where they can."""
    op = node.op
    assert isinstance(op, QLstm)
    if (op.from_x.low, op.from_x.high) != CLAMP or min(-op.from_h.low, op.from_h.high) < OPEN:
        return "gates clamped otherwise than TFLite does"
    return "outputs with a clamp" if (op.hidden.low, op.hidden.high) != (-128, 127) else ""


def _scale(requant: Requant, index: int) -> list[int]:
    """Four words of an ``ek_lstm_units``."""
    multiplier, shift = requant.multiplier[index], requant.shift[index]
    return [max(shift, 0), multiplier, -31 if shift < 0 else 32, min(shift, 0)]


def emit(w: StepWriter) -> None:
    """Write a layer."""
    op, (shape, _) = attributes(w, QLstm), declare_shape(w)
    layers = []
    for name, index in (("x_gates", 1), ("h_gates", 2)):
        weights, bias = w.node.input(index), w.node.input(index + 2)
        depth = weights.type.shape[2]
        layers.append(
            w.declare(
                "ek_gates", name, weights=w.weights(packed(weights, bias), name), groups=0,
                steps=(depth - 1) // FULL, rest=(depth - 1) % FULL + 1, units=GROUP // 4,
                words=GROUP + GROUP * FULL // 4 * -(-depth // FULL),
            )
        )  # fmt: skip
    scales = [_scale(requant, i) for i in range(4) for requant in (op.from_x, op.from_h)]
    units = w.declare(
        "ek_lstm_units", "units", scales=braces([*scales, _scale(op.hidden, 0)]),
        zero_point=op.hidden.zero_point, cell_clip=op.cell_clip, shape=shape,
    )  # fmt: skip
    multiply = w.function(MVE, gates_block(), "ek_gates_s8")
    finish = w.function(MVE, units_block(op.cell_bits, op.cell_clip > 0)[0], "ek_lstm_units_s8")
    x, h, c = (w.read(w.node.input(i)) for i in (0, 5, 6))
    outputs = [w.write(value) for value in w.node.outputs]
    w.call(
        "ek_lstm_vectors_s8", shape, units, *layers, multiply, finish, x, h, c, *outputs,
        f"(int32_t *)(void *){w.scratch()}",
    )  # fmt: skip


def cost(node: Node) -> Cost:
    """Executed by one run."""
    op = node.op
    assert isinstance(op, QLstm)
    batch, steps, depth = node.input(0).type.shape
    units = node.input(5).type.shape[1]
    groups, parts = -(-units // 2), -(-units // UNITS)
    _, eight = units_block(op.cell_bits, op.cell_clip > 0)
    whole, rest = divmod(units, UNITS)
    step = (whole * (UNITS // LANES) + -(-rest // LANES)) * eight
    step += Cost(control=60 + units // 2 + 130 * parts)
    for inputs in (depth, units):
        count = -(-inputs // FULL)
        step += groups * Cost(products=STEP_INSTRUCTIONS * count + 2, control=6 + 2 * count)
    return batch * steps * step


LSTM = Variant(
    emit,
    scratch,
    name="gates",
    refuse=refuse,
    cost=cost,
)
"""Sums by one function, units by another."""

"""Products of two int8 matrices on Armv7E-M, four columns at a time."""

from __future__ import annotations

import numpy as np

from codegen.assembly.armv7e_m.matmul_block import (
    FILL_INSTRUCTIONS,
    GROUP,
    GROUP_BYTES,
    GROUP_INSTRUCTIONS,
    UNROLL,
    fill_function,
    matmul_function,
)
from codegen.assembly.armv7e_m.requant import SHIFTS
from codegen.assembly.armv7e_m.scaling import CLAMP, SCALE, SHIFT, TWICE, Scaling, find_scaling
from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.prepared import prepared
from codegen.c.operators.geometry import braces
from codegen.c.operators.integer import attributes
from codegen.c.operators.layers import STACK_AXES, declare_matmul
from codegen.c.step import StepWriter
from edgekit.ir import Node
from edgekit.ir.ops import QMatMul

PANEL = 4
"""Columns that are computed together."""
MOST_DEPTH = 512
"""Rows of the right matrix whose four columns are expanded."""


TAILS = {SCALE: 8, CLAMP: 17, TWICE: 23, SHIFT: 27}
"""Instructions that scale four sums."""


@cached
def scaling_of(node: Node) -> Scaling | str:
    """How sums become outputs, or why they cannot."""
    op, depth = node.op, node.input(0).type.shape[-1]
    assert isinstance(op, QMatMul)
    # Differences of 255 on both sides: no sum is larger than that of twice as many weights of 255.
    largest = np.full((1, 2 * depth), 255, np.int64)
    none = np.zeros(1, np.int64)
    return find_scaling(op.requant, none, largest, none, SHIFTS)


def _prepare(node: Node) -> Scaling | str:
    """As `scaling_of`, or why the function cannot compute a node."""
    a, b = node.input(0).type.shape, node.input(1).type.shape
    if len(node.output.type.shape) > STACK_AXES + 2:
        return "too many axes"
    if not GROUP <= a[-1] <= MOST_DEPTH or a[-2] < 2 or b[-1] < PANEL:
        return f"at least 2 rows and {PANEL} columns only, {GROUP} to {MOST_DEPTH} deep"
    return scaling_of(node)


def scratch(node: Node, found: Scaling) -> int:
    """Bytes of the expanded columns."""
    return 2 * PANEL * GROUP * -(-node.input(0).type.shape[-1] // GROUP)


def emit(w: StepWriter, found: Scaling) -> None:
    """Write a step."""
    op = attributes(w, QMatMul)
    a, b, y = w.node.input(0), w.node.input(1), w.node.output
    rows, depth = a.type.shape[-2:]
    groups = depth // GROUP
    layer = w.declare(
        "ek_matmul_panel", "layer", start=braces([int(found.start[0])] * PANEL), panel="NULL",
        bytes=GROUP * groups, back=-depth % GROUP, rows=rows, columns=b.type.shape[-1],
        entry=((groups - 1) % UNROLL + 1) * GROUP_BYTES,
        constants=braces(found.constants[0].tolist()), add=255 - op.requant.high + op.requant.low,
        subtract=255 - op.requant.high, zero=2 * op.requant.zero_point + 1, tail=found.tail,
        shift=found.shift,
    )  # fmt: skip
    source = w.declare(
        "ek_panel_source", "source", groups=groups, columns=b.type.shape[-1],
        zero=(-op.b_zero & 0xFFFF) + (-op.b_zero << 16),
    )  # fmt: skip
    multiply = w.function(ARMV7E_M, matmul_function(found.tail, found.shift), "ek_matmul_panel_s8")
    fill = w.function(ARMV7E_M, fill_function(), "ek_panel_fill_s8")
    w.call(
        "ek_matmul_panels_s8", declare_matmul(w), layer, source, multiply, fill, op.a_zero,
        op.b_zero, w.read(a), w.read(b), f"(int32_t *)(void *){w.scratch()}", w.write(y),
    )  # fmt: skip


def cost(node: Node, found: Scaling) -> Cost:
    """Executed by one run."""
    rows, depth = node.input(0).type.shape[-2:]
    groups, columns = -(-depth // GROUP), node.output.type.shape[-1]
    count = node.output.type.size // (rows * columns)
    rest = depth % GROUP != 0
    row = Cost(products=GROUP_INSTRUCTIONS * groups, control=14 + 2 * -(-groups // UNROLL))
    row += Cost(requantize=6 + TAILS[found.tail], control=9 * rest)
    packing = FILL_INSTRUCTIONS * (depth // GROUP) + 195 * rest
    panel = Cost(packing=packing, control=86) + rows * row
    return count * (96 + panel * -(-columns // PANEL)) + 148


MATMUL = prepared("matmul panels", _prepare, emit, cost, scratch=scratch)
"""All rows with four columns."""

"""Moves of bytes in tail-predicated loops: three instructions for sixteen bytes."""

from __future__ import annotations

from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.isa import MVE
from codegen.c.step import StepWriter

CALL = 6
"""Instructions of a copy beside its loop, the call included."""


def copy(w: StepWriter, source: str, target: str, count: int) -> None:
    """Copy bytes that do not overlap."""
    w.assemble(MVE, _copy_block(), "ek_copy_s8", source, target, count)


def copy_cost(count: int) -> Cost:
    """Instructions of `copy`."""
    return CALL + Cost(packing=3 * -(-count // 16))


def _copy_block() -> Block:
    b = Block("copy")
    b.name(x="r0", y="r1", count="r2")
    b.op("push {{r4, lr}}")
    done = b.label("done")
    b.op("wlstp.8 lr, {count}, {done}", done=done)
    with b.loop("letp lr, {head}"):
        b.op("vldrb.u8 q0, [{x}], #16")
        b.op("vstrb.8 q0, [{y}], #16")
    b.place(done)
    b.op("pop {{r4, pc}}")
    return b

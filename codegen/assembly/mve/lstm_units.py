"""LSTM: from the sums of gates to cells and outputs, eight units at a time."""

from __future__ import annotations

import functools

from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.mve import fixed

LANES = 8
SCALE, HIDDEN, ZERO_POINT, CLIP = 32, 128, 144, 148
"""Offsets in ``ek_lstm_units``; a gate's scales come first."""
FRAME = 64
"""Four gates of eight units at the stack pointer."""
GATE = 16
CONTENT = 2


@functools.cache
def units_block(cell_bits: int, is_clipped: bool) -> tuple[Block, Cost]:
    """``ek_lstm_units_s8(a, part)``, and the instructions for eight units."""
    b = Block(f"lstm_units_{cell_bits}{'c' * is_clipped}")
    b.name(a="r0", sums="r1", again="r2", c="r3", y="r4", left="r5", at="r12", places="q7")
    logistic = b.label("logistic")
    b.op("push {{r4-r12, lr}}")
    b.op("vpush {{d8-d15}}")
    b.op("sub sp, sp, #{size}", size=FRAME)
    b.op("ldm r1, {{r1-r5}}")
    b.op("mov r6, #0")
    b.op("vidup.u32 {places}, r6, #8")  # every other unit's words, times four
    b.op("vshl.i32 {places}, {places}, #2")
    fixed.constants(b)
    start = b.cost()
    with b.loop("subs {left}, {left}, #8", "bgt {head}"), b.part("requantize"):
        for gate in range(4):
            _gate(b, gate)
            if gate == CONTENT:
                fixed.tanh(b, 3)
            else:
                b.op("bl {label}", label=logistic)
            b.op("vstrw.32 q1, [sp, #{at}]", at=GATE * gate)
        b.op("add {sums}, {sums}, #{size}", size=4 * 4 * LANES)
        b.op("add {again}, {again}, #{size}", size=4 * 4 * LANES)
        _cell(b, cell_bits, is_clipped)
        fixed.tanh(b, cell_bits)
        _output(b)
    units = b.cost() - start
    b.op("add sp, sp, #{size}", size=FRAME)
    b.op("vpop {{d8-d15}}")
    b.op("pop {{r4-r12, pc}}")
    b.place(logistic)
    before = b.cost()
    with b.part("requantize"):
        fixed.logistic(b)
        b.op("bx lr")
    return b, units + 3 * (b.cost() - before)


@noted
def _gate(b: Block, gate: int) -> None:
    """Q3.12 of eight units from both sums, in q0."""
    for side, base in enumerate(("{sums}", "{again}")):
        _scale_registers(b, SCALE * gate + SCALE // 2 * side)
        even, odd = f"q{2 * side}", f"q{2 * side + 1}"
        for q, offset in ((even, 0), (odd, 16)):
            b.op(f"add {{at}}, {base}, #{offset + 4 * gate}")
            b.op(f"vldrw.u32 {q}, [{{at}}, {{places}}]")
        _scaled(b, (even, odd), "q4")
    for q in ("q0", "q1"):
        b.op(f"vqmovnb.s32 {q}, {q}")
        b.op(f"vmovlb.s16 {q}, {q}")
    b.op("vqadd.s32 q0, q0, q2")
    b.op("vqadd.s32 q1, q1, q3")
    b.op("vqmovnb.s32 q0, q0")
    b.op("vqmovnt.s32 q0, q1")


def _scale_registers(b: Block, offset: int) -> None:
    """A shift to the left, a multiplier, the shift of a sign, one to the right that rounds."""
    b.op("add {at}, {a}, #{offset}", offset=offset)
    b.op("ldm {at}, {{r6-r9}}")
    b.op("vdup.32 q5, r8")


def _scaled(b: Block, vectors: tuple[str, str], free: str) -> None:
    """Vectors of sums by the rule DOUBLE, in place; ties go away from zero where the sign counts,
    which a shift by 32 bits to the left removes."""
    for q in vectors:
        b.op(f"vshl.s32 {q}, r6")
        b.op(f"vqrdmulh.s32 {q}, {q}, r7")
        b.op(f"vshl.s32 {free}, {q}, q5")
        b.op(f"vadd.i32 {q}, {q}, {free}")
        b.op(f"vrshl.s32 {q}, r9")


def _lanes(b: Block, instruction: str) -> None:
    """An instruction for the units that there are."""
    b.op("vctp.16 {left}")
    b.op("vpst")
    b.op(instruction)


@noted
def _cell(b: Block, cell_bits: int, is_clipped: bool) -> None:
    """The cells move; they are in q0."""
    _lanes(b, "vldrht.u16 q0, [{c}]")
    for q, gate in (("q1", 1), ("q2", 0), ("q3", CONTENT)):
        b.op(f"vldrw.u32 {q}, [sp, #{GATE * gate}]")
    for bottom, q, kept, added in (("b", "q4", "q1", "q0"), ("t", "q5", "q1", "q0")):
        b.op(f"vmull{bottom}.s16 {q}, {kept}, {added}")
    b.op("vmullb.s16 q0, q2, q3")
    b.op("vmullt.s16 q1, q2, q3")
    for q, bits in (("q4", 15), ("q5", 15), ("q0", 15 + cell_bits), ("q1", 15 + cell_bits)):
        b.op(f"vshr.s32 q2, {q}, #31")
        b.op(f"vadd.i32 {q}, {q}, q2")
        b.op(f"vrshr.s32 {q}, {q}, #{bits}")
    b.op("vadd.i32 q4, q4, q0")
    b.op("vadd.i32 q5, q5, q1")
    b.op("vqmovnb.s32 q0, q4")
    b.op("vqmovnt.s32 q0, q5")
    if is_clipped:
        b.op("ldr r6, [{a}, #{at}]", at=CLIP)
        b.op("vdup.16 q1, r6")
        b.op("vmin.s16 q0, q0, q1")
        b.op("vneg.s16 q1, q1")
        b.op("vmax.s16 q0, q0, q1")
    _lanes(b, "vstrht.16 q0, [{c}], #16")


@noted
def _output(b: Block) -> None:
    """Eight outputs from the output gate and what is in q1."""
    b.op("vldrw.u32 q2, [sp, #{at}]", at=GATE * 3)
    b.op("vmullb.s16 q0, q1, q2")
    b.op("vmullt.s16 q1, q1, q2")
    _scale_registers(b, HIDDEN)
    _scaled(b, ("q0", "q1"), "q4")
    b.op("vqmovnb.s32 q0, q0")
    b.op("vqmovnt.s32 q0, q1")
    b.op("ldr r6, [{a}, #{at}]", at=ZERO_POINT)
    b.op("vqadd.s16 q0, q0, r6")
    b.op("vqmovnb.s16 q0, q0")
    _lanes(b, "vstrbt.16 q0, [{y}], #8")

"""Logistic function and hyperbolic tangent of eight int16 fixed-point numbers at a time.

The steps are those of ``ek_fixed_s16.h``: ``VQRDMULH`` is gemmlowp's rounded high product of int16
numbers, and the conditions of its exponential are predicates.
"""

from __future__ import annotations

from codegen.assembly.block import Block, noted

EXP_FACTORS = (25520, 19875, 12055, 4435, 600, 11)
"""exp(-2**e) for e = -2, -1, ... in Q0.15; the next is 0."""
CONSTANT = "r6"
ONE_Q2 = "q6"
"""The vector that holds 1 in Q2.13 all the time."""


def constants(b: Block) -> None:
    """What both functions find in its register."""
    _scalar(b, 1 << 13)
    b.op(f"vdup.16 {ONE_Q2}, {CONSTANT}")


@noted
def logistic(b: Block) -> None:
    """Q3.12 in q0 to Q0.15 in q1; takes q2 to q5."""
    _exp(b, 3)
    _reciprocal(b)
    b.op("vqshl.s16 q1, q1, #1")
    _scalar(b, 32767)
    b.op(f"vdup.16 q2, {CONSTANT}")
    b.op("vpt.s16 lt, q0, zr")
    b.op("veort q1, q1, q2")  # 1 less it
    _scalar(b, 1 << 14)
    b.op("vpt.i16 eq, q0, zr")
    b.op(f"vdupt.16 q1, {CONSTANT}")


@noted
def tanh(b: Block, integer_bits: int) -> None:
    """A number with ``integer_bits``, at most 6, in q0 to Q0.15 in q1; takes q2 to q5."""
    _exp(b, integer_bits + 1)
    _reciprocal(b)
    b.op(f"vsub.i16 q1, q1, {ONE_Q2}")
    b.op("vqshl.s16 q1, q1, #2")
    b.op("vpt.s16 lt, q0, zr")
    b.op("vnegt.s16 q1, q1")
    b.op("vpt.i16 eq, q0, zr")
    b.op("veort q1, q1, q1")


@noted
def _exp(b: Block, integer_bits: int) -> None:
    """exp of minus the magnitude of q0 with ``integer_bits`` as Q0.15 in q1."""
    bits = 13 - integer_bits  # of the fraction of a quarter
    b.op("vabs.s16 q1, q0")
    b.op("vneg.s16 q1, q1")
    b.op("vshl.i16 q2, q1, #{up}", up=16 - bits)
    b.op("vshr.u16 q2, q2, #{down}", down=16 - bits)
    _scalar(b, 1 << bits)
    b.op(f"vsub.i16 q2, q2, {CONSTANT}")
    b.op("vsub.i16 q5, q2, q1")  # quarters, above the fraction
    b.op("vshl.i16 q2, q2, #{up}", up=integer_bits)
    _near_zero(b)
    for place, factor in enumerate(EXP_FACTORS[: integer_bits + 2]):
        _scalar(b, factor)
        b.op("vshl.i16 q2, q5, #{up}", up=15 - bits - place)
        b.op("vpt.s16 lt, q2, zr")
        b.op(f"vqrdmulht.s16 q1, q1, {CONSTANT}")
    if integer_bits + 2 > len(EXP_FACTORS):
        _scalar(b, 1 << (bits + len(EXP_FACTORS)))
        b.op(f"vpt.s16 ge, q5, {CONSTANT}")
        b.op("veort q1, q1, q1")


@noted
def _near_zero(b: Block) -> None:
    """exp of q2 on [-1/4, 0) in Q0.15, in q1."""
    _scalar(b, 1 << 12)
    b.op(f"vadd.i16 q2, q2, {CONSTANT}")
    b.op("vqrdmulh.s16 q3, q2, q2")
    b.op("vqrdmulh.s16 q4, q3, q2")
    b.op("vqrdmulh.s16 q1, q3, q3")
    b.op("vrshr.s16 q1, q1, #2")
    b.op("vadd.i16 q1, q1, q4")
    _scalar(b, 10923)
    b.op(f"vqrdmulh.s16 q1, q1, {CONSTANT}")
    b.op("vadd.i16 q1, q1, q3")
    b.op("vrshr.s16 q1, q1, #1")
    b.op("vadd.i16 q1, q1, q2")
    _scalar(b, 28918)
    b.op(f"vqrdmulh.s16 q1, q1, {CONSTANT}")
    b.op(f"vadd.i16 q1, q1, {CONSTANT}")


@noted
def _reciprocal(b: Block) -> None:
    """2 / (1 + x) of x in Q0.15 in q1 as Q2.13: three Newton steps."""
    _scalar(b, 1 << 14)
    b.op("vshr.s16 q2, q1, #1")
    b.op(f"vadd.i16 q2, q2, {CONSTANT}")
    _scalar(b, -15420 & 0xFFFF)
    b.op(f"vqrdmulh.s16 q1, q2, {CONSTANT}")
    _scalar(b, 23130)
    b.op(f"vadd.i16 q1, q1, {CONSTANT}")
    for _ in range(3):
        b.op("vqrdmulh.s16 q3, q2, q1")
        b.op(f"vsub.i16 q3, {ONE_Q2}, q3")
        b.op("vqrdmulh.s16 q3, q1, q3")
        b.op("vshl.i16 q3, q3, #2")
        b.op("vadd.i16 q1, q1, q3")


def _scalar(b: Block, value: int) -> None:
    b.op(f"movw {CONSTANT}, #{value}")

"""Accumulators of integer layers: their bounds, their biases, and how they are requantized."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codegen.c.step import StepWriter
from edgekit.errors import ModelError, Problem
from edgekit.ir import Node
from edgekit.ir.ops import Requant, Rounding
from quantize.integer_form import symmetric_form
from quantize.requantize import INT32_MAX, bits_float, requantize


def reach(weights: NDArray[np.signedinteger], bias: NDArray[np.int32]) -> NDArray[np.int64]:
    """Largest magnitude that each filter's accumulator can reach."""
    worst = 128 * np.abs(weights.astype(np.int64)).sum(axis=1)
    return np.asarray(worst + np.abs(bias.astype(np.int64)))


def fold_zero_point(
    node: Node, weights: NDArray[np.signedinteger], x_zero: int, requant: Requant
) -> NDArray[np.int32]:
    """Bias with the input's zero point folded in: ``bias - x_zero * sum(weights)``.

    Every partial sum must stay inside int32. A channel whose bias is so large that it would not
    is dead (its output is saturated for every input): its bias is moved towards zero as far as
    needed, after checking that its output stays the same constant.

    Raises:
        ModelError: a channel could overflow and is not dead.
    """
    value = node.optional_input(2)
    bias = np.zeros(len(weights), np.int64) if value is None else value.array.astype(np.int64)
    total = weights.astype(np.int64).sum(axis=1)
    folded = bias - x_zero * total
    room = INT32_MAX - 128 * np.abs(weights.astype(np.int64)).sum(axis=1)
    moved = np.clip(folded, -room, room)
    ends = [folded - INT32_MAX + room, folded + INT32_MAX - room]
    ends += [moved - INT32_MAX + room, moved + INT32_MAX - room]
    outputs = [requantize(np.clip(e, -INT32_MAX, INT32_MAX), requant) for e in ends]
    same = np.all([o == outputs[0] for o in outputs[1:]], axis=0)
    alive = np.flatnonzero((moved != folded) & ~same)
    if alive.size:
        problem = Problem(
            f"the accumulators of channels {alive[:8].tolist()} can overflow int32",
            f"{node.op.label} '{node.name}'",
            hint="Check the biases' scales.",
        )
        raise ModelError("an accumulator can overflow", [problem])
    return np.asarray(moved, np.int32)


def declare_requant(
    w: StepWriter, requant: Requant, bound: NDArray[np.int64], variable: str = "requant"
) -> tuple[str, str]:
    """Declare the step's ``ek_requant``; returns a pointer to it and the rule's name in C.

    Args:
        w: the step.
        requant: the specification.
        bound: largest accumulator magnitude per channel.
        variable: the struct's name in C.
    """
    multiplier: NDArray[np.int32] | None
    rule = requant.rule.value
    scale = "NULL"
    if requant.rule is Rounding.FLOAT:
        exact = symmetric_form(requant, bound)
        if exact is None:
            data = np.array([bits_float(m) for m in requant.multiplier])
            table, shifts, scale = "NULL", "NULL", w.table(data, "scale")
        else:
            multiplier, shift = exact
            rule = "away"
            table = w.table(multiplier, "multiplier")
            shifts = w.table(shift.astype(np.int8), "shift")
    else:
        table = w.table(np.array(requant.multiplier, np.int32), "multiplier")
        shifts = "NULL"
        if requant.rule is Rounding.DOUBLE and max(requant.shift) < 0:
            rule = "right"
        if requant.rule is not Rounding.HIGH:
            shifts = w.table(np.array(requant.shift, np.int8), "shift")
    step = 0 if len(requant.multiplier) == 1 else 1
    pointer = w.declare(
        "ek_requant",
        variable,
        multiplier=table,
        shift=shifts,
        scale=scale,
        step=step,
        zero_point=requant.zero_point,
        low=requant.low,
        high=requant.high,
    )
    return pointer, rule

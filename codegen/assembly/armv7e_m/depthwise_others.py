"""Channels of depthwise layers whose requantization has no proven form: a kernel of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.depthwise_filters import Filters
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import declare_requant, reach
from codegen.c.step import StepWriter
from edgekit.ir.ops import QConv2D, Requant


def emit_others(w: StepWriter, op: QConv2D, filters: Filters, x: str, y: str) -> None:
    """The channels whose requantization has no proven form."""
    which = filters.others
    if not which.size:
        return
    weights = w.node.input(1).array[which]
    bias = filters.bias[which]
    kernel = w.node.input(1).type.shape
    window = declare_window(w, (kernel[1], kernel[2]), op.window, op.groups, "other_window")
    q, rule = declare_requant(
        w, channels_of(op.requant, which), reach(weights.reshape(len(which), -1), bias)
    )
    w.call(
        "ek_depthwise_channels_s8", window, q, op.x_zero,
        len(which), w.table(which, "others"), x, w.weights(weights, "other_weights"),
        w.table(bias, "other_bias"), y, rule=rule,
    )  # fmt: skip


def channels_of(requant: Requant, which: NDArray[np.int16]) -> Requant:
    """The requantization of some channels."""
    if len(requant.multiplier) == 1:
        return requant
    multiplier = tuple(requant.multiplier[c] for c in which)
    return replace(requant, multiplier=multiplier, shift=tuple(requant.shift[c] for c in which))

"""C for the element-wise integer operators: expressions in the loops of `ek_map.h`."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from codegen.c.operators import wide
from codegen.c.operators.accumulators import declare_requant
from codegen.c.operators.expressions import BINARY
from codegen.c.operators.integer import attributes
from codegen.c.operators.pointwise import HEADER, emit_broadcast
from codegen.c.step import Emitter, StepWriter
from edgekit.ir.ops import (
    Op,
    QCompare,
    QLeakyRelu,
    QPrelu,
    QSigmoid,
    QSquaredDifference,
    QTanh,
    Requant,
    Rescale,
)
from quantize.reference.integer_pointwise import SIGMOID_TABLE

INT32_MAX = 2**31 - 1


def emit_prelu(w: StepWriter) -> None:
    op = attributes(w, QPrelu)
    x, slope = _centred("a", op.x_zero), _centred("b", op.slope_zero)
    positive = _requantized(w, x, op.positive, "positive")
    negative = _requantized(w, f"{x} * {slope}", op.negative, "negative")
    _emit(w, f"a >= {op.x_zero} ? {positive} : {negative}", "ek_requant.h")


def emit_squared_difference(w: StepWriter) -> None:
    op = attributes(w, QSquaredDifference)
    difference = " - ".join(_operands(w, op.first, op.second, op.left_shift))
    text = _requantized(w, f"ek_square({difference})", op.requant, "requant")
    _emit(w, text, "ek_square.h", "ek_operand.h")


def emit_compare(w: StepWriter) -> None:
    op = attributes(w, QCompare)
    first, second = _operands(w, op.first, op.second, op.left_shift)
    sign = BINARY[op.function].signed.split()[1]
    _emit(w, f"{first} {sign} {second}", "ek_operand.h")


def emit_leaky_relu(w: StepWriter) -> None:
    op = attributes(w, QLeakyRelu)
    parts = []
    for variable, requant in (("positive", op.positive), ("negative", op.negative)):
        q, rule = wide.declare_requant(w, requant, variable)
        parts.append(f"ek_requantize_s16(x, {q}, 0, EK_{rule.upper()})")
    _emit_one(w, f"x >= 0 ? {parts[0]} : {parts[1]}", "ek_requant_s16.h")


def emit_curve(w: StepWriter) -> None:
    op = w.node.op
    assert isinstance(op, QSigmoid | QTanh)
    table = w.table(SIGMOID_TABLE.astype(np.uint16), "sigmoid")
    function = "ek_sigmoid_s16" if isinstance(op, QSigmoid) else "ek_tanh_s16"
    text = f"{function}(x, {table}, {op.multiplier}, {op.right_shift})"
    _emit_one(w, text, "ek_sigmoid_s16.h")


def _emit_one(w: StepWriter, text: str, *headers: str) -> None:
    w.kernels.extend((HEADER, *headers))
    x, y = w.node.input(0), w.node.output
    w.macro("EK_MAP", "int16_t", "int16_t", y.type.size, w.read(x), w.write(y), text)


def _operands(w: StepWriter, first: Rescale, second: Rescale, left_shift: int) -> tuple[str, str]:
    """C expressions of both operands, rescaled."""
    pointers = [
        w.declare("ek_operand", name, **asdict(rescale))
        for name, rescale in (("first", first), ("second", second))
    ]
    a, b = (
        f"ek_operand_scaled({x}, {pointer}, {left_shift}, EK_DOUBLE)"
        for x, pointer in zip("ab", pointers, strict=True)
    )
    return a, b


def _centred(name: str, zero_point: int) -> str:
    return name if zero_point == 0 else f"({name} - {zero_point})".replace("- -", "+ ")


def _requantized(w: StepWriter, accumulator: str, requant: Requant, variable: str) -> str:
    q, rule = declare_requant(w, requant, np.array([INT32_MAX]), variable)
    return f"ek_requantize({accumulator}, {q}, 0, EK_{rule.upper()})"


def _emit(w: StepWriter, text: str, *headers: str) -> None:
    w.kernels.extend((HEADER, *headers))
    emit_broadcast(w, "EK_MAP2", text)


EMITTERS: dict[type[Op], Emitter] = {
    QCompare: Emitter(emit_compare),
    QLeakyRelu: Emitter(emit_leaky_relu),
    QPrelu: Emitter(emit_prelu),
    QSigmoid: Emitter(emit_curve),
    QSquaredDifference: Emitter(emit_squared_difference),
    QTanh: Emitter(emit_curve),
}

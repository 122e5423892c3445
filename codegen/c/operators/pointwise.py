"""C for the element-wise functions: a loop from `ek_map.h` around one expression."""

from __future__ import annotations

import math

from codegen.c.operators.expressions import BINARY, UNARY, Expression, cast, headers, written
from codegen.c.operators.geometry import braces
from codegen.c.operators.overlap import by_element
from codegen.c.step import Emitter, StepWriter
from edgekit.errors import ModelError, Problem
from edgekit.ir import Value
from edgekit.ir.op import Shape
from edgekit.ir.ops import Add, Binary, Cast, Copy, Mul, Op, Sub, Unary, Where

HEADER = "ek_map.h"
MAX_AXES = 6


def expression(
    w: StepWriter,
    table: dict[str, Expression],
    function: str,
    alpha: float = 0.0,
    beta: float = 0.0,
) -> str:
    """The C expression of a function on elements of the step's first input; its headers are noted.

    Raises:
        ModelError: the function has no C form for their type.
    """
    dtype = w.node.input(0).type.dtype
    form = table.get(function, Expression()).form(dtype)
    if not form:
        where = f"{w.node.op.name} '{w.node.name}'"
        problem = Problem(f"{function} of {dtype.value} has no C kernel", where)
        raise ModelError("an element type is not supported", [problem])
    text = written(form, dtype, alpha, beta)
    w.kernels.extend((HEADER, *headers(text)))
    return text


def declare_nd(w: StepWriter, shapes: list[Shape], out: Shape) -> str:
    """Declare the step's ``ek_nd``: the result's axes and each operand's steps, neighbouring axes
    that every operand walks alike joined; returns a pointer to it.

    Raises:
        ModelError: more than six axes remain.
    """
    padded = [(1,) * (len(out) - len(s)) + s for s in shapes]
    axes: list[tuple[int, tuple[bool, ...]]] = []
    for i, size in enumerate(out):
        moves = tuple(s[i] != 1 for s in padded)
        if size == 1:
            continue
        if axes and axes[-1][1] == moves:
            axes[-1] = (axes[-1][0] * size, moves)
        else:
            axes.append((size, moves))
    if len(axes) > MAX_AXES:
        problem = Problem(f"broadcasting {shapes}", w.node.name, f"{MAX_AXES} joined axes")
        raise ModelError("too many axes", [problem])
    axes = [(1, (False,) * len(shapes))] * (MAX_AXES - len(axes)) + axes
    steps = []
    for operand in range(len(shapes)):
        own = [size if moves[operand] else 1 for size, moves in axes]
        steps.append(
            braces([math.prod(own[i + 1 :]) if axes[i][1][operand] else 0 for i in range(MAX_AXES)])
        )
    return w.declare(
        "ek_nd", "geometry", size=braces([n for n, _ in axes]), step="{" + ", ".join(steps) + "}"
    )


def emit_unary(w: StepWriter) -> None:
    op = w.node.op
    assert isinstance(op, Unary)
    _map(w, w.node.input(0), expression(w, UNARY, op.function, op.alpha, op.beta))


def emit_cast(w: StepWriter) -> None:
    op = w.node.op
    assert isinstance(op, Cast)
    w.kernels.append(HEADER)
    x = w.node.input(0)
    _map(w, x, cast(x.type.dtype, op.to))


def emit_copy(w: StepWriter) -> None:
    w.kernels.append(HEADER)
    _map(w, w.node.input(0), "x")


def _map(w: StepWriter, x: Value, text: str) -> None:
    y = w.node.output
    types = (x.type.dtype.c_name, y.type.dtype.c_name)
    w.macro("EK_MAP", *types, y.type.size, w.read(x), w.write(y), text)


def emit_binary(w: StepWriter) -> None:
    op = w.node.op
    assert isinstance(op, Binary | Add | Sub | Mul)
    function = op.function if isinstance(op, Binary) else type(op).__name__.lower()
    emit_broadcast(w, "EK_MAP2", expression(w, BINARY, function))


def emit_where(w: StepWriter) -> None:
    w.kernels.append(HEADER)
    emit_broadcast(w, "EK_MAP3", "a ? b : c")


def emit_broadcast(w: StepWriter, macro: str, text: str) -> None:
    """A loop over the operands, each broadcast to the result's shape."""
    values = [v for v in w.node.inputs if v is not None]
    y = w.node.output
    geometry = declare_nd(w, [v.type.shape for v in values], y.type.shape)
    types = [v.type.dtype.c_name for v in (*values, y)]
    w.macro(macro, *types, geometry, *[w.read(v) for v in values], w.write(y), text)


EMITTERS: dict[type[Op], Emitter] = {
    Binary: Emitter(emit_binary, overlap=by_element),
    Cast: Emitter(emit_cast, overlap=by_element),
    Copy: Emitter(emit_copy, overlap=by_element),
    Unary: Emitter(emit_unary, overlap=by_element),
    Where: Emitter(emit_where, overlap=by_element),
}

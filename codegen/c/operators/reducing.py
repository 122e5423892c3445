"""C for reductions, ranking and running sums: loops from headers around one expression."""

from __future__ import annotations

import math
from dataclasses import dataclass

from codegen.c.operators.geometry import braces
from codegen.c.operators.integer import attributes
from codegen.c.operators.wrapping import accumulator, modular
from codegen.c.step import Emitter, StepWriter
from edgekit.errors import ModelError, Problem
from edgekit.ir import DType
from edgekit.ir.op import Shape
from edgekit.ir.ops import ArgReduce, Cumulate, Op, Reduce, TopK

MAX_AXES = 6


@dataclass(frozen=True)
class Expressions:
    """One reduction in C.

    Attributes:
        kind: type of the running value ``acc``.
        first: its start; may read the first element ``x``.
        next: its value after element ``x``.
        last: the result.
    """

    kind: str
    first: str
    next: str
    last: str = "acc"


def expressions(function: str, dtype: DType, count: int) -> Expressions:
    """A function in `edgekit.ir.ops.reducing.REDUCE` on elements of a type."""
    kind = accumulator(dtype)
    if function in ("max", "min"):
        nan = " || x != x" if dtype.is_float else ""
        wins = f"x {'>' if function == 'max' else '<'} acc{nan}"
        return Expressions(dtype.c_name, "x", f"{wins} ? x : acc")
    match function:
        case "prod":
            return Expressions(kind, "1", modular("*", dtype, "acc", "x"))
        case "l1":
            return Expressions(kind, "0", _magnitudes(dtype))
        case "sum_square":
            return Expressions(kind, "0", f"acc + {modular('*', dtype, 'x', 'x')}")
        case "mean" if dtype.is_float:
            return Expressions(kind, "0", "acc + x", f"acc / {count}")
        case "mean":
            signed = "" if dtype.bounds[0] == 0 else "(int64_t)"
            return Expressions("uint64_t", "0", "acc + (uint64_t)x", f"{signed}acc / {count}")
        case _:
            return Expressions(kind, "0", modular("+", dtype, "acc", "x"))


def _magnitudes(dtype: DType) -> str:
    """``acc`` after the magnitude of ``x``."""
    kind = accumulator(dtype)
    if not dtype.is_float and dtype.bounds[0] == 0:
        return f"acc + ({kind})x"
    if not dtype.is_float and dtype.itemsize < 8:
        return f"acc + ({kind})x * (1u - 2u * (x < 0))"  # gcc warns of a conditional of casts
    return f"x < 0 ? acc - ({kind})x : acc + ({kind})x"


def emit_reduce(w: StepWriter) -> None:
    op = attributes(w, Reduce)
    reduce_axes(w, op.function, op.axes)


def reduce_axes(w: StepWriter, function: str, axes: tuple[int, ...]) -> None:
    """Write the step as a reduction of its first input over any axes."""
    x, y = w.node.input(0), w.node.output
    dtype = x.type.dtype
    if dtype is DType.BOOL and function not in ("max", "min"):
        problem = Problem(f"{function} of truth values", w.node.name, "max, min")
        raise ModelError("an element type is not supported", [problem])
    w.kernels.append("ek_reduce.h")
    shape = x.type.shape
    kept = _declare_axes(w, "kept", shape, [i for i in range(len(shape)) if i not in axes])
    group = _declare_axes(w, "set", shape, list(axes))
    e = expressions(function, dtype, math.prod(shape[a] for a in axes))
    w.macro(
        "EK_REDUCE", dtype.c_name, e.kind, y.type.dtype.c_name, kept, group, w.read(x), w.write(y),
        e.first, e.next, e.last,
    )  # fmt: skip


def _declare_axes(w: StepWriter, variable: str, shape: Shape, chosen: list[int]) -> str:
    """Declare an ``ek_nd`` that walks some axes of x; neighbours in memory are joined.

    Raises:
        ModelError: more than six remain.
    """
    axes: list[tuple[int, int]] = []
    for i in chosen:
        step = math.prod(shape[i + 1 :])
        if shape[i] == 1:
            continue
        if axes and axes[-1][1] == step * shape[i]:
            axes[-1] = (axes[-1][0] * shape[i], step)
        else:
            axes.append((shape[i], step))
    if len(axes) > MAX_AXES:
        problem = Problem(f"axes {chosen} of shape {shape}", w.node.name, f"{MAX_AXES} joined axes")
        raise ModelError("too many axes", [problem])
    axes = [(1, 0)] * (MAX_AXES - len(axes)) + axes
    steps = "{" + braces([step for _, step in axes]) + "}"
    return w.declare("ek_nd", variable, size=braces([n for n, _ in axes]), step=steps)


def _line(shape: Shape, axis: int) -> tuple[int, int, int]:
    """Outer, count and inner of the lines along ``axis``."""
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def emit_arg(w: StepWriter) -> None:
    op = attributes(w, ArgReduce)
    x, y = w.node.input(0), w.node.output
    w.kernels.append("ek_lines.h")
    better = f"x {'>' if op.largest else '<'}{'=' if op.last else ''} best"
    if x.type.dtype.is_float:
        better += " || (x != x && best == best)"  # the first NaN stays
    types = (x.type.dtype.c_name, y.type.dtype.c_name)
    w.macro("EK_ARG", *types, *_line(x.type.shape, op.axis), w.read(x), w.write(y), better)


def emit_top_k(w: StepWriter) -> None:
    op = attributes(w, TopK)
    x = w.node.input(0)
    values, places = w.node.outputs
    w.kernels.append("ek_lines.h")
    w.macro(
        "EK_TOP_K", x.type.dtype.c_name, places.type.dtype.c_name, *_line(x.type.shape, op.axis),
        op.k, w.read(x), w.write(values), w.write(places),
        "EK_LARGER" if op.largest else "EK_SMALLER",
    )  # fmt: skip


def emit_cumulate(w: StepWriter) -> None:
    op = attributes(w, Cumulate)
    x, dtype = w.node.input(0), w.node.input(0).type.dtype
    w.kernels.append("ek_lines.h")
    total = op.function == "sum"
    step = modular("+" if total else "*", dtype, "acc", "x")
    w.macro(
        "EK_CUMULATE", dtype.c_name, accumulator(dtype), *_line(x.type.shape, op.axis), w.read(x),
        w.write(w.node.output), 0 if total else 1, step, int(op.exclusive), int(op.reverse),
    )  # fmt: skip


EMITTERS: dict[type[Op], Emitter] = {
    ArgReduce: Emitter(emit_arg),
    Cumulate: Emitter(emit_cumulate),
    Reduce: Emitter(emit_reduce),
    TopK: Emitter(emit_top_k),
}

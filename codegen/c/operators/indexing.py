"""C for the operators whose indices are data: one geometry, one gather and one scatter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from codegen.c.operators.geometry import braces
from codegen.c.operators.integer import attributes
from codegen.c.operators.wrapping import modular
from codegen.c.step import Emitter, StepWriter
from edgekit.errors import ModelError, Problem
from edgekit.ir import DType, Value
from edgekit.ir.op import Shape
from edgekit.ir.ops import Gather, GatherElements, GatherND, Op, ScatterElements, ScatterND

MAX_AXES = 6


@dataclass(frozen=True)
class Indexed:
    """Positions that each hold a vector of indices into a tensor, in elements.

    Attributes:
        size: positions along each axis.
        step: elements of the tensor from one position to the next.
        walk: elements of the indices from one position to the next.
        limit, stride: for each index of the vector, the axis it chooses from.
        row: elements that lie in one piece at each place.
    """

    size: Shape
    step: Shape
    walk: Shape
    limit: Shape
    stride: Shape
    row: int


def _strides(shape: Shape) -> Shape:
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def along_axis(x: Shape, indices: Shape, axis: int) -> Indexed:
    """Every index chooses a slice along ``axis``, for all outer positions alike."""
    inner = math.prod(x[axis + 1 :])
    return Indexed(
        (math.prod(x[:axis]), math.prod(indices)),
        (x[axis] * inner, 0),
        (0, 1),
        (x[axis],),
        (inner,),
        inner,
    )


def elements(x: Shape, indices: Shape, axis: int) -> Indexed:
    """Every index replaces its own position on ``axis``."""
    strides = _strides(x)
    step = tuple(0 if i == axis else s for i, s in enumerate(strides))
    return Indexed(indices, step, _strides(indices), (x[axis],), (strides[axis],), 1)


def points(x: Shape, indices: Shape, batch: int = 0) -> Indexed:
    """Vectors of indices point at slices of x behind the first ``batch`` axes."""
    depth, outer = indices[-1], math.prod(x[:batch])
    count = math.prod(indices[batch:-1])
    limit, stride = x[batch : batch + depth], _strides(x)[batch : batch + depth]
    return Indexed(
        (outer, count),
        (math.prod(x[batch:]), 0),
        (count * depth, depth),
        limit,
        stride,
        math.prod(x[batch + depth :]),
    )


def _declare(w: StepWriter, g: Indexed, unit: int) -> str:
    if max(len(g.size), len(g.limit)) > MAX_AXES:
        problem = Problem("the indices have too many axes", w.node.name, f"up to {MAX_AXES}")
        raise ModelError("too many axes", [problem])
    lead = MAX_AXES - len(g.size)
    return w.declare(
        "ek_indexed",
        "geometry",
        size=braces([1] * lead + [*g.size]),
        step=braces([0] * lead + [unit * n for n in g.step]),
        walk=braces([0] * lead + [*g.walk]),
        depth=len(g.limit),
        limit=braces([*g.limit, *[1] * (MAX_AXES - len(g.limit))]),
        stride=braces([*[unit * n for n in g.stride], *[0] * (MAX_AXES - len(g.limit))]),
        row=unit * g.row,
    )


def _indices(w: StepWriter, value: Value) -> tuple[str, int]:
    """Pointer to the indices, and whether they are 64 bits wide; constants need half of that."""
    if value.is_constant:
        limit = 2**31 - 1
        return w.table(np.clip(value.array, -limit, limit).astype(np.int32), "indices"), 0
    return w.read(value), int(value.type.dtype is DType.INT64)


def emit_gather(w: StepWriter) -> None:
    op = w.node.op
    x, indices = w.node.input(0), w.node.input(1)
    if isinstance(op, Gather):
        g = along_axis(x.type.shape, indices.type.shape, op.axis)
    elif isinstance(op, GatherElements):
        g = elements(x.type.shape, indices.type.shape, op.axis)
    else:
        batch = attributes(w, GatherND).batch_dims
        g = points(x.type.shape, indices.type.shape, batch)
    geometry = _declare(w, g, x.type.dtype.itemsize)
    w.call("ek_gather", geometry, *_indices(w, indices), w.read(x), w.write(w.node.output))


def emit_scatter(w: StepWriter) -> None:
    op = w.node.op
    assert isinstance(op, ScatterElements | ScatterND)
    x, indices, updates = (w.node.input(i) for i in range(3))
    if isinstance(op, ScatterElements):
        g = elements(x.type.shape, indices.type.shape, op.axis)
    else:
        g = points(x.type.shape, indices.type.shape)
    y, given = w.write(w.node.output), (*_indices(w, indices), w.read(updates))
    w.macro("ek_copy_bytes", w.read(x), y, x.type.nbytes)
    if op.reduction == "none":
        w.call("ek_scatter", _declare(w, g, x.type.dtype.itemsize), *given, y)
        return
    w.kernels.append("ek_indexed.h")
    expression = _meeting(op.reduction, x.type.dtype)
    geometry = _declare(w, g, 1)
    w.macro("EK_SCATTER", x.type.dtype.c_name, geometry, *given, y, expression)


def _meeting(reduction: str, dtype: DType) -> str:
    """What an element ``old`` becomes under an ``update``, in C; NaN stays."""
    if reduction in ("add", "mul"):
        return modular("+" if reduction == "add" else "*", dtype, "old", "update")
    wins = f"update {'<' if reduction == 'min' else '>'} old"
    return f"{wins}{' || update != update' if dtype.is_float else ''} ? update : old"


EMITTERS: dict[type[Op], Emitter] = {
    Gather: Emitter(emit_gather),
    GatherElements: Emitter(emit_gather),
    GatherND: Emitter(emit_gather),
    ScatterElements: Emitter(emit_scatter),
    ScatterND: Emitter(emit_scatter),
}

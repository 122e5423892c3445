"""C for the operators that move elements."""

from __future__ import annotations

import math
from typing import NoReturn

from codegen.c.literals import float_literal
from codegen.c.operators.geometry import AXES
from codegen.c.operators.integer import attributes
from codegen.c.step import StepWriter
from edgekit.errors import ModelError, Problem
from edgekit.ir.op import Shape
from edgekit.ir.ops import Concat, Expand, Pad, Slice, Transpose
from edgekit.schedule.views import row_range

TRANSPOSE_AXES = 6


def emit_transpose(w: StepWriter) -> None:
    op = attributes(w, Transpose)
    x, y = w.node.input(0), w.node.output
    _limit_axes(w, TRANSPOSE_AXES)
    item = x.type.dtype.itemsize
    strides = _strides(x.type.shape, item)
    _move(w, list(y.type.shape), [strides[p] for p in op.perm], item)


def emit_slice(w: StepWriter) -> None:
    op = attributes(w, Slice)
    x = w.node.input(0).type
    if w.shares_bytes(w.node.input(0), w.node.output):
        w.call("ek_shift", w.node.output.type.nbytes, _first_byte(w), w.write(w.node.output))
        return
    strides = _strides(x.shape, x.dtype.itemsize)
    steps = [n * step for n, step in zip(strides, op.steps, strict=True)]
    first = sum(n * start for n, start in zip(strides, op.starts, strict=True))
    _move(w, *_joined(list(op.sizes), steps, x.dtype.itemsize), first)


def _first_byte(w: StepWriter) -> str:
    """Where a slice begins whose elements lie in one piece."""
    found = row_range(w.node)
    assert found is not None
    return f"(const unsigned char *){w.read(w.node.input(0))} + {found[0]}"


def emit_expand(w: StepWriter) -> None:
    op = attributes(w, Expand)
    x = w.node.input(0).type
    shape = (1,) * (len(op.shape) - len(x.shape)) + x.shape
    strides = _strides(shape, x.dtype.itemsize)
    steps = [0 if n == 1 else step for n, step in zip(shape, strides, strict=True)]
    _move(w, *_joined(list(op.shape), steps, x.dtype.itemsize))


def _strides(shape: Shape, item: int) -> list[int]:
    return [item * math.prod(shape[i + 1 :]) for i in range(len(shape))]


def _joined(sizes: list[int], steps: list[int], item: int) -> tuple[list[int], list[int], int]:
    """Sizes, steps and row of a strided copy with neighbouring axes joined where one step leads
    through both, the last ones into rows that lie in one piece."""
    axes: list[tuple[int, int]] = []
    for size, step in zip(sizes, steps, strict=True):
        if size == 1:
            continue
        if axes and axes[-1][1] == step * size:
            axes[-1] = (axes[-1][0] * size, step)
        else:
            axes.append((size, step))
    row = item
    if axes and axes[-1][1] == item:
        row *= axes.pop()[0]
    return [size for size, _ in axes], [step for _, step in axes], row


def _move(w: StepWriter, sizes: list[int], steps: list[int], row: int, first: int = 0) -> None:
    """Call the strided copy on axes of y; ``first`` is the byte of x where it starts."""
    if len(sizes) > TRANSPOSE_AXES:
        _too_many(w, len(sizes), TRANSPOSE_AXES)
    lead = TRANSPOSE_AXES - len(sizes)
    size = w.declare_array("int32_t", "size", [1] * lead + sizes)
    step = w.declare_array("int32_t", "step", [0] * lead + steps)
    x = w.read(w.node.input(0))
    x = f"(const unsigned char *){x} + {first}" if first else x
    w.call("ek_move", size, step, row, x, w.write(w.node.output))


def emit_pad(w: StepWriter) -> None:
    op = attributes(w, Pad)
    x = w.node.input(0)
    axes = _padded_axes(x.type.shape, op)
    if len(axes) > AXES:
        _too_many(w, len(axes), AXES)
    axes = [(1, 0, 0)] * (AXES - len(axes)) + axes
    sizes = (
        w.declare_array("int32_t", "in", [n for n, _, _ in axes]),
        w.declare_array("int32_t", "out", [sum(axis) for axis in axes]),
        w.declare_array("int32_t", "before", [before for _, before, _ in axes]),
    )
    item = x.type.dtype.itemsize
    y = w.write(w.node.output)
    w.call("ek_pad", *sizes, item, _fill(w, op), w.read(x), y)


def _fill(w: StepWriter, op: Pad) -> str:
    """Pointer to the element that surrounds the input."""
    given = w.node.optional_input(1)
    if given is not None:
        return w.read(given)
    dtype = w.node.input(0).type.dtype
    value = float_literal(op.value, dtype) if dtype.is_float else str(int(op.value))
    return w.declare_array(dtype.c_name, "fill", [value])


def _padded_axes(shape: Shape, op: Pad) -> list[tuple[int, int, int]]:
    """(size, before, after) of each axis; unpadded ones join the axis before them where there are
    more axes than the kernel has."""
    axes = list(zip(shape, op.before, op.after, strict=True))
    for i in range(len(axes) - 1, 0, -1):
        if len(axes) > AXES and not any(axes[i][1:]):
            n = axes.pop(i)[0]
            size, before, after = axes[i - 1]
            axes[i - 1] = (size * n, before * n, after * n)
    return axes


def emit_concat(w: StepWriter) -> None:
    op = attributes(w, Concat)
    y = w.node.output
    item = y.type.dtype.itemsize
    outer = math.prod(y.type.shape[: op.axis])
    stride = item * math.prod(y.type.shape[op.axis :])
    offset = 0
    for value in w.node.inputs:
        assert value is not None
        piece = item * math.prod(value.type.shape[op.axis :])
        target = f"(unsigned char *){w.write(y)} + {offset}"
        w.call("ek_concat", outer, piece, stride, w.read(value), target)
        offset += piece


def _limit_axes(w: StepWriter, limit: int) -> None:
    rank = len(w.node.input(0).type.shape)
    if rank > limit:
        _too_many(w, rank, limit)


def _too_many(w: StepWriter, found: int, limit: int) -> NoReturn:
    problem = Problem(f"{found} axes", f"{w.node.op.name} '{w.node.name}'", f"up to {limit}")
    raise ModelError("too many axes", [problem])

"""Shapes as the kernels want them: windows, collapsed reductions, broadcasting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from codegen.c.step import StepWriter
from edgekit.errors import ModelError, Problem
from edgekit.ir import Node
from edgekit.ir.op import Shape
from edgekit.ir.ops import Window

AXES = 4


def declare_window(
    w: StepWriter,
    kernel: tuple[int, int],
    window: Window,
    groups: int = 1,
    variable: str = "window",
    flat: bool = False,
) -> str:
    """Declare an ``ek_window`` of the step and return a pointer to it; ``flat``: all pixels of an
    image lie in one row."""
    x, y = w.node.input(0).type.shape, w.node.output.type.shape
    if flat:
        x, y = ((s[0], 1, s[1] * s[2], s[3]) for s in (x, y))
    return w.declare(
        "ek_window",
        variable,
        in_h=x[1],
        in_w=x[2],
        in_c=x[3],
        out_h=y[1],
        out_w=y[2],
        out_c=y[3],
        kernel_h=kernel[0],
        kernel_w=kernel[1],
        stride_h=window.strides[0],
        stride_w=window.strides[1],
        pad_top=window.padding[0],
        pad_left=window.padding[1],
        dilation_h=window.dilations[0],
        dilation_w=window.dilations[1],
        groups=groups,
        backward=int(w.step.backward),
    )


def collapse_mean(node: Node, axes: tuple[int, ...]) -> tuple[int, int, int]:
    """A mean over neighbouring axes as (outer, count, inner).

    Raises:
        ModelError: the axes are not neighbours.
    """
    shape = node.input(0).type.shape
    low, high = _span(shape, axes)
    if not are_neighbours(shape, axes):
        problem = Problem(f"mean over axes {axes} of shape {shape}", node.name, "neighbouring axes")
        raise ModelError("unsupported mean", [problem])
    return math.prod(shape[:low]), math.prod(shape[low : high + 1]), math.prod(shape[high + 1 :])


def are_neighbours(shape: Shape, axes: tuple[int, ...]) -> bool:
    """True where no axis longer than 1 lies between the chosen ones."""
    low, high = _span(shape, axes)
    return all(shape[a] == 1 or a in axes for a in range(low, high + 1))


def _span(shape: Shape, axes: tuple[int, ...]) -> tuple[int, int]:
    longer = [a for a in axes if shape[a] != 1] or list(axes[:1])
    return min(longer), max(longer)


def declare_broadcast(w: StepWriter) -> str:
    """Declare the step's ``ek_broadcast`` and return a pointer to it."""
    node = w.node
    size, a_step, b_step = broadcast_fields(
        node.input(0).type.shape, node.input(1).type.shape, node.output.type.shape
    )
    return w.declare("ek_broadcast", "geometry", size=size, a_step=a_step, b_step=b_step)


def broadcast_fields(a: Shape, b: Shape, out: Shape) -> list[str]:
    """The three initialisers of an ``ek_broadcast``: sizes and both operands' steps.

    Neighbouring axes that behave alike are joined first, so that most additions are one loop.

    Raises:
        ModelError: more than four axes remain.
    """
    axes = joined_axes(a, b, out)
    if len(axes) > AXES:
        problem = Problem(f"broadcasting {a} with {b}", allowed=f"{AXES} joined axes")
        raise ModelError("unsupported broadcasting", [problem])
    axes = [[1, True, True]] * (AXES - len(axes)) + axes
    sizes = [size for size, _, _ in axes]
    fields = [sizes]
    for operand in (1, 2):
        own = [axis[0] if axis[operand] else 1 for axis in axes]
        strides = [math.prod(own[i + 1 :]) for i in range(AXES)]
        fields.append([s if axis[operand] else 0 for s, axis in zip(strides, axes, strict=True)])
    return [braces(f) for f in fields]


def joined_axes(a: Shape, b: Shape, out: Shape) -> list[list[Any]]:
    """Axes of a broadcasting operator as ``[size, a varies, b varies]``, neighbours that behave
    alike joined into one."""
    rank = len(out)
    a, b = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    axes: list[list[Any]] = []
    for size, na, nb in zip(out, a, b, strict=True):
        kind = [na != 1 or size == 1, nb != 1 or size == 1]
        if size == 1:
            continue
        if axes and axes[-1][1:] == kind:
            axes[-1][0] *= size
        else:
            axes.append([size, *kind])
    return axes


def braces(values: Any) -> str:
    """A brace initialiser of integers."""
    return "{" + ", ".join(str(int(v)) for v in np.asarray(values).ravel()) + "}"

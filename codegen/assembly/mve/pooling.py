"""Pooling and means over windows that lie inside the input: see `pooled`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.cost import Cost
from codegen.assembly.mve.pooled import Shape, pooled_block
from codegen.assembly.mve.scaling import Form, Scaling, scaling_of
from codegen.assembly.prepared import prepared
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.geometry import are_neighbours, collapse_mean
from codegen.c.operators.overlap import by_mean, by_window
from codegen.c.step import StepWriter
from edgekit.ir import DType, Node
from edgekit.ir.ops import QAvgPool2D, QMaxPool2D, QMean, QMeanPool2D, Requant, Window

MAX_TAPS = 256
"""Sums of so many bytes fit into 16 bits."""
NUDGES = (0, 1, -1, 2, -2)


@dataclass(frozen=True)
class Geometry:
    """Windows of neighbouring pixels.

    Attributes:
        channels: of a pixel.
        kernel: rows and columns of a window.
        row_bytes: from one row of the input to the next.
        size: windows along both axes.
        steps: bytes from one window to the next along both axes.
        samples: as many times the same, one after the other.
    """

    channels: int
    kernel: tuple[int, int]
    row_bytes: int
    size: tuple[int, int]
    steps: tuple[int, int]
    samples: int = 1

    @property
    def taps(self) -> int:
        """Pixels of a window."""
        return self.kernel[0] * self.kernel[1]


@dataclass(frozen=True, eq=False)
class Pool:
    """A node as windows.

    Attributes:
        geometry: of the windows.
        bias: added to sums.
        scaling: of sums; None for maxima.
        zero_point, low, high: of the output.
    """

    geometry: Geometry
    bias: int
    scaling: Scaling | None
    zero_point: int
    low: int
    high: int

    @property
    def shape(self) -> Shape:
        """Of the function."""
        g, is_mean = self.geometry, self.scaling is not None
        clamped = (self.low, self.high) != (-128, 127)
        form = Form(clamped=clamped) if self.scaling is None else self.scaling.form
        found = Shape(is_mean, *g.kernel, True, False, form)
        lanes = found.lanes
        return replace(found, groups=g.channels >= lanes, rest=g.channels % lanes > 0)


def pool_of(node: Node) -> Pool | str:
    """How a node is computed, or why it is not."""
    op = node.op
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8}:
        return OtherKind("not int8")
    geometry = _mean_geometry(node) if isinstance(op, QMean) else _window_geometry(node)
    if isinstance(geometry, str):
        return geometry
    if isinstance(op, QMaxPool2D):
        return Pool(geometry, 0, None, 0, op.low, op.high)
    if geometry.taps > MAX_TAPS:
        return f"windows of more than {MAX_TAPS} pixels"
    if isinstance(op, QAvgPool2D):
        divided = division(geometry.taps, op.half_up)
        if divided is None:
            return "no vector form of its division is proven"
        clamped = (op.low, op.high) != (-128, 127)
        scaling = replace(divided, form=replace(divided.form, clamped=clamped))
        return Pool(geometry, 0, scaling, 0, op.low, op.high)
    assert isinstance(op, QMean | QMeanPool2D)
    requant = _for_count(op.requant, geometry.taps)
    bound = np.array([256 * geometry.taps])
    found = scaling_of(requant, bound)
    if found is None:
        return "no vector form of its rounding is proven"
    bias = -op.x_zero * geometry.taps
    return Pool(geometry, bias, found, requant.zero_point, requant.low, requant.high)


def _for_count(requant: Requant, count: int) -> Requant:
    """The requantization of sums of ``count`` elements."""
    at = count - 1 if len(requant.multiplier) > 1 else 0
    return replace(requant, multiplier=(requant.multiplier[at],), shift=(requant.shift[at],))


def _mean_geometry(node: Node) -> Geometry | str:
    op = node.op
    assert isinstance(op, QMean)
    if not are_neighbours(node.input(0).type.shape, op.axes):
        return "axes that are not neighbours"
    outer, count, inner = collapse_mean(node, op.axes)
    if inner == 1:
        return "its channels are not the last axis"
    return Geometry(inner, (1, count), count * inner, (1, outer), (0, count * inner))


def _window_geometry(node: Node) -> Geometry | str:
    op = node.op
    assert isinstance(op, QAvgPool2D | QMaxPool2D | QMeanPool2D)
    window: Window = op.window
    samples, _, width, channels = node.input(0).type.shape
    if any(window.padding) or max(window.dilations) > 1:
        return "windows that reach over the border, or have gaps"
    row = width * channels
    kernel = op.kernel if op.kernel[1] < width else (1, op.kernel[0] * op.kernel[1])
    steps = window.strides[0] * row, window.strides[1] * channels
    _, out_h, out_w, _ = node.output.type.shape
    return Geometry(channels, kernel, row, (out_h, out_w), steps, samples)


@functools.cache
def division(count: int, half_up: bool) -> Scaling | None:
    """The division of sums of ``count`` bytes, equal for every sum; ties up or away from zero."""
    sums = np.arange(-128 * count, 127 * count + 1, dtype=np.int64)
    if half_up:
        wanted = (sums + count // 2) // count
    else:
        wanted = np.sign(sums) * ((np.abs(sums) + count // 2) // count)
    exponent = (count - 1).bit_length() - 1  # significands lie in [2**30, 2**31)
    for left in range(max(0, 1 - exponent), 9):
        for nudge in NUDGES:
            m = round(2.0 ** (31 + exponent) / count) + nudge
            for form in (Form(left=left), Form(left=left, away=True), Form(True, left=left)):
                found = _applied(sums, form, m, exponent + left)
                if np.array_equal(found, wanted):
                    shift = np.array([-exponent - left], np.int32)
                    return Scaling(form, np.array([m], np.int32), shift)
    return None


def _applied(sums: NDArray[np.int64], form: Form, multiplier: int, shift: int) -> NDArray[np.int64]:
    y = ((sums << form.left) * multiplier + (form.rounded << 30)) >> 31
    y = y - (form.away & (y < 0))
    return np.asarray((y + ((1 << shift) >> 1)) >> shift)


def emit_pool(w: StepWriter, found: Pool) -> None:
    g, shape = found.geometry, found.shape
    kernel, fields = "ek_largest", {"low": found.low, "high": found.high}
    values: dict[str, object] = dict(fields)
    if found.scaling is not None:
        kernel = "ek_pooled"
        form = found.scaling.form
        values = {
            "bias": found.bias,
            "significand": int(found.scaling.multiplier[0]),
            "shift": int(found.scaling.shift[0]),
            "scaling": form.fields(found.zero_point, found.low, found.high),
        }
    rows, columns = g.kernel
    pointer = w.declare(
        kernel, "pool", channels=g.channels, rows=rows, columns=columns, row_bytes=g.row_bytes,
        **values,
    )  # fmt: skip
    source, target = w.node.input(0), w.node.output
    one = nullcontext((w.read(source), w.write(target)))
    with w.each_sample(source, target) if g.samples > 1 else one as (x, y):
        _loop(w, g, lambda a, b: w.assemble(
            shape.form.isa, pooled_block(shape), f"{kernel}_s8", pointer, x + a, y + b
        ))  # fmt: skip


def _loop(w: StepWriter, g: Geometry, call: Callable[[str, str], None]) -> None:
    """Call for every window, in the step's direction, with the offsets of input and output."""
    height, width = g.size

    def turn(variable: str, count: int) -> str:
        return f"({count - 1} - {variable})" if w.step.backward else variable

    if height == width == 1:
        call("", "")
        return
    with w.loop("i", height):
        row = turn("i", height)
        with w.loop("j", width):
            column = turn("j", width)
            call(
                f" + {row} * {g.steps[0]} + {column} * {g.steps[1]}",
                f" + ({row} * {width} + {column}) * {g.channels}",
            )


def _cost(node: Node, found: Pool) -> Cost:
    g = found.geometry
    return g.samples * g.size[0] * g.size[1] * (found.shape.cost(g.channels) + 8)


POOL = prepared("pooled", pool_of, emit_pool, _cost, overlap=lambda node, found: by_window(node))
MEAN = replace(POOL, overlap=by_mean)

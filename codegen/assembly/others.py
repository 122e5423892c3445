"""Filters that a kernel in assembly leaves to portable C, so that the rest of a layer need not be.

A few filters of a layer may not suit a kernel: their rounding has no proven form, or weights less
their zero point leave int8 (of uint8 weights nearly all fit, most layers have one filter that does
not). A filter that always gives one output gets a bias and a scale that suit. Any other becomes
constant for the kernel in assembly; `ek_conv_channels_s8` computes it beforehand into scratch, and
`ek_place_channels_s8` puts its outputs in their places afterwards. So the output may lie over the
input as far as the kernel in assembly allows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.isa import Isa
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.accumulators import declare_requant, fold_zero_point, reach
from codegen.c.operators.estimates import ESTIMATES
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import is_depthwise
from codegen.c.operators.overlap import Declared
from codegen.c.step import StepWriter, Variant
from edgekit.errors import ModelError
from edgekit.ir import DType, Node, TensorType, Value
from edgekit.ir.ops import QConv2D, QDense, Requant
from quantize.requantize import INT32_MAX, accumulator_bounds, channel_scales, requantize

Mask = NDArray[np.bool_]
Lacking = Callable[[Node], Mask | None]
"""Filters of a node that a kernel cannot compute, None where its shape does not suit anyway."""
FEWEST_LEFT = 2
"""At most one filter of so many may be left to portable C."""


@dataclass(frozen=True, eq=False)
class Split:
    """A layer in two parts.

    Attributes:
        node: for the kernel in assembly: int8 weights without a zero point, the others constant.
        others: numbers of the filters that are left.
    """

    node: Node
    others: NDArray[np.int16]

    @property
    def pixels(self) -> int:
        """Of the output."""
        return self.node.output.type.size // self.node.output.type.shape[-1]

    @property
    def nbytes(self) -> int:
        """Outputs of the others."""
        return self.pixels * len(self.others)

    def cost(self, isa: Isa) -> Cost:
        """About what the others take; taps are looked at one by one where a window is cut."""
        count, op = len(self.others), self.node.op
        if not count:
            return Cost()
        assert isinstance(op, QConv2D | QDense)
        whole, cut = (count * taps for taps in _taps(self.node))
        depth = (whole + cut) / self.nbytes * self.node.input(1).type.shape[-1]
        figures = ESTIMATES[isa.name].others
        return Cost(fallback=figures.total(self.nbytes, depth, cut, op.requant.rule))


def with_others(variant: Variant, lacking: Lacking, isa: Isa) -> Variant:
    """A variant that leaves filters to portable C where it must.

    Args:
        variant: for QConv2D or QDense.
        isa: its instruction set, which portable C is compiled for, too.
        lacking: filters of a node without a zero point of the weights that it cannot compute.
    """

    @cached
    def find(node: Node) -> Split | str:
        return _split(node, variant, lacking)

    def split(node: Node) -> Split:
        found = find(node)
        assert isinstance(found, Split)
        return found

    def refuse(node: Node) -> str:
        found = find(node)
        return found if isinstance(found, str) else ""

    def emit(w: StepWriter) -> None:
        found = split(w.node)
        rest = replace(w, step=replace(w.step, node=found.node))
        if not found.others.size:
            variant.emit(rest)
            return
        others, rule = _declare(w, found)
        apart = f"{w.scratch()} + {variant.scratch(found.node)}"
        kernel = "ek_depthwise_channels_s8" if _has_own(w.node) else "ek_conv_channels_s8"
        w.call(kernel, others, w.read(w.node.input(0)), apart, rule=rule)
        variant.emit(rest)
        w.call("ek_place_channels_s8", others, apart, w.write(w.node.output))

    def overlap(node: Node) -> Declared:
        return variant.overlap(split(node).node)

    def cost(node: Node) -> Cost:
        found = split(node)
        return variant.cost(found.node) + found.cost(isa)

    return replace(
        variant,
        emit=emit,
        scratch=lambda node: variant.scratch(split(node).node) + split(node).nbytes,
        overlap=overlap,
        refuse=refuse,
        cost=cost,
        stack=lambda node: variant.stack(split(node).node),
    )


def _split(node: Node, variant: Variant, lacking: Lacking) -> Split | str:
    op, weights, types = node.op, node.input(1), (node.input(0).type, node.output.type)
    assert isinstance(op, QConv2D | QDense)
    if {t.dtype for t in types} != {DType.INT8}:
        return OtherKind("not int8")
    if not weights.is_constant:
        return "weights that are no constant"
    centred = weights.array.astype(np.int16) - op.w_zero
    others = (centred != centred.astype(np.int8)).reshape(len(centred), -1).any(axis=1)
    rest = _without(node, others)
    try:
        reason = variant.refuse(rest)
        if isinstance(reason, OtherKind):  # whatever its filters are
            return reason
        more = lacking(rest) if reason else None
        if more is not None and more.any():
            rest = _settled(rest, more)
            reason = variant.refuse(rest)
            more = lacking(rest) if reason else None
        if more is not None and FEWEST_LEFT * (others | more).sum() <= len(others):
            others = others | more
            rest = _without(rest, others)
            reason = variant.refuse(rest)
    except ModelError as error:
        return error.summary
    if not reason and FEWEST_LEFT * others.sum() > len(others):
        reason = "most filters' weights less their zero point leave int8"
    if others.any() and isinstance(op, QConv2D) and types[1].shape[0] > 1:
        reason = reason or "filters that it leaves out, in several samples"
    return reason or Split(rest, np.flatnonzero(others).astype(np.int16))


def _without(node: Node, others: Mask) -> Node:
    """The node with int8 weights that have no zero point; the others always give that of the
    output, and their scale is that of a filter that stays."""
    op = node.op
    assert isinstance(op, QConv2D | QDense)
    if not op.w_zero and not others.any():
        return node
    weights = (node.input(1).array.astype(np.int16) - op.w_zero).astype(np.int8)
    weights[others] = 0
    bias = node.optional_input(2)
    values = None if bias is None else np.where(others, 0, bias.array)
    kept = np.where(others, np.argmin(others), np.arange(len(others)))
    return _changed(node, weights, values, channels_of(op.requant, kept))


def _settled(node: Node, lacking: Mask) -> Node:
    """The node with filters that always give one output (no weights, or saturated by their bias)
    without weights, and with a bias and a scale of a filter that is not lacking."""
    op, weights, value = node.op, node.input(1).array, node.optional_input(2)
    assert isinstance(op, QConv2D | QDense)
    if lacking.all() or value is None:
        return node
    ends = np.array(accumulator_bounds(weights, value.array, op.x_zero))
    first, last = requantize(np.clip(ends, -INT32_MAX, INT32_MAX), op.requant)
    kept = np.where(lacking, np.argmin(lacking), np.arange(len(lacking)))
    requant = channels_of(op.requant, kept)
    wanted = first.astype(np.float64) - op.requant.zero_point
    scales = channel_scales(requant, len(kept))
    sums = np.divide(wanted, scales, out=np.zeros_like(wanted), where=scales != 0)
    bias = np.clip(np.rint(sums), -(2**30), 2**30).astype(np.int32)
    settled = lacking & (first == last) & (requantize(bias, requant) == first)
    if not settled.any():
        return node
    own = np.where(settled, kept, np.arange(len(kept)))
    flat = np.where(settled[:, None], 0, weights.reshape(len(weights), -1)).astype(np.int8)
    values = np.where(settled, bias, value.array)
    return _changed(node, flat.reshape(weights.shape), values, channels_of(op.requant, own))


def _changed(
    node: Node, weights: NDArray[np.int8], bias: NDArray[Any] | None, requant: Requant
) -> Node:
    """The node with other constants and no zero point of the weights."""
    op = node.op
    assert isinstance(op, QConv2D | QDense)
    inputs = [node.inputs[0], _constant(f"{node.input(1).name}_fit", weights), None]
    if bias is not None:
        inputs[2] = _constant(f"{node.input(2).name}_fit", bias)
    return Node(
        node.name, replace(op, w_zero=0, requant=requant), tuple(inputs), node.outputs, node.origin,
        node.device,
    )  # fmt: skip


def _constant(name: str, array: NDArray[Any]) -> Value:
    return Value(name, TensorType(array.shape, DType.from_numpy(array.dtype)), array)


def channels_of(requant: Requant, which: NDArray[np.signedinteger]) -> Requant:
    """The requantization of some channels."""
    if len(requant.multiplier) == 1:
        return requant
    multiplier = tuple(requant.multiplier[c] for c in which)
    return replace(requant, multiplier=multiplier, shift=tuple(requant.shift[c] for c in which))


def _declare(w: StepWriter, found: Split) -> tuple[str, str]:
    """Declare the ``ek_others`` of a step; returns a pointer to it and the rule's name in C."""
    op, which = w.node.op, found.others
    assert isinstance(op, QConv2D | QDense)
    weights = w.node.input(1).array
    rows = weights.reshape(len(weights), -1).astype(np.int16) - op.w_zero
    folded = fold_zero_point(w.node, rows, op.x_zero, op.requant)[which]
    # What folding moves so that nothing overflows stays moved.
    bias = (folded + op.x_zero * rows[which].astype(np.int64).sum(axis=1)).astype(np.int32)
    requant = channels_of(op.requant, which)
    q, rule = declare_requant(w, requant, reach(rows[which], folded), "other_requant")
    others = w.declare(
        "ek_others", "others",
        window=_window(w, op), requant=q, channels=w.table(which, "others"),
        weights=w.weights(rows[which].astype(np.int16), "other_weights"),
        bias=w.table(bias, "other_bias"), folded=w.table(folded, "other_folded"),
        count=len(which), x_zero=op.x_zero,
    )  # fmt: skip
    return others, rule


def _taps(node: Node) -> tuple[int, int]:
    """Taps of a filter that lie inside the input: those of windows that do as a whole, and those of
    the others; rows of a dense layer have one."""
    op, x, y = node.op, node.input(0).type.shape, node.output.type.shape
    if not isinstance(op, QConv2D):
        return y[0], 0
    window, taps, whole = op.window, 1, 1
    for axis, kernel in enumerate(node.input(1).type.shape[1:3]):
        starts = np.arange(y[1 + axis]) * window.strides[axis] - window.padding[axis]
        at = starts[:, None] + np.arange(kernel) * window.dilations[axis]
        inside = (at >= 0) & (at < x[1 + axis])
        taps *= int(inside.sum())
        whole *= int(inside.all(axis=1).sum()) * kernel
    return whole, taps - whole


def _has_own(node: Node) -> bool:
    """True where each channel has one filter."""
    return is_depthwise(node) and node.output.type.shape[3] == node.input(0).type.shape[3]


def _window(w: StepWriter, op: QConv2D | QDense) -> str:
    """Declare the window; rows of a dense layer are pixels."""
    if isinstance(op, QConv2D):
        kernel = w.node.input(1).type.shape
        return declare_window(w, (kernel[1], kernel[2]), op.window, op.groups, "other_window")
    (rows, depth), filters = w.node.input(0).type.shape, w.node.output.type.shape[1]
    return w.declare(
        "ek_window", "other_window",
        in_h=1, in_w=rows, in_c=depth, out_h=1, out_w=rows, out_c=filters, kernel_h=1, kernel_w=1,
        stride_h=1, stride_w=1, dilation_h=1, dilation_w=1, groups=1,
    )  # fmt: skip

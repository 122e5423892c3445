"""Convolutions that are dense layers: one window that is the whole input, or single pixels.

Tiles of several pixels repeat the last one where there are fewer. A streaming model has one pixel
in most of its layers, so that a kernel for rows is cheaper there.
"""

from __future__ import annotations

import math
from dataclasses import replace

from codegen.assembly.cached import cached
from codegen.assembly.refusal import OtherKind
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node, TensorType, Value
from edgekit.ir.ops import QConv2D, QDense


@cached
def as_dense(node: Node) -> Node | None:
    """The dense layer that a convolution is, None where it is none: each row of its input is a
    pixel, or all of it."""
    op, (filters, *kernel, depth) = node.op, node.input(1).type.shape
    assert isinstance(op, QConv2D)
    samples, *size, _ = node.input(0).type.shape
    pixels = math.prod(node.output.type.shape[:3])
    is_whole = kernel == size and pixels == samples
    is_single = math.prod(kernel) == 1 and op.window.strides == (1, 1)
    if op.groups > 1 or any(op.window.padding) or not (is_whole or is_single):
        return None
    taps = math.prod(kernel) * depth
    inputs = [_shaped(node.input(0), pixels, taps), _shaped(node.input(1), filters, taps)]
    return Node(
        node.name, QDense(op.requant, op.x_zero, op.w_zero), (*inputs, *node.inputs[2:]),
        (_shaped(node.output, pixels, filters),), node.origin, node.device,
    )  # fmt: skip


def _shaped(value: Value, *shape: int) -> Value:
    """The same bytes in another shape."""
    kind = TensorType(shape, value.type.dtype)
    return Value(value.name, kind, value.array.reshape(shape) if value.is_constant else None)


def flat(variant: Variant) -> Variant:
    """A kernel for dense layers that computes convolutions which are such."""

    def of(node: Node) -> Node:
        found = as_dense(node)
        assert found is not None  # else refused
        return found

    def emit(w: StepWriter) -> None:
        variant.emit(replace(w, step=replace(w.step, node=of(w.node))))

    def refuse(node: Node) -> str:
        found = as_dense(node)
        return OtherKind("not a dense layer") if found is None else variant.refuse(found)

    return replace(
        variant,
        emit=emit,
        scratch=lambda node: variant.scratch(of(node)),
        overlap=lambda node: variant.overlap(of(node)),
        refuse=refuse,
        cost=lambda node: variant.cost(of(node)),
        stack=lambda node: variant.stack(of(node)),
    )

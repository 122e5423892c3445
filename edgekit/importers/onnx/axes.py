"""Axes as ONNX gives them: negative, as attributes or inputs, checked here once."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir import Value
from edgekit.ir.ops import Reshape, Slice


def one_axis(axis: int, rank: int) -> int:
    """A non-negative axis.

    Raises:
        Refusal: it lies outside the tensor.
    """
    if not -rank <= axis < rank:
        raise Refusal(f"axis {axis} of a tensor with {rank} axes", f"{-rank} to {rank - 1}")
    return axis % rank


def many_axes(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Non-negative axes in the given order.

    Raises:
        Refusal: one lies outside the tensor or is named twice.
    """
    found = tuple(one_axis(a, rank) for a in axes)
    if len(set(found)) != len(found):
        raise Refusal(f"axes {tuple(axes)} name an axis twice")
    return found


def given_axes(call: Call, index: int, since: int) -> tuple[int, ...] | None:
    """Axes from an attribute before opset ``since``, from a constant input from then on; None
    where they are not given."""
    if call.opset < since:
        return call.attr_ints("axes")
    return call.ints(index, "axes") if call.has(index) else None


def take(call: Call, x: Value, axis: int, start: int, size: int, stem: str) -> Value:
    """A range of ``size`` elements along one axis."""
    shape = x.type.shape
    starts = tuple(start if i == axis else 0 for i in range(len(shape)))
    sizes = tuple(size if i == axis else n for i, n in enumerate(shape))
    return call.add(Slice(starts, sizes, (1,) * len(shape)), [x], stem)


def reshaped(call: Call, x: Value, shape: Sequence[int], stem: str) -> Value:
    """The same elements in another shape."""
    return x if x.type.shape == tuple(shape) else call.add(Reshape(tuple(shape)), [x], stem)

"""Resize and Upsample: one constant table of neighbours and weights for each axis.

The tables follow the published definition of ONNX Resize: where a result lies between the elements
of the input (``coordinate_transformation_mode``), and how much its neighbours count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.importers.onnx.axes import many_axes
from edgekit.importers.onnx.context import MAX_ELEMENTS, Call, Refusal
from edgekit.ir import DType, Value
from edgekit.ir.ops import Gather, Resample, Where

Real = NDArray[np.float64]
MODES = ("nearest", "linear", "cubic")
POLICIES = ("stretch", "not_larger", "not_smaller")


@dataclass(frozen=True)
class Method:
    """Attributes of a resize.

    Attributes:
        mode: one of `MODES`.
        transform: where results lie, a key of `_origins`' cases.
        nearest: which of two neighbours is the nearest.
        antialias: the kernel grows with the step of a reduction.
        a: the cubic kernel's coefficient.
        exclude: neighbours outside do not count (otherwise the edge does in their place).
        outside: the result where tf_crop_and_resize looks outside the input.
    """

    mode: str
    transform: str = "asymmetric"
    nearest: str = "floor"
    antialias: bool = False
    a: float = -0.75
    exclude: bool = False
    outside: float = 0.0


@dataclass(frozen=True)
class Axis:
    """One axis: input and output elements, scale, and the part of the input that is looked at."""

    count: int
    size: int
    scale: float
    start: float = 0.0
    end: float = 1.0


def upsample(call: Call) -> None:
    """``Upsample``: scales are an attribute before opset 9, an input since."""
    shape = call.value(0).type.shape
    if call.opset < 9:
        scales = tuple(float(s) for s in call.attr_raw("scales") or ())
    else:
        scales = _reals(call, 1, "scales")
    _apply(call, Method(_mode(call)), _by_scale(shape, range(len(shape)), scales))


def resize(call: Call) -> None:
    """``Resize``: before opset 11 as Upsample."""
    shape = call.value(0).type.shape
    if call.opset < 11:
        scales = _reals(call, 1, "scales")
        _apply(call, Method(_mode(call)), _by_scale(shape, range(len(shape)), scales))
        return
    axes = many_axes(call.attr_ints("axes") or tuple(range(len(shape))), len(shape))
    policy = call.attr_str("keep_aspect_ratio_policy", "stretch")
    method = Method(
        _mode(call),
        call.attr_str("coordinate_transformation_mode", "half_pixel"),
        call.attr_str("nearest_mode", "round_prefer_floor"),
        bool(call.attr_int("antialias", 0)),
        call.attr_float("cubic_coeff_a", -0.75),
        bool(call.attr_int("exclude_outside", 0)),
        call.attr_float("extrapolation_value", 0.0),
    )
    if call.has(3):
        found = _by_size(shape, axes, call.ints(3, "sizes"), policy)
    else:
        found = _by_scale(shape, axes, _reals(call, 2, "scales"))
    if method.transform == "tf_crop_and_resize":
        roi = _reals(call, 1, "roi")
        if len(roi) != 2 * len(axes):
            raise Refusal(f"roi has {len(roi)} numbers", f"{2 * len(axes)}")
        for i, axis in enumerate(axes):
            one = found[axis]
            found[axis] = Axis(one.count, one.size, one.scale, roi[i], roi[i + len(axes)])
    _apply(call, method, found)


def _mode(call: Call) -> str:
    mode = call.attr_str("mode", "nearest")
    mode = {"bilinear": "linear"}.get(mode, mode)
    if mode not in MODES:
        raise Refusal(f"mode {mode}", ", ".join(MODES))
    return mode


def _reals(call: Call, index: int, what: str) -> tuple[float, ...]:
    return tuple(float(v) for v in call.constant(index, what).reshape(-1))


def _by_scale(
    shape: Sequence[int], axes: Sequence[int], scales: Sequence[float]
) -> dict[int, Axis]:
    if len(scales) != len(axes) or not all(math.isfinite(s) and s > 0 for s in scales):
        raise Refusal(f"scales {tuple(scales)} for {len(axes)} axes", "positive numbers")
    return {
        a: Axis(shape[a], math.floor(shape[a] * s), s) for a, s in zip(axes, scales, strict=True)
    }


def _by_size(
    shape: Sequence[int], axes: Sequence[int], sizes: Sequence[int], policy: str
) -> dict[int, Axis]:
    if len(sizes) != len(axes) or min(sizes, default=1) < 1 or policy not in POLICIES:
        raise Refusal(f"sizes {tuple(sizes)} for {len(axes)} axes, policy {policy}")
    ratios = [n / shape[a] for a, n in zip(axes, sizes, strict=True)]
    if policy == "stretch":
        return {a: Axis(shape[a], n, n / shape[a]) for a, n in zip(axes, sizes, strict=True)}
    scale = min(ratios) if policy == "not_larger" else max(ratios)
    return {a: Axis(shape[a], math.floor(scale * shape[a] + 0.5), scale) for a in axes}


def _apply(call: Call, method: Method, axes: dict[int, Axis]) -> None:
    x = call.value(0)
    for index, one in axes.items():
        if not 0 < one.size <= MAX_ELEMENTS:
            raise Refusal(f"axis {index} would have {one.size} elements")
        whole = method.transform != "tf_crop_and_resize" or (one.start, one.end) == (0, 1)
        if one.count == one.size and one.scale == 1.0 and whole:
            continue
        x = _along(call, x, index, one, method)
    call.result(x)


def _along(call: Call, x: Value, axis: int, one: Axis, method: Method) -> Value:
    """x resized along one axis."""
    out = call.output_names[0]
    origin = _origins(one, method.transform)
    if method.mode == "nearest":
        places = np.clip(_nearest(origin, method.nearest), 0, one.count - 1)
        y = call.add(Gather(axis), [x, call.array(places)], out)
    else:
        if x.type.dtype is not DType.FLOAT32:
            raise Refusal(f"mode {method.mode} on {x.type.dtype.value}", "float32")
        indices, weights = neighbours(origin, one, method)
        tables = call.array(indices), call.array(weights)
        y = call.add(Resample(axis), [x, *tables], out)
    if method.transform != "tf_crop_and_resize":
        return y
    inside = (origin >= 0) & (origin <= one.count - 1)
    if inside.all():
        return y
    column = [-1 if i == axis else 1 for i in range(len(x.type.shape))]
    value = call.array(np.asarray(method.outside, x.type.dtype.numpy))
    return call.add(Where(), [call.array(inside.reshape(column)), y, value], out)


def _origins(one: Axis, transform: str) -> Real:
    """Where each result lies among the elements of the input."""
    x = np.arange(one.size, dtype=np.float64)
    width = one.scale * one.count
    match transform:
        case "asymmetric":
            return np.asarray(x / one.scale)
        case "align_corners":
            return x * 0 if one.size == 1 else np.asarray(x * (one.count - 1) / (width - 1))
        case "half_pixel":
            return np.asarray((x + 0.5) / one.scale - 0.5)
        case "pytorch_half_pixel":
            return x * 0 - 0.5 if one.size == 1 else np.asarray((x + 0.5) / one.scale - 0.5)
        case "half_pixel_symmetric":
            offset = one.count / 2 * (1 - one.size / width)
            return np.asarray(offset + (x + 0.5) / one.scale - 0.5)
        case "tf_crop_and_resize":
            span = (one.end - one.start) * (one.count - 1)
            at = x * 0 + span / 2 if one.size == 1 else x * span / (width - 1)
            return np.asarray(at + one.start * (one.count - 1))
    raise Refusal(f"coordinate_transformation_mode {transform}")


def _nearest(origin: Real, mode: str) -> NDArray[np.int64]:
    match mode:
        case "floor":
            found = np.floor(origin)
        case "ceil":
            found = np.ceil(origin)
        case "round_prefer_floor":
            found = np.ceil(origin - 0.5)
        case "round_prefer_ceil":
            found = np.floor(origin + 0.5)
        case _:
            raise Refusal(f"nearest_mode {mode}")
    return np.asarray(found, np.int64)


def neighbours(
    origin: Real, one: Axis, method: Method
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Indices and weights (size, taps) of linear and cubic interpolation."""
    reach = 1 if method.mode == "linear" else 2
    stretch = min(one.scale, 1.0) if method.antialias else 1.0
    first = math.floor(-reach / stretch) + 1
    base = np.floor(origin)
    if (2 - 2 * first) * one.size > MAX_ELEMENTS:
        raise Refusal(f"scale {one.scale} reaches too far")
    offsets = np.arange(first, 2 - first if method.antialias else reach + 1)
    at = (offsets - (origin - base)[:, None]) * stretch
    weights = np.clip(1 - np.abs(at), 0, 1) if method.mode == "linear" else _cubic(at, method.a)
    indices = (base[:, None] + offsets).astype(np.int64)
    if method.exclude:
        weights = np.where((indices < 0) | (indices >= one.count), 0, weights)
    if method.exclude or method.antialias:
        weights = weights / weights.sum(axis=1, keepdims=True)
    inside = np.clip(indices, 0, one.count - 1)
    return inside.astype(np.int32), weights.astype(np.float32)


def _cubic(at: Real, a: float) -> Real:
    """Keys' cubic convolution kernel (R. Keys, 1981) with coefficient ``a``."""
    x = np.abs(at)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.asarray(np.where(x <= 1, near, np.where(x < 2, far, 0)))

"""Between the caller's arrays (the model's own layout and dtype) and the artefact's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.artefact import Port
from edgekit.errors import DataError, Problem
from edgekit.ir import DType

Array = NDArray[Any]


def to_inner(ports: Sequence[Port], arrays: Mapping[str, Array]) -> list[Array]:
    """The caller's arrays as the artefact stores them.

    Args:
        ports: the artefact's inputs.
        arrays: by input name, or one array ``x`` where there is one input; sample axis first, in
            the model's own layout and dtype.

    Returns:
        One array per port, shape (n, ...) without the batch axis of 1, C order.

    Raises:
        DataError: with every missing, superfluous, mis-shaped, mistyped or non-finite array.
    """
    named = dict(arrays)
    if len(ports) == 1 and set(named) == {"x"} and ports[0].name != "x":
        named = {ports[0].name: named["x"]}
    problems: list[Problem] = []
    known = {p.name for p in ports}
    problems += [
        Problem("is not an input of the model", f"array '{n}'", ", ".join(sorted(known)))
        for n in named
        if n not in known
    ]
    inner: list[Array] = []
    for port in ports:
        if port.name not in named:
            hint = "Name the array as the input, or 'x' for a model with one input."
            problems.append(Problem("has no array", f"input '{port.name}'", describe(port), hint))
            continue
        problem = check_outer(port, named[port.name])
        if problem:
            problems.append(problem)
        else:
            inner.append(_convert(port, with_sample_axis(port, named[port.name])))
    counts = {len(a) for a in inner}
    if len(counts) > 1:
        problems.append(Problem(f"inputs have different sample counts: {sorted(counts)}"))
    if problems:
        raise DataError("the input arrays do not fit the model", problems)
    return inner


def to_outer(ports: Sequence[Port], inner: Sequence[Array]) -> dict[str, Array]:
    """The artefact's outputs as the caller of the original model expects them, by name."""
    result = {}
    for port, array in zip(ports, inner, strict=True):
        data = array.reshape(-1, *port.shape[1:])
        if port.perm is not None:
            data = data.transpose(tuple(int(i) for i in np.argsort(port.perm)))
        if port.outer_dtype is DType.FLOAT32 and port.dtype is not DType.FLOAT32:
            data = dequantize(port, data)
        result[port.name] = np.ascontiguousarray(data.reshape(len(data), *port.outer_shape[1:]))
    return result


def quantize(port: Port, real: Array) -> Array:
    """Real values to the port's integers: float32 division, half away from zero, clamped.

    The helpers in the generated header compute exactly the same.
    """
    assert port.quant is not None
    scaled = real.astype(np.float32) / np.float32(port.quant.scale[0])
    rounded = np.trunc(scaled + np.copysign(np.float32(0.5), scaled))
    low, high = port.dtype.bounds
    shifted = np.clip(rounded + port.quant.zero_point[0], low, high)
    return np.asarray(shifted, port.dtype.numpy)


def dequantize(port: Port, q: Array) -> Array:
    """The port's integers to real values, float32."""
    assert port.quant is not None
    shifted = (q.astype(np.int32) - port.quant.zero_point[0]).astype(np.float32)
    return np.asarray(np.float32(port.quant.scale[0]) * shifted)


def check_outer(port: Port, array: Array) -> Problem | None:
    """What is wrong with a caller's array, or None."""
    where = f"array '{port.name}'"
    wanted = port.outer_dtype.numpy
    found = f"{array.dtype}{list(array.shape)}"
    if not _accepts(wanted, array.dtype):
        return Problem(f"is {found}", where, describe(port))
    if not _shape_fits(port, array):
        return Problem(f"is {found}", where, describe(port))
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return Problem("holds NaN or infinite values", where)
    return None


def describe(port: Port) -> str:
    """The array that an input takes, in words."""
    dims = ", ".join(map(str, port.outer_shape[1:]))
    return f"{port.outer_dtype.value}[n{', ' + dims if dims else ''}] with n >= 1"


def with_sample_axis(port: Port, array: Array) -> Array:
    """The array as (n, ...): one sample without a sample axis gets one."""
    return array.reshape(-1, *port.outer_shape[1:])


def _shape_fits(port: Port, array: Array) -> bool:
    own = tuple(port.outer_shape[1:])
    return array.size > 0 and array.ndim >= 1 and tuple(array.shape[1:]) == own


def _accepts(wanted: np.dtype[Any], found: np.dtype[Any]) -> bool:
    if wanted.kind == "f":
        return found.kind == "f" or np.can_cast(found, np.float32, "safe")
    return bool(found == wanted)


def _convert(port: Port, array: Array) -> Array:
    data = array
    if port.perm is not None:
        data = data.transpose(port.perm)
    if port.outer_dtype is DType.FLOAT32 and port.dtype is not DType.FLOAT32:
        data = quantize(port, data)
    return np.ascontiguousarray(data.reshape(len(array), *port.shape[1:]), port.dtype.numpy)

"""Between the caller's arrays (layout and dtype of the source model) and a graph's values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import DataError, Problem
from edgekit.ir import Binding, DType, Graph
from edgekit.npz import LABELS, SINGLE
from quantize.schemes import dequantize_array, quantize_array

Arrays = dict[str, NDArray[Any]]


def feeds(
    graph: Graph, data: Mapping[str, NDArray[Any]], what: str = "data", *, finite: bool = True
) -> Arrays:
    """The caller's arrays as `quantize.reference.evaluate` takes them: checked, in the graph's
    layout and dtype, by value name.

    Args:
        graph: gives names, shapes and dtypes through its input bindings.
        data: one array for each input, sample axis first, named as the model's inputs; a model
            with one input also takes ``x``. Labels (``y``) are left aside.
        what: how to call the data in errors.
        finite: refuse NaN and infinite numbers: in users' data they are mistakes.

    Raises:
        DataError: with every array that is missing, unknown, empty, of the wrong shape or dtype,
            or not finite, and what was expected.
    """
    given = dict(data)
    names = [b.name for b in graph.input_bindings]
    if len(names) == 1 and names[0] not in given and SINGLE in given:
        given[names[0]] = given.pop(SINGLE)
    problems = [
        Problem("no input of the model has this name", f"array '{name}'", ", ".join(names))
        for name in given
        if name not in names and name != LABELS
    ]
    result: Arrays = {}
    for value, binding in zip(graph.inputs, graph.input_bindings, strict=True):
        if binding.name not in given:
            where = f"input '{binding.name}'"
            problems.append(Problem("no array is given for it", where, _expected(binding)))
            continue
        array = np.asarray(given[binding.name])
        problem = _problem(binding, array, finite)
        if problem is not None:
            problems.append(problem)
            continue
        array = array.astype(binding.outer.dtype.numpy, copy=False)
        if binding.perm is not None:
            array = array.transpose(binding.perm)
        quant = value.type.quant
        if array.dtype.kind == "f" and value.type.dtype.is_integer and quant is not None:
            dtype = value.type.dtype
            array = quantize_array(array, quant, *dtype.bounds, binding.half_even, dtype.numpy)
        result[value.name] = np.ascontiguousarray(array)
    counts = {
        v.name: len(result[v.name]) // math.prod(v.type.shape[:1])
        for v in graph.inputs
        if v.name in result
    }
    if len(set(counts.values())) > 1:
        problems.append(Problem(f"the numbers of samples differ: {counts}"))
    if problems:
        raise DataError(f"the {what} does not fit '{graph.name}'", problems)
    return result


def _expected(binding: Binding) -> str:
    lead = math.prod(binding.outer.shape[:1])
    shape = ", ".join(["n" if lead == 1 else f"{lead} n", *map(str, binding.outer.shape[1:])])
    return f"{binding.outer.dtype.value}[{shape}] with n >= 1"


def _problem(binding: Binding, array: NDArray[Any], finite: bool) -> Problem | None:
    where = f"input '{binding.name}'"
    allowed = _expected(binding)
    wanted = binding.outer.dtype.numpy
    found = f"found {array.dtype}{list(array.shape)}"
    shape = binding.outer.shape
    lead = math.prod(shape[:1])
    if array.ndim != max(len(shape), 1) or array.shape[1:] != shape[1:] or array.shape[0] == 0:
        return Problem(found, where, allowed)
    if array.shape[0] % lead:
        return Problem(found, where, allowed)
    floats = array.dtype.kind == "f" and wanted.kind == "f"
    if not floats and not np.can_cast(array.dtype, wanted, "safe"):
        return Problem(found, where, allowed)
    if finite and array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # float64 numbers beyond float32 become infinite
            bad = int(np.count_nonzero(~np.isfinite(array.astype(wanted, copy=False))))
        if bad:
            what = f"{bad} of {array.size} numbers are NaN, infinite or beyond {wanted.name}"
            return Problem(what, where)
    return None


def results(graph: Graph, values: Mapping[str, NDArray[Any]]) -> Arrays:
    """A graph's outputs as the caller of the source model takes them, by the outputs' names."""
    named: Arrays = {}
    for value, binding in zip(graph.outputs, graph.output_bindings, strict=True):
        array = values[value.name]
        if binding.outer.dtype is DType.FLOAT32 and value.type.quant is not None:
            array = dequantize_array(array, value.type.quant)
        if binding.perm is not None:
            array = array.transpose(np.argsort(binding.perm))
        named[binding.name] = np.ascontiguousarray(array)
    return named


def rows(arrays: Mapping[str, NDArray[Any]], start: int, stop: int) -> Arrays:
    """Samples ``start`` to ``stop`` of every array."""
    return {name: array[start:stop] for name, array in arrays.items()}


def count(arrays: Mapping[str, NDArray[Any]]) -> int:
    """The number of samples."""
    return len(next(iter(arrays.values())))

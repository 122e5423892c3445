"""Inputs of a model: element types, and the shapes that generated code is fixed to."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from edgekit.errors import Problem
from edgekit.importers.onnx.scope import MAX_ELEMENTS, Context
from edgekit.ir import DType, TensorType

PORT_TYPES = {
    1: DType.FLOAT32, 2: DType.UINT8, 3: DType.INT8, 4: DType.UINT16, 5: DType.INT16,
    6: DType.INT32, 7: DType.INT64, 9: DType.BOOL, 11: DType.FLOAT64, 12: DType.UINT32,
    13: DType.UINT64,
}  # fmt: skip
"""ONNX element types of graph inputs (TensorProto.DataType)."""

ALLOWED_TYPES = ", ".join(t.value for t in PORT_TYPES.values())

Shapes = Mapping[str, tuple[int, ...]]


def add_inputs(graph: Any, known: Collection[str], context: Context, given: Shapes) -> None:
    """Add the inputs of a model to the graph.

    Optional inputs count as given. An input without elements is no input of the generated code.

    Args:
        graph: GraphProto.
        known: names that are listed as inputs and are constants.
        context: of the model.
        given: shapes for inputs that the model leaves open. An axis that has the same name in
            several inputs gets its size in all of them.
    """
    ports = [i for i in graph.input if i.name not in known]
    names = {i.name for i in ports}
    for name in sorted(given.keys() - names):
        problem = Problem("no input has this name", f"--shape {name}", ", ".join(sorted(names)))
        context.problems.append(problem)
    sizes = _named_sizes(ports, given)
    for info in ports:
        where, tensor = f"input '{info.name}'", info.type.tensor_type
        if info.name in context.values:
            context.problems.append(Problem("the name occurs twice", where))
            continue
        if info.type.WhichOneof("value") == "optional_type":
            tensor = info.type.optional_type.elem_type.tensor_type
        elif info.type.WhichOneof("value") != "tensor_type":
            context.problems.append(Problem("it is no tensor", where, "tensors"))
            context.failed[info.name] = ""
            continue
        dtype = PORT_TYPES.get(tensor.elem_type)
        if dtype is None:
            what = "its element type is not supported"
            context.problems.append(Problem(what, where, ALLOWED_TYPES))
        shape = _static_shape(info.name, tensor, context.problems, given.get(info.name), sizes)
        if shape is None or dtype is None:
            context.failed[info.name] = ""
            continue
        if 0 in shape:  # nothing to give at run time
            empty = np.zeros(shape, dtype.numpy)
            context.values[info.name] = context.graph.constant(empty, info.name)
            continue
        context.values[info.name] = context.graph.add_input(info.name, TensorType(shape, dtype))


def _named_sizes(ports: list[Any], given: Shapes) -> dict[str, int]:
    """Sizes of named axes, as far as the given shapes tell them."""
    sizes: dict[str, int] = {}
    for info in ports:
        dims = info.type.tensor_type.shape.dim
        for dim, size in zip(dims, given.get(info.name, ()), strict=False):
            if dim.dim_param:
                sizes.setdefault(dim.dim_param, size)
    return sizes


def _static_shape(
    name: str,
    tensor: Any,
    problems: list[Problem],
    given: tuple[int, ...] | None,
    sizes: Mapping[str, int],
) -> tuple[int, ...] | None:
    """The shape of an input: as given, as the model says, and 1 for an open batch axis."""
    where = f"input '{name}'"
    dims = list(tensor.shape.dim)
    fixed = [_size(dim, sizes) for dim in dims]
    if not tensor.HasField("shape") and given is None:
        hint = f"Give it: --shape {name}=1,3,224,224 (with its own sizes)"
        problems.append(Problem("it has no shape", where, "static dimensions", hint))
        return None
    if given is not None and tensor.HasField("shape") and not _agrees(given, fixed):
        model = ",".join(_axis_name(d, i) for i, d in enumerate(dims))
        what = f"--shape {name}={','.join(map(str, given))} contradicts the model"
        problems.append(Problem(what, where, model or "a scalar"))
        return None
    sized = given or [1 if i == 0 and n is None else n for i, n in enumerate(fixed)]
    static = tuple(n for n in sized if n is not None)
    if len(static) != len(sized):
        problems.append(_open_axes(name, where, dims, sized))
        return None
    if math.prod(static) > MAX_ELEMENTS:
        allowed = f"up to {MAX_ELEMENTS} elements"
        problems.append(Problem(f"its shape is {static}", where, allowed))
        return None
    return static


def _open_axes(name: str, where: str, dims: Sequence[Any], sized: Sequence[int | None]) -> Problem:
    """What to do about axes without a size."""
    labels = [_axis_name(d, i) if sized[i] is None else str(sized[i]) for i, d in enumerate(dims)]
    unknown = [i for i, n in enumerate(sized) if n is None]
    axes = ", ".join(
        f"{i} ('{dims[i].dim_param}')" if dims[i].dim_param else str(i) for i in unknown
    )
    hint = f"Give its sizes: --shape {name}={','.join(labels)} (numbers instead of names)"
    return Problem(f"axis {axes} is dynamic", where, "a fixed size", hint)


def _size(dim: Any, sizes: Mapping[str, int]) -> int | None:
    if dim.WhichOneof("value") == "dim_value" and dim.dim_value >= 0:
        return int(dim.dim_value)
    return sizes.get(dim.dim_param) if dim.dim_param else None


def _agrees(given: tuple[int, ...], fixed: list[int | None]) -> bool:
    return len(given) == len(fixed) and all(
        want in (None, 0, size) for size, want in zip(given, fixed, strict=True)
    )


def _axis_name(dim: Any, axis: int) -> str:
    if dim.WhichOneof("value") == "dim_value":
        return str(dim.dim_value)
    return str(dim.dim_param or f"axis{axis}")

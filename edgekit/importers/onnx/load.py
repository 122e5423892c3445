"""`load_onnx`: an ONNX file as a model-level graph."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import ModelError, Problem
from edgekit.importers.onnx.context import MAX_ELEMENTS, Call, Context, Refusal
from edgekit.importers.onnx.read import default_opset, ordered, read_constants, read_model
from edgekit.importers.onnx.registry import handler_of
from edgekit.ir import DType, Graph, TensorType, Value, verify
from edgekit.ir.op import ShapeError
from edgekit.ir.ops import Copy

_PORT_TYPES = {
    1: DType.FLOAT32, 2: DType.UINT8, 3: DType.INT8, 4: DType.UINT16, 5: DType.INT16,
    6: DType.INT32, 7: DType.INT64, 9: DType.BOOL, 11: DType.FLOAT64, 12: DType.UINT32,
    13: DType.UINT64,
}  # fmt: skip
"""ONNX element types of graph inputs (TensorProto.DataType)."""


ALLOWED = ", ".join(t.value for t in _PORT_TYPES.values())


def load_onnx(path: Path, pinned: Mapping[str, NDArray[Any]] | None = None) -> Graph:
    """Read an ONNX model. Nothing in it is executed.

    A dynamic batch axis becomes 1; initializers that are also listed as inputs are constants.

    Args:
        path: a single-file ONNX model of operator set 7 or newer.
        pinned: inputs that become constants: shapes, axes and the like, which generated code
            cannot take at run time.

    Returns:
        The graph in the model's own layout, with names of origin on values and nodes.

    Raises:
        ModelError: with every problem found.
    """
    model = read_model(path)
    opset = default_opset(model, path)
    _check_operators(model, path)
    problems: list[Problem] = []
    context = Context(Graph(path.stem), opset, problems=problems)
    for name, data in read_constants(model.graph, problems).items():
        context.values[name] = context.graph.constant(data, name)
    initializers = {t.name for t in model.graph.initializer}
    for name, data in (pinned or {}).items():
        if np.asarray(data).dtype.name not in {t.value for t in _PORT_TYPES.values()}:
            problems.append(Problem("its element type is not supported", f"'{name}'", ALLOWED))
            continue
        context.values[name] = context.graph.constant(np.asarray(data), name)
    _add_inputs(model.graph, initializers | set(pinned or {}), context)
    known = initializers | context.values.keys() | context.failed.keys()
    nodes = ordered(list(model.graph.node), known, problems)
    context.failed.update(dict.fromkeys(initializers - context.values.keys(), ""))
    if not problems:
        for proto in nodes:
            _import_node(proto, context)
        _set_outputs(model.graph, context)
    if problems:
        raise ModelError(f"{path} cannot be imported", problems)
    verify(context.graph, "the ONNX importer")
    return context.graph


def _check_operators(model: Any, path: Path) -> None:
    problems = []
    for node in model.graph.node:
        if handler_of(node.domain, node.op_type) is not None:
            continue
        domain = f" of domain '{node.domain}'" if node.domain else ""
        where = f"node '{node.name or (node.output[0] if node.output else '')}'"
        what = f"operator '{node.op_type}'{domain} is not supported"
        problems.append(Problem(what, where, hint="See docs/supported-operators.md"))
    if problems:
        raise ModelError(f"{path} uses operators that are not supported", problems)


def _add_inputs(graph: Any, initializers: set[str], context: Context) -> None:
    for info in graph.input:
        if info.name in initializers:
            continue
        where, tensor = f"input '{info.name}'", info.type.tensor_type
        if info.name in context.values:
            context.problems.append(Problem("the name occurs twice", where))
            continue
        dtype = _PORT_TYPES.get(tensor.elem_type)
        if dtype is None:
            context.problems.append(Problem("its element type is not supported", where, ALLOWED))
        shape = _static_shape(tensor, where, context.problems)
        if shape is None or dtype is None:
            context.failed[info.name] = ""
            continue
        context.values[info.name] = context.graph.add_input(info.name, TensorType(shape, dtype))


def _static_shape(tensor: Any, where: str, problems: list[Problem]) -> tuple[int, ...] | None:
    if not tensor.HasField("shape"):
        problems.append(Problem("it has no shape", where, "static dimensions"))
        return None
    shape: list[int] = []
    before = len(problems)
    for axis, dim in enumerate(tensor.shape.dim):
        known = dim.WhichOneof("value") == "dim_value" and dim.dim_value >= 0
        if not known and axis > 0:
            label = f" ('{dim.dim_param}')" if dim.dim_param else ""
            problems.append(Problem(f"axis {axis}{label} is dynamic", where, "a fixed size",
                                    "Export the model with a fixed shape"))  # fmt: skip
        shape.append(int(dim.dim_value) if known else 1)
    if not 0 < math.prod(shape) <= MAX_ELEMENTS:
        allowed = f"1 to {MAX_ELEMENTS} elements"
        problems.append(Problem(f"its shape is {tuple(shape)}", where, allowed))
    return tuple(shape) if len(problems) == before else None


def _import_node(proto: Any, context: Context) -> None:
    reasons = [context.failed[name] for name in proto.input if name in context.failed]
    if reasons:
        context.failed.update(dict.fromkeys(proto.output, reasons[0]))
        return
    call = Call(context, proto)
    where = f"{call.op_type} '{call.name}'"
    try:
        if not call.output_names or not call.output_names[0]:
            raise Refusal("it has no output")
        _check_inputs(call)
        handler = handler_of(proto.domain, proto.op_type)
        assert handler is not None  # checked for the whole model
        handler(call)
        call.finish()
    except Refusal as error:
        context.problems.append(Problem(error.what, where, error.allowed, error.hint))
    except ShapeError as error:
        context.problems.append(Problem(str(error), where))
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        context.problems.append(Problem(f"its attributes or inputs are malformed: {error}", where))
    for index, name in enumerate(call.output_names):
        if name and name not in context.values:
            reason = f"'{name}', output {index} of {where}, is not imported" if index else ""
            context.failed[name] = reason


def _check_inputs(call: Call) -> None:
    """Every named input has a value (extra outputs, such as indices, are not imported)."""
    for name in call.input_names:
        if name and name not in call.context.values:
            raise Refusal(f"reads '{name}', which is not imported")


def _set_outputs(graph: Any, context: Context) -> None:
    names = []
    for info in graph.output:
        value = context.values.get(info.name)
        where = f"output '{info.name}'"
        if value is None:
            reason = context.failed.get(info.name, "no node produces it")
            if reason:
                context.problems.append(Problem(reason, where))
        elif id(value) in context.shifted or value.type.dtype not in _PORT_TYPES.values():
            context.problems.append(Problem("its element type is not supported", where, ALLOWED))
        elif 0 in value.type.shape:
            context.problems.append(Problem(f"its shape is {value.type.shape}", where, "elements"))
        else:
            names.append(info.name)
            context.graph.outputs.append(_own(value, info.name, context))
    if not graph.output:
        context.problems.append(Problem("the model has no outputs", "graph"))
    if not context.problems:
        context.graph.bind_ports(names)


def _own(value: Value, name: str, context: Context) -> Value:
    """An output's own tensor: a copy of what is constant, an input, or another output too."""
    graph = context.graph
    if value.producer is not None and not any(v is value for v in graph.outputs):
        return value
    return graph.add_node(Copy(), [value], value.type, name=f"{name}_copy", outputs=(name,)).output

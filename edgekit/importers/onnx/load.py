"""`load_onnx`: an ONNX file as a model-level graph."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import ModelError, Problem
from edgekit.importers.onnx import functions
from edgekit.importers.onnx.constants import read_constants
from edgekit.importers.onnx.context import Context
from edgekit.importers.onnx.nodes import import_nodes
from edgekit.importers.onnx.ports import ALLOWED_TYPES, PORT_TYPES, Shapes, add_inputs
from edgekit.importers.onnx.quantization import as_caller_has_it
from edgekit.importers.onnx.read import default_opset, ordered, read_model
from edgekit.importers.onnx.registry import handler_of
from edgekit.ir import Graph, Value, verify
from edgekit.ir.ops import Copy

_EMPTY = "If the model stores 0 for an open axis, give sizes with --shape"


def load_onnx(
    path: Path,
    pinned: Mapping[str, NDArray[Any]] | None = None,
    shapes: Shapes | None = None,
) -> Graph:
    """Read an ONNX model. Nothing in it is executed.

    Initializers that are also listed as inputs are constants. Functions are replaced by their
    bodies, also those by which onnx defines its own operators where edgekit has none for them.
    Data in other files are read where they lie in the model's folder.

    Args:
        path: an ONNX model of operator set 6 or newer.
        pinned: inputs that become constants: shapes, axes and the like, which generated code
            cannot take at run time.
        shapes: sizes of inputs whose axes the model leaves open, by name; an open batch axis is 1
            by default.

    Returns:
        The graph in the model's own layout, with names of origin on values and nodes.

    Raises:
        ModelError: with every problem found.
    """
    model = read_model(path)
    problems: list[Problem] = []
    context = Context(
        Graph(path.stem),
        default_opset(model, path),
        handler_of,
        path.parent,
        {entry.domain: int(entry.version) for entry in model.opset_import},
        {functions.key(f): f for f in model.functions},
        problems=problems,
    )
    _check_operators(model, path, context)
    _add_constants(model.graph, pinned or {}, context)
    initializers = {t.name for t in model.graph.initializer}
    initializers |= {t.values.name for t in model.graph.sparse_initializer}
    add_inputs(model.graph, initializers | set(pinned or {}), context, shapes or {})
    known = {*initializers, *context.values, *context.failed}
    nodes = ordered(list(model.graph.node), known, problems)
    context.failed.update(dict.fromkeys(initializers - context.values.keys(), ""))
    if not problems:
        import_nodes(nodes, context)
        _set_outputs(model.graph, context)
    if problems:
        raise ModelError(f"{path} cannot be imported", list(dict.fromkeys(problems)))
    verify(context.graph, "the ONNX importer")
    return context.graph


def _add_constants(graph: Any, pinned: Mapping[str, NDArray[Any]], context: Context) -> None:
    constants = read_constants(graph, context.problems, context.folder)
    for name, given in {**constants, **pinned}.items():
        data = np.asarray(given)
        try:
            context.values[name] = context.graph.constant(data, name)
        except ValueError:
            what = f"element type {data.dtype} is not supported"
            context.problems.append(Problem(what, f"input '{name}'", ALLOWED_TYPES))
            context.failed[name] = ""


def _check_operators(model: Any, path: Path, context: Context) -> None:
    problems = list(_unknown(model.graph.node, context, ()))
    if problems:
        raise ModelError(f"{path} uses operators that are not supported", problems)


def _unknown(
    nodes: Iterable[Any], context: Context, within: Collection[tuple[str, str, str]]
) -> Iterator[Problem]:
    """Operators that nothing imports, those in functions of the model included."""
    for node in functions.all_nodes(nodes):
        key = functions.key(node)
        where = f"node '{node.name or (node.output[0] if node.output else '')}'"
        local = context.functions.get(key)
        if key in within:
            yield Problem(f"function '{node.op_type}' calls itself", where)
        elif local is not None:
            yield from _unknown(local.node, context, {*within, key})
        elif context.handler_of(node.domain, node.op_type) is None and not functions.has_body(
            node, context.version(node.domain)
        ):
            domain = f" of domain '{node.domain}'" if node.domain else ""
            what = f"operator '{node.op_type}'{domain} is not supported"
            yield Problem(what, where, hint="See docs/supported-operators.md")


def _set_outputs(graph: Any, context: Context) -> None:
    names = []
    for info in graph.output:
        value = context.values.get(info.name)
        where = f"output '{info.name}'"
        if value is not None:
            value = as_caller_has_it(value, context, info.name)
        if info.name in context.sequences:
            context.problems.append(Problem("it is a sequence", where, "tensors"))
        elif value is None:
            reason = context.failed.get(info.name, "no node produces it")
            if reason:
                context.problems.append(Problem(reason, where))
        elif id(value) in context.shifted or value.type.dtype not in PORT_TYPES.values():
            what = "its element type is not supported"
            context.problems.append(Problem(what, where, ALLOWED_TYPES))
        elif 0 in value.type.shape:
            what = f"its shape is {value.type.shape}: it holds nothing"
            context.problems.append(Problem(what, where, hint=_EMPTY))
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

"""Imports lists of nodes: by their handlers, or by the bodies of functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from edgekit.errors import Problem
from edgekit.importers.onnx import functions, legacy
from edgekit.importers.onnx.constants import read_constants
from edgekit.importers.onnx.context import Call, Context, Refusal
from edgekit.importers.onnx.read import ordered
from edgekit.importers.onnx.scope import Item
from edgekit.ir import DType, TensorType, Value
from edgekit.ir.op import ShapeError

APPLIED_OPSET = 18


def import_nodes(nodes: Iterable[Any], context: Context) -> None:
    """Import nodes, which must be in an order of execution; problems go to the context."""
    for proto in nodes:
        _import_node(proto, context)


def _import_node(proto: Any, context: Context) -> None:
    read = sorted(functions.names_read(proto))
    reasons = [context.failed[name] for name in read if name in context.failed]
    if reasons:
        context.failed.update(dict.fromkeys(proto.output, reasons[0]))
        return
    call = Call(context, proto)
    where = " in ".join([f"{call.op_type} '{call.name}'", *reversed(context.path)])
    try:
        if not any(call.output_names):
            raise Refusal("it has no output")
        _check_inputs(call)
        context.budget.spend()
        _run(call)
    except Unfinished:
        pass
    except Refusal as error:
        context.problems.append(Problem(error.what, where, error.allowed, error.hint))
    except ShapeError as error:
        context.problems.append(Problem(str(error), where))
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError) as error:
        context.problems.append(Problem(f"its attributes or inputs are malformed: {error}", where))
    for index, name in enumerate(call.output_names):
        if name and context.item(name) is None:
            reason = f"'{name}', output {index} of {where}, is not imported" if index else ""
            context.failed.setdefault(name, reason)


def _run(call: Call) -> None:
    context = call.context
    local = context.functions.get(functions.key(call.proto))
    handler = context.handler_of(call.proto.domain, call.op_type)
    if local is not None:
        _call_function(call, local, call.proto)
    elif handler is not None:
        legacy.align(call)
        handler(call)
        call.finish()
    else:
        expand(call)


def _check_inputs(call: Call) -> None:
    """Every named input has a value (extra outputs, such as indices, are not imported)."""
    for name in call.input_names:
        if name and call.context.item(name) is None:
            raise Refusal(f"reads '{name}', which is not imported")
    for kind, values in _alike(call).items():
        found = sorted({v.type.dtype.value for v in values})
        if len(found) > 1:
            raise Refusal(f"its inputs of type {kind} are {' and '.join(found)}", "one type")


def _alike(call: Call) -> dict[str, list[Value]]:
    """Inputs that must have one element type, by the type's name in onnx's definition. Quantized
    tensors are left out: the graph may hold them in another type than the file."""
    definition = functions.schema(call.op_type, call.opset, call.proto.domain)
    found: dict[str, list[Value]] = {}
    if definition is None or not definition.inputs:
        return found
    variables = {c.type_param_str for c in definition.type_constraints}
    for index, name in enumerate(call.input_names):
        value = call.context.item(name) if name else None
        formal = definition.inputs[min(index, len(definition.inputs) - 1)]
        kind = formal.type_str
        if not isinstance(value, Value) or kind not in variables or not formal.is_homogeneous:
            continue
        if value.type.quant is None and id(value) not in call.context.shifted:
            found.setdefault(kind, []).append(value)
    return found


def expand(call: Call) -> None:
    """Import a node as the body by which onnx defines its operator. Handlers may call it for
    the forms that they do not know themselves.

    Raises:
        Refusal: there is no such body.
    """
    values = [call.optional(i) for i in range(len(call.input_names))]
    types = [None if v is None else _onnx_type(v, call.context) for v in values]
    version = call.context.version(call.proto.domain)
    body = functions.schema_body(call.proto, types, version)
    if body is None:
        domain = f" of domain '{call.proto.domain}'" if call.proto.domain else ""
        what = f"operator '{call.op_type}'{domain} is not supported"
        raise Refusal(what, hint="See docs/supported-operators.md")
    definition = functions.schema(call.op_type, version, call.proto.domain)
    _call_function(call, body, functions.with_defaults(call.proto, definition))
    call.ignore(*call.attributes)


def _onnx_type(value: Value, context: Context) -> TensorType:
    """The type that a value has in the model."""
    if id(value) in context.shifted:
        return replace(value.type, dtype=DType.UINT8)
    return value.type


def _call_function(call: Call, function: Any, node: Any) -> None:
    """Import the nodes of ``function`` in place of ``node``."""
    names = [*call.input_names, *[""] * len(function.input)]
    pairs = list(zip(function.input, names, strict=False))
    where = f"{call.op_type} '{call.name}'"
    inner = call.context.inner(where, functions.opset_of(function, call.opset), closed=True)
    for formal, actual in pairs:
        item = call.context.item(actual) if actual else None
        if item is not None:
            inner.bind(formal, item)
    absent = {formal for formal, actual in pairs if not actual}
    attributes = {a.name: a for a in getattr(function, "attribute_proto", ())}
    attributes |= {a.name: a for a in node.attribute}
    nodes = functions.instantiate(function, attributes, absent)
    wanted = [f for f, a in zip(function.output, call.output_names, strict=False) if a]
    known = inner.values.keys() | inner.sequences.keys()
    nodes = ordered(nodes, set(known), inner.problems)
    import_nodes(functions.needed(nodes, wanted), inner)
    for index, formal in enumerate(function.output):
        if index < len(call.output_names) and call.output_names[index]:
            item = inner.item(formal)
            if item is None:
                call.context.failed[call.output_names[index]] = inner.failed.get(formal, "")
            else:
                call.result_item(item, index)


def apply(call: Call, op_type: str, inputs: Sequence[Value], **attributes: Any) -> Value:
    """The first output of an ONNX operator of `APPLIED_OPSET`, for handlers that compose others.

    Raises:
        Refusal: it could not be imported; the problems are in the context.
    """
    from onnx.helper import make_node

    inner = call.context.inner(f"{call.op_type} '{call.name}'", APPLIED_OPSET, closed=True)
    names = [f"{op_type.lower()}_{i}" for i in range(len(inputs))]
    inner.values.update(zip(names, inputs, strict=True))
    result = op_type.lower()
    import_nodes([make_node(op_type, names, [result], **attributes)], inner)
    if result not in inner.values:
        raise Unfinished
    return inner.values[result]


class Body:
    """The graph of a branch or of a loop, to be imported once or several times.

    Args:
        graph: GraphProto.
        context: of the node that it belongs to.
        name: of that node.
    """

    def __init__(self, graph: Any, context: Context, name: str) -> None:
        self.inputs = [i.name for i in graph.input]
        self.outputs = [o.name for o in graph.output]
        self._context = context
        self._name = name
        self._nodes: Sequence[Any] | None = None
        self._graph = graph
        self._constants = {
            n: context.graph.constant(data, context.label(n))
            for n, data in read_constants(graph, context.problems, context.folder).items()
        }

    def run(self, items: Sequence[Item], turn: int | None = None) -> list[Item]:
        """Import the nodes once more.

        Args:
            items: what the inputs stand for.
            turn: the iteration, told in the names of what is made.

        Returns:
            What the outputs stand for.

        Raises:
            Refusal: some output could not be imported; the problems are in the context.
        """
        name = self._name if turn is None else f"{self._name} [{turn}]"
        inner = self._context.inner(name)
        for known, constant in self._constants.items():
            inner.bind(known, constant)
        for formal, item in zip(self.inputs, items, strict=True):
            inner.bind(formal, item)
        before = len(inner.problems)
        if self._nodes is None:
            known_names = {*inner.values, *inner.sequences, *inner.failed}
            nodes = ordered(list(self._graph.node), known_names, inner.problems)
            self._nodes = functions.needed(nodes, self.outputs)
        import_nodes(self._nodes, inner)
        found = [inner.item(name) for name in self.outputs]
        if len(inner.problems) > before or any(item is None for item in found):
            raise Unfinished
        return [item for item in found if item is not None]


class Unfinished(Refusal):
    """A body was not imported; why is among the context's problems."""

    def __init__(self) -> None:
        super().__init__("its body cannot be imported")

"""Bodies of functions: those of the model, and those that onnx gives for its own operators."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from edgekit.ir import TensorType

DEFAULT_DOMAINS = ("", "ai.onnx")


def key(function: Any) -> tuple[str, str, str]:
    """What a FunctionProto or a NodeProto is called: domain, name, overload."""
    domain = "" if function.domain in DEFAULT_DOMAINS else function.domain
    name = function.op_type if hasattr(function, "op_type") else function.name
    return domain, name, getattr(function, "overload", "")


def opset_of(function: Any, otherwise: int) -> int:
    """Version of the default operator set that a FunctionProto is written in."""
    for entry in function.opset_import:
        if entry.domain in DEFAULT_DOMAINS:
            return int(entry.version)
    return otherwise


def schema(op_type: str, version: int, domain: str = "") -> Any | None:
    """The definition of an operator in a version of its domain, None where there is none."""
    from onnx import defs

    try:
        return defs.get_schema(op_type, version, "" if domain in DEFAULT_DOMAINS else domain)
    except (defs.SchemaError, TypeError):  # the latter for a name that is not text
        return None


def schema_body(node: Any, types: Sequence[TensorType | None], version: int) -> Any | None:
    """The FunctionProto that defines a node's operator by other operators, None without one.

    Args:
        node: the NodeProto.
        types: of its inputs, None for absent ones; some bodies depend on them.
        version: of the operator's domain.
    """
    from onnx import FunctionProto

    definition = schema(node.op_type, version, node.domain)
    if definition is None:
        return None
    fixed, varying = _body_versions(definition, version)
    if fixed:
        text = definition.get_function_with_opset_version(max(fixed))
    elif varying:
        complete = with_defaults(node, definition)
        text = definition.get_context_dependent_function_with_opset_version(
            max(varying), complete.SerializeToString(), [_type_proto(t) for t in types]
        )
    else:
        return None
    body = FunctionProto()
    body.ParseFromString(text)
    return body if body.node else None


def has_body(node: Any, version: int) -> bool:
    """True where onnx defines a node's operator by other operators."""
    found = schema(node.op_type, version, node.domain)
    return found is not None and any(_body_versions(found, version))


def _body_versions(definition: Any, version: int) -> tuple[list[int], list[int]]:
    """Operator sets that bodies are written in: bodies alike for all types, and those that are
    not. In another domain than the default one they do not depend on its version."""
    limit = version if definition.domain in DEFAULT_DOMAINS else 2**31
    fixed = [v for v in definition.function_opset_versions if v <= limit]
    varying = [v for v in definition.context_dependent_function_opset_versions if v <= limit]
    return fixed, varying


def with_defaults(node: Any, definition: Any) -> Any:
    """A copy of a node with the default of every attribute that it leaves out."""
    complete = type(node)()
    complete.CopyFrom(node)
    given = {a.name for a in node.attribute}
    for name, attribute in definition.attributes.items():
        if name not in given and attribute.default_value.type:
            complete.attribute.add().CopyFrom(attribute.default_value)
    return complete


def instantiate(function: Any, attributes: Mapping[str, Any], absent: Collection[str]) -> list[Any]:
    """The nodes of a function as they are for one call.

    Args:
        function: FunctionProto.
        attributes: AttributeProto of the call by name, defaults included.
        absent: formal inputs that the call does not give.
    """
    return [_instance(node, attributes, absent) for node in function.node]


def _instance(node: Any, attributes: Mapping[str, Any], absent: Collection[str]) -> Any:
    copy = type(node)()
    copy.CopyFrom(node)
    del copy.input[:]
    copy.input.extend("" if name in absent else name for name in node.input)
    del copy.attribute[:]
    for attribute in node.attribute:
        name = attribute.ref_attr_name
        if not name:
            copy.attribute.add().CopyFrom(attribute)
        elif name in attributes:
            given = copy.attribute.add()
            given.CopyFrom(attributes[name])
            given.name = attribute.name
    for graph in graphs_of(copy):
        nodes = [_instance(inner, attributes, absent) for inner in graph.node]
        del graph.node[:]
        graph.node.extend(nodes)
    return copy


def graphs_of(node: Any) -> Iterator[Any]:
    """The GraphProtos in a node's attributes."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def all_nodes(nodes: Iterable[Any]) -> Iterator[Any]:
    """Nodes, and those of the branches and loop bodies within them."""
    for node in nodes:
        yield node
        for graph in graphs_of(node):
            yield from all_nodes(graph.node)


def names_read(node: Any) -> set[str]:
    """Every name that a node takes from outside, what only its branches or loop bodies read
    included."""
    names = set(filter(None, node.input))
    for graph in graphs_of(node):
        inner = {o.name for o in graph.output}.union(*map(names_read, graph.node))
        own = {i.name for i in graph.input} | {t.name for t in graph.initializer}
        own |= {t.values.name for t in graph.sparse_initializer}
        names |= inner - own - {name for n in graph.node for name in n.output}
    return names


def needed(nodes: Sequence[Any], outputs: Iterable[str]) -> list[Any]:
    """The nodes that ``outputs`` depend on, in their order (which must be one of execution)."""
    wanted = set(outputs)
    kept = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(names_read(node))
            kept.append(node)
    return kept[::-1]


def _type_proto(type: TensorType | None) -> bytes:
    from onnx import TypeProto, helper

    if type is None:
        return bytes(TypeProto().SerializeToString())
    element = helper.np_dtype_to_tensor_dtype(type.dtype.numpy)
    return bytes(helper.make_tensor_type_proto(element, type.shape).SerializeToString())

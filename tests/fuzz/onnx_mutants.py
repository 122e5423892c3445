"""Mutants of ONNX models: fields of the parsed message are changed, then it is written again."""

from __future__ import annotations

import random
from typing import Any

INTEGERS = (0, 1, -1, 2, 3, 7, 255, -128, 2**15, 2**31 - 1, 2**31, -(2**31), 2**32, 2**62, -(2**63))
REALS = (0.0, -0.0, 1.0, -1.0, 1e-45, 1e38, float("inf"), float("-inf"), float("nan"))
DEPTH = 40
"""Levels of subgraphs that the nesting mutation adds."""


def mutate(data: bytes, donors: list[bytes], rng: random.Random) -> bytes:
    """A model with one to four changed fields."""
    import onnx

    model = onnx.load_from_string(data)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        action = rng.choices((_field, _node, _splice, _tensor, _nest), (10, 5, 2, 3, 0.3))[0]
        action(model, donors, rng)
    return bytes(model.SerializeToString())


def _sites(message: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """(message, field) of every field that is set, in the whole tree."""
    for field, value in message.ListFields():
        found.append((message, field))
        if field.type == field.TYPE_MESSAGE:
            for child in value if _repeated(field) else (value,):
                _sites(child, found)
    return found


def _repeated(field: Any) -> bool:
    return bool(field.is_repeated if hasattr(field, "is_repeated") else field.label == 3)


def _field(model: Any, donors: list[bytes], rng: random.Random) -> None:
    message, field = rng.choice(_sites(model, []))
    if _repeated(field):
        _repeat(getattr(message, field.name), field, model, rng)
    elif field.type == field.TYPE_MESSAGE:
        message.ClearField(field.name)
    else:
        setattr(message, field.name, _scalar(field, getattr(message, field.name), model, rng))


def _repeat(items: Any, field: Any, model: Any, rng: random.Random) -> None:
    at = rng.randrange(len(items))
    what = rng.choice(("drop", "copy", "change", "change", "clear"))
    if what == "drop":
        del items[at]
    elif what == "clear":
        del items[:]
    elif field.type == field.TYPE_MESSAGE:
        items.add().CopyFrom(items[at])
    elif what == "copy":
        items.append(items[at])
    else:
        items[at] = _scalar(field, items[at], model, rng)


def _scalar(field: Any, old: Any, model: Any, rng: random.Random) -> Any:
    if field.type == field.TYPE_STRING:
        return rng.choice((_name(model, rng), "", "x" * 5000, "\u00e9\u0000\n", old + "_"))
    if field.type == field.TYPE_BYTES:
        cut = rng.randrange(len(old) + 1)
        return rng.choice((b"", old[:cut], old + old[:64], bytes(rng.randbytes(min(len(old), 64)))))
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return rng.choice(REALS)
    if field.type == field.TYPE_ENUM:
        return rng.choice([v.number for v in field.enum_type.values])
    value = rng.choice((*INTEGERS, old + 1, old - 1, -old))
    narrow = field.type in (field.TYPE_INT32, field.TYPE_UINT32)
    low, high = (-(2**31), 2**31 - 1) if narrow else (-(2**63), 2**63 - 1)
    unsigned = field.type in (field.TYPE_UINT32, field.TYPE_UINT64)
    return max(0 if unsigned else low, min(high, value))


def _name(model: Any, rng: random.Random) -> str:
    names = [n for node in model.graph.node for n in (*node.input, *node.output)]
    names += [t.name for t in model.graph.initializer] + [node.op_type for node in model.graph.node]
    return str(rng.choice(names)) if names else "x"


def _node(model: Any, donors: list[bytes], rng: random.Random) -> None:
    """Another operator, other operands, or another order."""
    nodes = model.graph.node
    if not nodes:
        return
    node = rng.choice(nodes)
    what = rng.randrange(5)
    if what == 0:
        from edgekit.importers.onnx.registry import HANDLERS

        node.op_type = rng.choice(sorted(HANDLERS))
    elif what == 1:
        node.input.append(_name(model, rng))
    elif what == 2 and node.input:
        node.input[rng.randrange(len(node.input))] = _name(model, rng)
    elif what == 3 and node.output:
        node.output[rng.randrange(len(node.output))] = _name(model, rng)
    else:
        other = rng.choice(nodes)
        copy = type(node)()
        copy.CopyFrom(node)
        node.CopyFrom(other)
        other.CopyFrom(copy)


def _splice(model: Any, donors: list[bytes], rng: random.Random) -> None:
    """A node, an initializer or an attribute of another model."""
    import onnx

    donor = onnx.load_from_string(rng.choice(donors))
    if donor.graph.node and model.graph.node and rng.random() < 0.6:
        source, target = rng.choice(donor.graph.node), rng.choice(model.graph.node)
        if source.attribute:
            target.attribute.add().CopyFrom(rng.choice(source.attribute))
        else:
            target.op_type = source.op_type
    elif donor.graph.initializer:
        model.graph.initializer.add().CopyFrom(rng.choice(donor.graph.initializer))
        model.graph.initializer[-1].name = _name(model, rng)


def _tensor(model: Any, donors: list[bytes], rng: random.Random) -> None:
    """Dimensions, element type or place of an initializer's data."""
    if not model.graph.initializer:
        return
    tensor = rng.choice(model.graph.initializer)
    what = rng.randrange(4)
    if what == 0:
        tensor.dims.append(rng.choice(INTEGERS))
    elif what == 1 and tensor.dims:
        tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(INTEGERS)
    elif what == 2:
        tensor.data_type = rng.randrange(28)
    else:
        tensor.data_location = 1
        entry = tensor.external_data.add()
        entry.key = "location"
        entry.value = rng.choice(("../secret", "/etc/passwd", "data.bin", "", "C:\\x", "a/../../b"))


def _nest(model: Any, donors: list[bytes], rng: random.Random) -> None:
    """Subgraphs in subgraphs."""
    import onnx

    graph = model.graph
    for _ in range(rng.randrange(1, DEPTH)):
        node = graph.node.add()
        node.op_type = rng.choice(("If", "Loop", "Scan"))
        node.input.append(_name(model, rng))
        node.output.append(f"nested_{rng.randrange(10**6)}")
        attribute = node.attribute.add()
        attribute.name = rng.choice(("then_branch", "else_branch", "body"))
        attribute.type = onnx.AttributeProto.GRAPH
        graph = attribute.g

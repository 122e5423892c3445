"""From a file to a checked ONNX model: protobuf, operator set, order of nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgekit.errors import ModelError, Problem
from edgekit.importers.onnx.functions import DEFAULT_DOMAINS, all_nodes, names_read, schema

OLDEST_OPSET = 6


def read_model(path: Path) -> Any:
    """Parse an ONNX file.

    Raises:
        ModelError: it cannot be read, or is not an ONNX model.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from None
    import onnx

    try:
        model = onnx.load_from_string(data)
    except Exception:  # protobuf's DecodeError, whose module is no dependency of ours
        raise ModelError(f"{path} is not an ONNX model, or it is damaged or truncated") from None
    if not model.graph.node and not model.graph.output:
        raise ModelError(f"{path} holds no graph: it is not an ONNX model, or it is truncated")
    return model


def default_opset(model: Any, path: Path) -> int:
    """Version of the default operator set. One older than `OLDEST_OPSET` counts as that where its
    operators have not changed in between.

    Raises:
        ModelError: absent, or outside the range that is understood.
    """
    from onnx.defs import onnx_opset_version

    newest = onnx_opset_version()
    for entry in model.opset_import:
        if entry.domain in DEFAULT_DOMAINS:
            if OLDEST_OPSET <= entry.version <= newest:
                return int(entry.version)
            if 0 < entry.version < OLDEST_OPSET and _unchanged(model, int(entry.version)):
                return OLDEST_OPSET
            found = f"operator set {entry.version}"
            problem = Problem(found, str(path), f"{OLDEST_OPSET} to {newest}", "Export it again")
            raise ModelError("the model's operator set is not supported", [problem])
    return newest if not _uses_default_domain(model) else _no_opset(path)


def _unchanged(model: Any, version: int) -> bool:
    """True where every operator means the same in ``version`` and in `OLDEST_OPSET`."""
    for node in all_nodes(model.graph.node):
        then, later = schema(node.op_type, version), schema(node.op_type, OLDEST_OPSET)
        if node.domain in DEFAULT_DOMAINS and (
            then is None or later is None or then.since_version != later.since_version
        ):
            return False
    return True


def _uses_default_domain(model: Any) -> bool:
    return any(node.domain in DEFAULT_DOMAINS for node in model.graph.node)


def _no_opset(path: Path) -> int:
    raise ModelError(f"{path} does not say which operator set it uses (damaged or truncated)")


def ordered(nodes: list[Any], known: set[str], problems: list[Problem]) -> list[Any]:
    """Nodes in an order in which every tensor is produced before it is read.

    Args:
        nodes: in the file's order, kept where possible.
        known: names of inputs and constants.
        problems: receives tensors that nobody produces, names produced twice, and cycles.
    """
    producer: dict[str, int] = {}
    for i, node in enumerate(nodes):
        for name in filter(None, node.output):
            if name in producer or name in known:
                problems.append(Problem(f"tensor '{name}' is produced twice", _label(node)))
            producer[name] = i
    waiting = [0] * len(nodes)
    readers: dict[int, list[int]] = {}
    for i, node in enumerate(nodes):
        for name in names_read(node) - known:
            if name not in producer:
                what = f"reads '{name}', which is no input, initializer or output of a node"
                problems.append(Problem(what, _label(node)))
            else:
                waiting[i] += 1
                readers.setdefault(producer[name], []).append(i)
    ready = [i for i, count in enumerate(waiting) if count == 0]
    order: list[int] = []
    for i in ready:  # grows while it is walked
        order.append(i)
        for reader in readers.get(i, ()):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                ready.append(reader)
    if len(order) < len(nodes):
        left = [_label(nodes[i]) for i in range(len(nodes)) if waiting[i] > 0]
        problems.append(Problem(f"nodes form a cycle: {', '.join(left[:5])}", "graph"))
    if all(a < b for a, b in _edges(readers)):
        return nodes
    return [nodes[i] for i in order]


def _edges(readers: dict[int, list[int]]) -> list[tuple[int, int]]:
    return [(i, reader) for i, many in readers.items() for reader in many]


def _label(node: Any) -> str:
    return f"{node.op_type} '{node.name or (node.output[0] if node.output else '')}'"

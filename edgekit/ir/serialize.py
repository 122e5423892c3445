"""A graph on disk: ``graph.json`` for structure, ``graph.npz`` for constants. Nothing is executed
or unpickled when it is read back."""

from __future__ import annotations

import dataclasses
import enum
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import DataError, Problem, convert_again, damage
from edgekit.ir.dtype import DType
from edgekit.ir.graph import Binding, Graph
from edgekit.ir.ops import OPS, Activation, Clamp, Requant, Rescale, Rounding, Span, Window
from edgekit.ir.types import FixedPoint, Quant, TensorType
from edgekit.ir.value import Value
from edgekit.ir.verify import verify

FORMAT = 1
_DAMAGED = (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile, zlib.error)
_TYPES: dict[str, Any] = {
    c.__name__: c
    for c in (Activation, Clamp, FixedPoint, Quant, Requant, Rescale, Span, TensorType, Window)
}
"""What the fields of operators and values are made of; operators themselves are in `OPS`."""
_ENUMS: dict[str, type[enum.Enum]] = {"DType": DType, "Rounding": Rounding}


def save_graph(graph: Graph, folder: Path) -> None:
    """Write ``graph.json`` and ``graph.npz`` into an existing folder."""
    arrays: dict[str, NDArray[Any]] = {}
    constants: list[dict[str, Any]] = []
    for value in [*graph.constants(), *(v for v in graph.outputs if v.is_constant)]:
        arrays[f"c{len(constants)}"] = value.array
        constants.append(_value(value))
    for i, link in enumerate(graph.states):
        arrays[f"s{i}"] = link.initial
    text = {
        "format": FORMAT,
        "name": graph.name,
        "inputs": [_value(v) for v in graph.inputs],
        "states": [{"state": _value(s.state), "update": s.update.name} for s in graph.states],
        "constants": constants,
        "nodes": [
            {
                "name": n.name,
                "op": _encode(n.op),
                "inputs": [None if v is None else v.name for v in n.inputs],
                "outputs": [_value(v) for v in n.outputs],
                "origin": list(n.origin),
                "device": n.device,
            }
            for n in graph.nodes
        ],
        "outputs": [v.name for v in graph.outputs],
        "input_bindings": [_binding(b) for b in graph.input_bindings],
        "output_bindings": [_binding(b) for b in graph.output_bindings],
    }
    (folder / "graph.json").write_text(json.dumps(text, indent=0) + "\n", encoding="utf-8")
    np.savez_compressed(folder / "graph.npz", **arrays)  # type: ignore[arg-type]


def load_graph(folder: Path) -> Graph:
    """Read a graph that `save_graph` wrote.

    Raises:
        DataError: a file is missing or damaged.
    """
    again = convert_again(folder.parent)
    path = folder / "graph.npz"
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {k: archive[k] for k in archive.files}
        path = folder / "graph.json"
        graph = _build(json.loads(path.read_text(encoding="utf-8")), arrays)
    except FileNotFoundError:
        raise DataError(f"{path} is missing. {again}") from None
    except _DAMAGED as error:
        # what numpy says of a file that is no archive is advice for programmers
        what = "damaged" if path.suffix == ".npz" else damage(error)
        raise DataError(f"{path} is {what}. {again}") from error
    verify(graph, f"the stored graph in {folder}")
    return graph


def _build(text: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Graph:
    if text["format"] != FORMAT:
        raise ValueError(f"format {text['format']}, this version reads {FORMAT}")
    unknown = sorted({node["op"]["type"] for node in text["nodes"]} - OPS.keys())
    if unknown:
        what = f"the stored graph of '{text['name']}' has operators of a plugin"
        problems = [Problem("is not known", f"operator '{name}'") for name in unknown]
        raise DataError(f"{what}; load it with --plugin FILE.py", problems)
    graph = Graph(text["name"])
    known: dict[str, Value] = {}

    def keep(value: Value, raw: dict[str, Any]) -> Value:
        value.origin = tuple(raw["origin"])
        known[raw["name"]] = value
        return value

    for raw in text["inputs"]:
        keep(graph.add_input(raw["name"], _decode(raw["type"])), raw)
    for i, raw in enumerate(text["states"]):
        state = raw["state"]
        keep(graph.add_state(state["name"], _decode(state["type"]), arrays[f"s{i}"]), state)
    for i, raw in enumerate(text["constants"]):
        keep(graph.constant(arrays[f"c{i}"], raw["name"], _decode(raw["type"])), raw)
    for raw in text["nodes"]:
        node = graph.add_node(
            _decode(raw["op"]),
            [None if n is None else known[n] for n in raw["inputs"]],
            [_decode(o["type"]) for o in raw["outputs"]],
            name=raw["name"],
            outputs=[o["name"] for o in raw["outputs"]],
            origin=tuple(raw["origin"]),
        )
        node.device = raw["device"]
        for value, out in zip(node.outputs, raw["outputs"], strict=True):
            keep(value, out)
    graph.outputs = [known[n] for n in text["outputs"]]
    for raw in text["states"]:
        graph.set_state_update(known[raw["state"]["name"]], known[raw["update"]])
    graph.input_bindings = [_unbind(b) for b in text["input_bindings"]]
    graph.output_bindings = [_unbind(b) for b in text["output_bindings"]]
    return graph


def _value(value: Value) -> dict[str, Any]:
    return {"name": value.name, "type": _encode(value.type), "origin": list(value.origin)}


def _binding(binding: Binding) -> dict[str, Any]:
    return {
        "name": binding.name,
        "outer": _encode(binding.outer),
        "perm": binding.perm,
        "half_even": binding.half_even,
    }


def _unbind(raw: dict[str, Any]) -> Binding:
    perm = raw["perm"]
    perm = None if perm is None else tuple(perm)
    return Binding(raw["name"], _decode(raw["outer"]), perm, raw["half_even"])


def _encode(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return {"enum": type(value).__name__, "value": value.value}
    if dataclasses.is_dataclass(value):
        fields = {f.name: _encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, "fields": fields}
    if isinstance(value, tuple | list):
        return [_encode(v) for v in value]
    return value


def _decode(raw: Any) -> Any:
    if isinstance(raw, list):
        return tuple(_decode(v) for v in raw)
    if isinstance(raw, dict):
        if "enum" in raw:
            return _ENUMS[raw["enum"]](raw["value"])
        return {**_TYPES, **OPS}[raw["type"]](**{k: _decode(v) for k, v in raw["fields"].items()})
    return raw

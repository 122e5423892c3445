"""The model as it came: graph, digest, format; and the choice of its outputs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import Problem, UsageError
from edgekit.importers import detect_format, load_model
from edgekit.ir import Binding, Graph


@dataclass(frozen=True)
class ModelSource:
    """A model and where it came from.

    Attributes:
        graph: model-level graph as imported.
        file: file name without folders, or the graph's name for a graph made in memory.
        sha256: digest of the file; None for a graph made in memory.
        format: ``tflite``, ``onnx`` or ``graph``.
    """

    graph: Graph
    file: str
    sha256: str | None
    format: str


def read_source(
    model: Path | str | Graph,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    signature: str = "",
) -> ModelSource:
    """Import a model file, or take a graph as it is.

    Args:
        model: the file, or the graph.
        shapes: of inputs whose axes an ONNX file leaves open, by name.
        signature: which signature of a TFLite file; by default its first subgraph.

    Raises:
        ModelError: the file is refused.
        UsageError: shapes are given for what is no ONNX file, a signature for what is no TFLite
            file.
    """
    if shapes and (isinstance(model, Graph) or detect_format(Path(model)) != "onnx"):
        raise UsageError("--shape is for ONNX models; other models fix the shapes of their inputs")
    if signature and (isinstance(model, Graph) or detect_format(Path(model)) != "tflite"):
        raise UsageError("--signature is for TFLite models; other models have none")
    if isinstance(model, Graph):
        return ModelSource(model, model.name, None, "graph")
    path = Path(model)
    kind = detect_format(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ModelSource(load_model(path, shapes, signature), path.name, digest, kind)


def select_outputs(graph: Graph, names: Sequence[str]) -> Graph:
    """A copy of the graph that gives the named tensors instead of its own outputs.

    Raises:
        UsageError: with every name that no tensor has.
    """
    if not names:
        return graph
    result = graph.copy()
    known = {o: v for n in result.nodes for v in n.outputs for o in (*v.origin, v.name)}
    unknown = [Problem("is not a tensor of the model", f"'{n}'") for n in names if n not in known]
    twice = sorted({n for n in names if list(names).count(n) > 1})
    if twice:
        raise UsageError(f"--outputs names {', '.join(twice)} more than once")
    if unknown:
        some = ", ".join(list(known)[:20])
        raise UsageError(f"--outputs names unknown tensors; known are: {some}", unknown)
    result.outputs = [known[n] for n in names]
    result.output_bindings = [Binding(n, known[n].type) for n in names]
    return result

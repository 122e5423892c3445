"""A failing model made small: fewer outputs, fewer operators, the same failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

TRIES = 60


def shrink(model: Any, fails: Callable[[Any], bool]) -> Any:
    """The smallest model found that still fails.

    First every tensor in order as the only output, so that the first wrong one remains; then its
    ancestors become inputs, nearest first, so that what made them disappears.
    """
    tries = 0
    for smaller in _heads(model):
        tries += 1
        if tries > TRIES or fails(smaller):
            model = smaller if tries <= TRIES else model
            break
    changed = True
    while changed and tries <= TRIES:
        changed = False
        for smaller in _tails(model):
            tries += 1
            if len(smaller.graph.node) < len(model.graph.node) and fails(smaller):
                model, changed = smaller, True
                break
    return model


def _heads(model: Any) -> Iterator[Any]:
    for node in model.graph.node:
        yield _extract(model, {i.name for i in model.graph.input}, node.output[0])


def _tails(model: Any) -> Iterator[Any]:
    output = model.graph.output[0].name
    known = {i.name for i in model.graph.input} | {t.name for t in model.graph.initializer}
    for node in reversed(model.graph.node):
        for name in node.input:
            if name and name not in known:
                cut = {i.name for i in model.graph.input} | {name}
                yield _extract(model, cut, output)


def _extract(model: Any, inputs: set[str], output: str) -> Any:
    """The part of the model between ``inputs`` and ``output``."""
    import onnx

    shapes = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    infos = {v.name: v for v in [*shapes.value_info, *shapes.input, *shapes.output]}
    needed = {output}
    nodes: list[Any] = []
    for node in reversed(model.graph.node):
        if needed & set(node.output) and not set(node.output) & inputs:
            nodes.insert(0, node)
            needed |= set(node.input)
    constants = [t for t in model.graph.initializer if t.name in needed]
    read = [infos[n] for n in sorted(inputs & needed) if n in infos]
    graph = onnx.helper.make_graph(nodes, "smaller", read, [infos[output]], constants)
    return onnx.helper.make_model(
        graph, opset_imports=list(model.opset_import), ir_version=model.ir_version
    )

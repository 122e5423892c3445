"""What is known while nodes are imported: names and their values, limits, problems."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.errors import Problem
from edgekit.importers.onnx.functions import DEFAULT_DOMAINS
from edgekit.ir import Graph, Value

if TYPE_CHECKING:
    from edgekit.importers.onnx.context import Call

MAX_ELEMENTS = 2**26
"""A larger tensor is a mistake or an attack: no microcontroller holds it."""
MAX_NODES = 20_000
"""Nodes imported in all, those of unrolled loops and of function bodies counted each time."""
MAX_DEPTH = 32
"""Functions and subgraphs within each other."""

Tensors = tuple[Value, ...]
Item = Value | Tensors
"""What a name stands for: a tensor, or a sequence of tensors."""


class Refusal(Exception):
    """A node cannot be imported."""

    def __init__(self, what: str, allowed: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what, self.allowed, self.hint = what, allowed, hint


@dataclass
class Budget:
    """Nodes that may still be imported."""

    nodes: int = MAX_NODES

    def spend(self) -> None:
        """Count a node.

        Raises:
            Refusal: there are too many.
        """
        self.nodes -= 1
        if self.nodes < 0:
            raise Refusal("unrolled, the model has too many nodes", f"up to {MAX_NODES}")


@dataclass
class Context:
    """The graph under construction, seen from one list of nodes: the model's own, the body of a
    function, or a branch.

    Attributes:
        opset: version of the default operator set.
        handler_of: what imports an operator, by domain and name; None where nothing does.
        folder: where the model's external data may lie, None for a model without a file.
        domains: versions of other domains.
        functions: (domain, name, overload) -> FunctionProto of the model.
        values: ONNX tensor name -> value.
        sequences: name -> tensors of a sequence.
        failed: tensors that exist in the model but were not imported, with the reason where none of
            the problems gives it.
        shifted: values (by id) that ONNX holds as uint8 and the graph as int8 (128 less).
        path: names of the enclosing nodes, the outermost first.
    """

    graph: Graph
    opset: int
    handler_of: Callable[[str, str], Callable[[Call], None] | None]
    folder: Path | None = None
    domains: Mapping[str, int] = field(default_factory=dict)
    functions: Mapping[tuple[str, str, str], Any] = field(default_factory=dict)
    values: MutableMapping[str, Value] = field(default_factory=dict)
    sequences: MutableMapping[str, Tensors] = field(default_factory=dict)
    failed: MutableMapping[str, str] = field(default_factory=dict)
    shifted: dict[int, Value] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)
    path: tuple[str, ...] = ()

    def inner(self, name: str, opset: int | None = None, *, closed: bool = False) -> Context:
        """The context of a body within the node ``name``.

        Args:
            name: the node.
            opset: of the body, by default the same.
            closed: True where the body cannot see the names around it (functions).

        Raises:
            Refusal: bodies lie too deeply within each other.
        """
        if len(self.path) >= MAX_DEPTH:
            raise Refusal("functions or branches lie too deeply within each other", f"{MAX_DEPTH}")
        return replace(
            self,
            opset=self.opset if opset is None else opset,
            values={} if closed else ChainMap({}, self.values),
            sequences={} if closed else ChainMap({}, self.sequences),
            failed={} if closed else ChainMap({}, self.failed),
            path=(*self.path, name),
        )

    def version(self, domain: str) -> int:
        """Version of a domain's operators, 1 where the model does not say."""
        return self.opset if domain in DEFAULT_DOMAINS else self.domains.get(domain, 1)

    def item(self, name: str) -> Item | None:
        """What ``name`` stands for, None where it is unknown."""
        value = self.values.get(name)
        return self.sequences.get(name) if value is None else value

    def bind(self, name: str, item: Item) -> None:
        """Let ``name`` stand for a tensor or a sequence."""
        if isinstance(item, Value):
            self.values[name] = item
        else:
            self.sequences[name] = item

    def label(self, name: str) -> str:
        """A name that tells where it belongs."""
        return "/".join((*self.path, name))

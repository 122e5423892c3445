"""The graph: inputs, outputs, state links and nodes in execution order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir.dtype import DType
from edgekit.ir.node import Node
from edgekit.ir.op import Op
from edgekit.ir.types import TensorType
from edgekit.ir.value import Value


@dataclass(frozen=True)
class StateLink:
    """Persistent state: ``update`` of one run is read as ``state`` by the next.

    Attributes:
        state: a graph input-like value that holds the state at the start of a run.
        update: the value whose content becomes the state afterwards.
        initial: the content after ``init``.
    """

    state: Value
    update: Value
    initial: NDArray[Any]


@dataclass(frozen=True)
class Binding:
    """What the caller of the source model sees at one input or output.

    Attributes:
        name: the source model's name.
        outer: type in the source model (layout and dtype as the caller gives or takes them).
        perm: axes of the outer array in the graph's order (``inner = outer.transpose(perm)``);
            None where they agree.
        half_even: how a real number becomes the port's integer at an exact tie: to the even
            neighbour (ONNX), or away from zero (TFLite).
    """

    name: str
    outer: TensorType
    perm: tuple[int, ...] | None = None
    half_even: bool = True


class Graph:
    """A program as a list of nodes in a valid execution order. Edit only through methods.

    Attributes:
        name: the model's name.
        inputs: values that the caller gives.
        outputs: values that the caller receives.
        states: persistent state, read and written by each run.
        nodes: in execution order; treat as read-only.
        input_bindings, output_bindings: one `Binding` per input and output, set by the importer
            with `bind_ports` and kept true by the passes that change layout.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.states: list[StateLink] = []
        self.nodes: list[Node] = []
        self.input_bindings: list[Binding] = []
        self.output_bindings: list[Binding] = []
        self._names: dict[str, int] = {}

    # Construction

    def unique(self, stem: str) -> str:
        """A name that no value or node of this graph has yet; reserves it."""
        name, stem = stem or "t", stem or "t"
        while name in self._names:
            self._names[stem] += 1
            name = f"{stem}_{self._names[stem]}"
        self._names[name] = 0
        return name

    def add_input(self, name: str, type: TensorType, origin: tuple[str, ...] = ()) -> Value:
        """Add a graph input."""
        value = Value(self.unique(name), type, origin=origin or (name,))
        self.inputs.append(value)
        return value

    def add_state(self, name: str, type: TensorType, initial: NDArray[Any]) -> Value:
        """Add a state input; give its update with `set_state_update`."""
        value = Value(self.unique(name), type, origin=(name,))
        self.states.append(StateLink(value, value, initial))
        return value

    def set_state_update(self, state: Value, update: Value) -> None:
        """Declare ``update`` as the next content of ``state``."""
        self.states = [
            StateLink(s.state, update, s.initial) if s.state is state else s for s in self.states
        ]

    def constant(
        self, data: NDArray[Any], name: str = "const", type: TensorType | None = None
    ) -> Value:
        """A constant value (not part of the graph until a node reads it).

        Args:
            data: the array.
            name: stem of its name.
            type: its type; by default shape and dtype of ``data`` without quantization.
        """
        array = np.asarray(data)
        if type is None:
            type = TensorType(tuple(array.shape), DType.from_numpy(array.dtype))
        return Value(self.unique(name), type, array, origin=(name,))

    def add_node(
        self,
        op: Op,
        inputs: Sequence[Value | None],
        types: Sequence[TensorType] | TensorType,
        *,
        name: str = "",
        outputs: Sequence[str] = (),
        origin: tuple[str, ...] = (),
        before: Node | None = None,
    ) -> Node:
        """Append a node (or insert it before another) with fresh output values.

        Args:
            op: operator and attributes.
            inputs: values read, None for absent optional ones.
            types: type of each output.
            name: stem of the node's name; by default the operator's.
            outputs: stems of the outputs' names; by default the node's name.
            origin: names in the source model.
            before: insert before this node instead of at the end.
        """
        types = [types] if isinstance(types, TensorType) else list(types)
        node_name = self.unique(name or op.name.lower())
        stems = list(outputs) or [f"{node_name}_out"] * len(types)
        values = tuple(
            Value(self.unique(stem), t, origin=(stem,))
            for stem, t in zip(stems, types, strict=True)
        )
        node = Node(node_name, op, tuple(inputs), values, origin or (node_name,))
        for value in values:
            value.producer = node
        for index, used in enumerate(node.inputs):
            if used is not None:
                used.uses.append((node, index))
        if before is None:
            self.nodes.append(node)
        else:
            self.nodes.insert(self.nodes.index(before), node)
        return node

    def bind_ports(self, output_names: Sequence[str] = ()) -> None:
        """Record names and types of inputs and outputs as the source model has them."""
        self.input_bindings = [Binding(v.origin[0], v.type) for v in self.inputs]
        names = list(output_names) or [v.name for v in self.outputs]
        self.output_bindings = [
            Binding(name, v.type) for name, v in zip(names, self.outputs, strict=True)
        ]

    # Edits

    def reorder(self, nodes: Sequence[Node]) -> None:
        """Put the nodes into another execution order.

        Raises:
            ValueError: they are not the graph's nodes.
        """
        if {id(n) for n in nodes} != {id(n) for n in self.nodes} or len(nodes) != len(self.nodes):
            raise ValueError("another order has the same nodes")
        self.nodes = list(nodes)

    def set_op(self, node: Node, op: Op) -> None:
        """Replace a node's operator and attributes."""
        node.op = op

    def set_input(self, node: Node, index: int, value: Value | None) -> None:
        """Replace one input of a node (the input list grows with absent ones as needed)."""
        inputs = list(node.inputs) + [None] * (index + 1 - len(node.inputs))
        old = inputs[index]
        if old is not None:
            old.uses.remove((node, index))
        inputs[index] = value
        if value is not None:
            value.uses.append((node, index))
        node.inputs = tuple(inputs)

    def set_type(self, value: Value, type: TensorType) -> None:
        """Replace a value's type (constants: use a new constant instead)."""
        value.type = type

    def replace_uses(self, old: Value, new: Value) -> None:
        """Let every reader of ``old`` (nodes, graph outputs, state updates) read ``new``."""
        for node, index in list(old.uses):
            self.set_input(node, index, new)
        self.outputs = [new if v is old else v for v in self.outputs]
        self.states = [
            StateLink(s.state, new if s.update is old else s.update, s.initial) for s in self.states
        ]

    def replace_input(self, old: Value, new_type: TensorType) -> Value:
        """Replace a graph input by one of the same name and another type; uses move over."""
        new = Value(old.name, new_type, origin=old.origin)
        self.replace_uses(old, new)
        self.inputs = [new if v is old else v for v in self.inputs]
        return new

    def remove_node(self, node: Node) -> None:
        """Remove a node whose outputs nobody reads.

        Raises:
            ValueError: an output is still read.
        """
        for value in node.outputs:
            if self.is_read(value):
                raise ValueError(f"output '{value.name}' of '{node.name}' is still read")
        for index, used in enumerate(node.inputs):
            if used is not None:
                used.uses.remove((node, index))
        self.nodes.remove(node)

    def bypass(self, node: Node, value: Value) -> None:
        """Remove ``node`` and let readers of its only output read ``value``.

        The output's name in the source model is remembered on ``value``.
        """
        output = node.output
        value.origin = (*value.origin, *(o for o in output.origin if o not in value.origin))
        self.replace_uses(output, value)
        self.remove_node(node)

    # Queries

    def is_read(self, value: Value) -> bool:
        """True where a node, a graph output or a state update reads ``value``."""
        return bool(value.uses) or self.is_output(value)

    def is_output(self, value: Value) -> bool:
        """True where the value leaves the run: a graph output or a state update."""
        return any(v is value for v in self.outputs) or any(s.update is value for s in self.states)

    def sole_user(self, value: Value) -> Node | None:
        """The only node that reads ``value``, or None (also where it leaves the run)."""
        if len(value.uses) != 1 or self.is_output(value):
            return None
        return value.uses[0][0]

    def constants(self) -> Iterator[Value]:
        """Every constant that a node reads, once, in order of first use."""
        seen: set[int] = set()
        for node in self.nodes:
            for value in node.inputs:
                if value is not None and value.is_constant and id(value) not in seen:
                    seen.add(id(value))
                    yield value

    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return sum(node_macs(node) for node in self.nodes)

    def parameters(self) -> int:
        """Number of constant elements that nodes read."""
        return sum(v.type.size for v in self.constants())

    def copy(self) -> Graph:
        """A copy whose edits do not reach this graph; constants' arrays are shared."""
        other = Graph(self.name)
        other._names = dict(self._names)
        other.input_bindings = list(self.input_bindings)
        other.output_bindings = list(self.output_bindings)
        memo: dict[int, Value] = {}

        def clone(value: Value) -> Value:
            found = memo.get(id(value))
            if found is None:
                found = memo[id(value)] = Value(value.name, value.type, value.data, value.origin)
            return found

        other.inputs = [clone(v) for v in self.inputs]
        for node in self.nodes:
            inputs = tuple(None if v is None else clone(v) for v in node.inputs)
            outputs = tuple(clone(v) for v in node.outputs)
            new = Node(node.name, node.op, inputs, outputs, node.origin, node.device)
            for value in outputs:
                value.producer = new
            for index, used in enumerate(inputs):
                if used is not None:
                    used.uses.append((new, index))
            other.nodes.append(new)
        other.outputs = [clone(v) for v in self.outputs]
        other.states = [StateLink(clone(s.state), clone(s.update), s.initial) for s in self.states]
        return other

    def __str__(self) -> str:
        from edgekit.ir.printer import to_text

        return to_text(self)


def node_macs(node: Node) -> int:
    """Multiply-accumulates of one node."""
    return node.op.macs([() if v is None else v.type.shape for v in node.inputs])

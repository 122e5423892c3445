"""Nodes: one operator with frozen attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.ir.op import Op

if TYPE_CHECKING:
    from edgekit.ir.value import Value


class Node:
    """One operator applied to values. Created and edited only through `Graph`.

    Attributes:
        name: unique in its graph.
        op: the operator with its attributes.
        inputs: values read; None for an optional input that is absent.
        outputs: values written; fixed at construction.
        origin: names of the source model's nodes that this node stands for.
        device: where it runs; empty is the target's only device.
    """

    def __init__(
        self,
        name: str,
        op: Op,
        inputs: tuple[Value | None, ...],
        outputs: tuple[Value, ...],
        origin: tuple[str, ...] = (),
        device: str = "",
    ) -> None:
        self.name = name
        self.op = op
        self.inputs = inputs
        self.outputs = outputs
        self.origin = origin
        self.device = device

    def input(self, index: int) -> Value:
        """The input at ``index``.

        Raises:
            ValueError: the input is absent.
        """
        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            raise ValueError(f"{self.op.name} '{self.name}' has no input {index}")
        return value

    def optional_input(self, index: int) -> Value | None:
        """The input at ``index``, or None where it is absent."""
        return self.inputs[index] if index < len(self.inputs) else None

    @property
    def output(self) -> Value:
        """The first output."""
        return self.outputs[0]

    def __repr__(self) -> str:
        args = ", ".join("-" if v is None else v.name for v in self.inputs)
        return (
            f"<{self.op.name} '{self.name}'({args}) -> {', '.join(v.name for v in self.outputs)}>"
        )

"""Values: the edges of the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir.types import TensorType

if TYPE_CHECKING:
    from edgekit.ir.node import Node


class Value:
    """A tensor in the graph: an input, a constant, or one output of a node.

    Nodes and graphs keep ``producer`` and ``uses`` true; nobody else writes them.

    Attributes:
        name: unique in its graph.
        type: shape, element type, layout and quantization.
        data: the array of a constant, None otherwise.
        origin: names in the source model that this value stands for, oldest first.
        producer: the node whose output this is, None for inputs and constants.
        uses: (node, input index) pairs that read this value.
    """

    def __init__(
        self,
        name: str,
        type: TensorType,
        data: NDArray[Any] | None = None,
        origin: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.type = type
        self.data = None if data is None else _frozen(data)
        self.origin = origin
        self.producer: Node | None = None
        self.uses: list[tuple[Node, int]] = []

    @property
    def is_constant(self) -> bool:
        """True where the value carries its data."""
        return self.data is not None

    @property
    def array(self) -> NDArray[Any]:
        """The data of a constant.

        Raises:
            ValueError: the value is not a constant.
        """
        if self.data is None:
            raise ValueError(f"value '{self.name}' is not a constant")
        return self.data

    def __repr__(self) -> str:
        return f"<{'const ' if self.is_constant else ''}{self.name}: {self.type}>"


def _frozen(data: NDArray[Any]) -> NDArray[Any]:
    array = np.ascontiguousarray(data).reshape(np.shape(data))
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array

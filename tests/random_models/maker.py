"""The growing random model: tensors made so far, with what is known of their numbers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPSET = 18
MAX_ELEMENTS = 600
MAX_BOUND = 1e3
"""Larger numbers are clipped before anything else reads them."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of the model.

    Attributes:
        name, shape: as in the model.
        bound: no element is larger in magnitude.
        exact: every correct implementation gives the same bits, so that functions with jumps
            (floor, comparisons) may follow.
    """

    name: str
    shape: tuple[int, ...]
    bound: float
    exact: bool

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape))


@dataclass
class Maker:
    """Nodes and constants of the model under construction."""

    rng: random.Random
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    inputs: list[Tensor] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    dtypes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.numbers = np.random.default_rng(self.rng.randrange(2**63))

    def add_input(self, shape: tuple[int, ...]) -> None:
        """A float input with numbers in [-4, 4]."""
        tensor = Tensor(f"x{len(self.inputs)}", shape, 4.0, True)
        self.inputs.append(tensor)
        self.tensors.append(tensor)

    def constant(self, data: Any, dtype: Any = None) -> str:
        """Name of a new initializer."""
        from onnx.numpy_helper import from_array

        name = f"c{len(self.constants)}"
        self.constants.append(from_array(np.asarray(data, dtype), name))
        return name

    def weights(self, *shape: int, fan_in: int = 1) -> NDArray[np.float32]:
        """Random weights whose products with ``fan_in`` numbers stay near their size."""
        data = self.numbers.normal(0, 1, shape) / max(fan_in, 1) ** 0.5
        return np.asarray(np.clip(data, -2, 2), np.float32)

    def node(self, kind: str, inputs: Sequence[str], count: int = 1, **attributes: Any) -> str:
        """Append a node and return the name of its first output."""
        from onnx.helper import make_node

        outputs = [f"t{len(self.nodes)}" + (f"_{i}" if i else "") for i in range(count)]
        self.nodes.append(make_node(kind, inputs, outputs, f"n{len(self.nodes)}", **attributes))
        return outputs[0]

    def keep(self, name: str, shape: Sequence[int], bound: float, exact: bool) -> Tensor | None:
        """Make a tensor available to later nodes; clipped first where it may be large."""
        if bound > MAX_BOUND:
            low, high = self.constant(-8.0, np.float32), self.constant(8.0, np.float32)
            name, bound = self.node("Clip", [name, low, high]), 8.0
        tensor = Tensor(name, tuple(int(n) for n in shape), bound, exact)
        self.tensors.append(tensor)
        return tensor

    def pick(self, *ranks: int, exact: bool = False) -> Tensor | None:
        """A tensor of one of these ranks (any without), recent ones more often; None without."""
        fits = [
            t
            for t in self.tensors
            if (not ranks or len(t.shape) in ranks) and (t.exact or not exact)
        ]
        if not fits:
            return None
        return fits[-1 - min(int(self.rng.expovariate(0.4)), len(fits) - 1)]

    def partner(self, x: Tensor) -> Tensor:
        """A tensor that broadcasts with ``x`` without growing it, or ``x`` itself."""
        fits = [t for t in self.tensors if _broadcasts(x.shape, t.shape)]
        return self.rng.choice(fits)

    def model(self) -> Any:
        """The model: every tensor that nothing reads is an output."""
        from onnx import TensorProto
        from onnx.helper import make_graph, make_model, make_opsetid, make_tensor_value_info

        read = {name for node in self.nodes for name in node.input}
        made = [t for t in self.tensors if t not in self.inputs]
        outputs = [t for t in made if t.name not in read] or made[-1:]
        used = [t for t in self.inputs if t.name in read]
        graph = make_graph(
            self.nodes,
            "random",
            [make_tensor_value_info(t.name, TensorProto.FLOAT, t.shape) for t in used],
            [make_tensor_value_info(t.name, TensorProto.FLOAT, t.shape) for t in outputs],
            self.constants,
        )
        return make_model(graph, opset_imports=[make_opsetid("", OPSET)], ir_version=9)


def _broadcasts(big: tuple[int, ...], small: tuple[int, ...]) -> bool:
    if len(small) > len(big):
        return False
    tail = big[len(big) - len(small) :]
    return all(b in (s, b) and s in (1, b) for b, s in zip(tail, small, strict=True))

"""The typed graph IR: values with types, nodes with frozen attributes, explicit state."""

from edgekit.ir.dtype import DType
from edgekit.ir.graph import Binding, Graph, StateLink
from edgekit.ir.node import Node
from edgekit.ir.types import FixedPoint, Quant, TensorType
from edgekit.ir.value import Value
from edgekit.ir.verify import verify

__all__ = [
    "Binding",
    "DType",
    "FixedPoint",
    "Graph",
    "Node",
    "Quant",
    "StateLink",
    "TensorType",
    "Value",
    "verify",
]

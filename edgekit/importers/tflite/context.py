"""What operator handlers work with: the graph under construction and checked access to tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import Problem
from edgekit.importers.tflite.reader import RawModel, RawOperator, RawTensor
from edgekit.ir import DType, Graph, Quant, TensorType, Value
from edgekit.ir.op import ShapeError
from edgekit.ir.ops import Clamp, Op
from edgekit.ir.ops.elementwise import RELU, RELU6
from quantize.reference.real import spread

_MIXED = "Export the model as float32 or fully as int8 (inputs and activations too)."


ACTIVATIONS = "float32; int8 or int16 with one scale; plain int32, int64, bool"
WEIGHTS = {
    "FLOAT32": ("FLOAT32", ("FLOAT32",)),
    "INT8": ("INT8", ("INT32",)),
    "INT16": ("INT8", ("INT64", "INT32")),
}
"""Activations -> type of the weights, types of the bias."""


class Refused(Exception):
    """An operator is refused, with every reason."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = list(problems)


class Context:
    """The importer's state while it walks the operators.

    Attributes:
        graph: the graph under construction.
        values: tensor index -> value, for inputs, constants and outputs made so far.
        folded: tensor index -> what an operator on constants makes of them.
        handles: tensor index -> name of a resource variable.
        initial: name of a resource variable -> its first content.
        states: name of a resource variable -> the state that it became.
        contents: name of a resource variable -> what it holds at this place of the program.
    """

    def __init__(self, model: RawModel, graph: Graph) -> None:
        self.model = model
        self.graph = graph
        self.values: dict[int, Value] = {}
        self.folded: dict[int, RawTensor] = {}
        self.handles: dict[int, str] = {}
        self.initial: dict[str, NDArray[Any]] = {}
        self.states: dict[str, Value] = {}
        self.contents: dict[str, Value] = {}

    # Errors

    def where(self, op: RawOperator) -> str:
        """``CONV_2D (operator 3, 'name of its output')``."""
        name = self.model.tensors[op.outputs[0]].name if op.outputs else ""
        # Converters join the names of fused operators by semicolons: the first one is enough.
        return f"{op.kind} (operator {op.index}, '{name.split(';')[0]}')"

    def refuse(self, op: RawOperator, what: str, allowed: str = "", hint: str = "") -> NoReturn:
        """Raise `Refused` for this operator."""
        raise Refused([Problem(what, self.where(op), allowed, hint)])

    # Tensors

    def tensor(self, op: RawOperator, position: int) -> RawTensor | None:
        """The raw tensor at an input position, None where it is absent."""
        if position >= len(op.inputs) or op.inputs[position] < 0:
            return None
        index = op.inputs[position]
        return self.folded.get(index, self.model.tensors[index])

    def parameter(self, op: RawOperator, position: int) -> RawTensor:
        """Constant weights at an input position, as real numbers where the activations are.

        TFLite computes such hybrid layers from activations that it quantizes on the way; taking
        the weights at their word is closer to the trained model.
        """
        x, tensor = self.tensor(op, 0), self.tensor(op, position)
        if tensor is None or tensor.data is None:
            self.refuse(op, f"input {position} must be a constant")
        if x is not None and x.type_name == "FLOAT32" and tensor.quant is not None:
            return real(tensor)
        return tensor

    def fold(self, op: RawOperator, tensor: RawTensor) -> None:
        """Take a constant as the operator's output."""
        assert tensor.data is not None
        self.folded[op.outputs[0]] = tensor
        self.values[op.outputs[0]] = self.constant(op, tensor, tensor.data, tensor.quant)

    def value(self, op: RawOperator, position: int) -> Value:
        """The value at an input position: a produced value or a constant of the file."""
        tensor = self.tensor(op, position)
        if tensor is None:
            self.refuse(op, f"input {position} is missing")
        index = op.inputs[position]
        if index not in self.values and tensor.variable:
            if tensor.problem or tensor.dtype is None:
                self.refuse(op, f"'{tensor.name}' {tensor.problem or 'has no usable type'}")
            zeros = np.full(tensor.shape, tensor.zero_point, tensor.dtype.numpy)
            self.values[index] = self.graph.add_state(tensor.name, self.type_of(tensor), zeros)
        if index not in self.values:
            if tensor.data is None:
                self.refuse(op, f"reads '{tensor.name}' before it is produced")
            self.values[index] = self.constant(op, tensor, tensor.data, tensor.quant)
        return self.values[index]

    def constant(
        self, op: RawOperator, tensor: RawTensor, data: NDArray[Any], quant: Quant | None
    ) -> Value:
        """A constant made of a tensor's (possibly re-laid) data."""
        if data.dtype.kind == "f" and not np.isfinite(data).all():
            count = int((~np.isfinite(data)).sum())
            self.refuse(op, f"constant '{tensor.name}' holds {count} NaN or infinite values")
        type_ = TensorType(tuple(data.shape), DType.from_numpy(data.dtype), quant=quant)
        return self.graph.constant(data, tensor.name, type_)

    def integers(self, op: RawOperator, position: int, what: str) -> NDArray[np.int64]:
        """A constant input of integers (axes, shapes, paddings)."""
        tensor = self.tensor(op, position)
        if tensor is None or tensor.data is None or tensor.data.dtype.kind != "i":
            self.refuse(op, f"the {what} must be a constant of integers")
        return tensor.data.astype(np.int64)

    def type_of(self, tensor: RawTensor) -> TensorType:
        """The IR type of an activation tensor."""
        layout = "NHWC" if len(tensor.shape) == 4 else ""
        assert tensor.dtype is not None
        return TensorType(tensor.shape, tensor.dtype, layout, tensor.quant)

    # Types

    def check_activations(self, op: RawOperator, positions: Sequence[int] = (0,)) -> None:
        """Require one element type throughout: float32, quantized integers, or plain ones.

        Raises:
            Refused: naming every tensor that does not fit.
        """
        tensors = [t for p in positions if (t := self.tensor(op, p)) is not None]
        tensors += [self.model.tensors[i] for i in op.outputs]
        problems = [
            Problem(reason, self.where(op), ACTIVATIONS)
            for t in tensors
            if (reason := activation_problem(t))
        ]
        if not problems and len({t.type_name for t in tensors}) > 1:
            kinds = ", ".join(f"'{t.name}' {t.type_name}" for t in tensors)
            problems = [Problem(f"mixes element types: {kinds}", self.where(op), hint=_MIXED)]
        if problems:
            raise Refused(problems)

    def check_weights(self, op: RawOperator) -> None:
        """Require weights and bias that match the activations (inputs 1 and 2)."""
        self.check_activations(op)
        x, bias = self.tensor(op, 0), self.tensor(op, 2)
        for tensor in (self.tensor(op, 1), bias):
            if tensor is not None and tensor.problem:
                self.refuse(op, f"'{tensor.name}' {tensor.problem}")
        if x is None:
            self.refuse(op, "input 0 is missing")
        weights = self.parameter(op, 1)
        expected = WEIGHTS.get(x.type_name, ("", ()))
        if weights.type_name != expected[0]:
            what = f"has {weights.type_name} weights '{weights.name}' and {x.type_name} activations"
            self.refuse(op, what, f"{expected[0]} weights" if expected[0] else "", _MIXED)
        odd = weights.unsigned and weights.quant is not None and weights.quant.is_per_tensor
        if (
            weights.type_name == "INT8"
            and not odd
            and (weights.quant is None or any(weights.quant.zero_point))
        ):
            self.refuse(op, f"weights '{weights.name}' must have scales and zero point 0")
        if bias is None:
            return
        if bias.data is None or bias.type_name not in expected[1]:
            what = f"bias '{bias.name}' has type {bias.type_name}"
            self.refuse(op, what, f"a constant of {' or '.join(expected[1])}")

    # Nodes

    def shapes(
        self, op: RawOperator, ir_op: Op, inputs: Sequence[Value | None]
    ) -> tuple[tuple[int, ...], ...]:
        """Shapes of an IR operator's results.

        Raises:
            Refused: the inputs do not fit.
        """
        try:
            return ir_op.infer([() if v is None else v.type.shape for v in inputs])
        except ShapeError as error:
            self.refuse(op, str(error))

    def emit(
        self,
        op: RawOperator,
        ir_op: Op,
        inputs: Sequence[Value | None],
        type_: TensorType | None = None,
    ) -> Value:
        """Append a node; without ``type_`` it writes the operator's output tensor.

        Raises:
            Refused: the operator's shape inference disagrees with the file.
        """
        target = self.model.tensors[op.outputs[0]]
        final = type_ is None
        declared = self.type_of(target) if type_ is None else type_
        shape = self.shapes(op, ir_op, inputs)[0]
        if shape != declared.shape:
            what = f"the inputs imply shape {list(shape)}, the file says {list(declared.shape)}"
            self.refuse(op, what)
        node = self.graph.add_node(
            ir_op,
            inputs,
            declared,
            name=f"{op.kind.lower()}_{op.index}",
            outputs=(target.name,) if final else (),
            origin=(target.name,),
        )
        if final:
            self.values[op.outputs[0]] = node.output
        return node.output

    def clamp(self, op: RawOperator, activation: int) -> Clamp | None:
        """The clamp of a fused activation."""
        known: dict[int, Clamp | None] = {0: None, 1: RELU, 2: Clamp(-1.0, 1.0), 3: RELU6}
        if activation not in known:
            self.refuse(op, f"fused activation {activation}", "NONE, RELU, RELU_N1_TO_1, RELU6")
        return known[activation]

    def options(self, op: RawOperator, name: str) -> Any:
        """The operator's options as the schema's table ``name``."""
        from ai_edge_litert import schema_py_generated as schema

        if op.options is None or op.options_type != getattr(schema.BuiltinOptions, name):
            self.refuse(op, f"its {name} are missing")
        table = getattr(schema, name)()
        table.Init(op.options.Bytes, op.options.Pos)
        return table


def real(tensor: RawTensor) -> RawTensor:
    """A quantized constant as the float32 numbers that it stands for."""
    assert tensor.data is not None
    assert tensor.quant is not None
    scale, zero_point = spread(tensor.quant, len(tensor.shape))
    data = ((tensor.data.astype(np.int64) - zero_point) * scale).astype(np.float32)
    return replace(tensor, type_name="FLOAT32", quant=None, data=data)


def activation_problem(tensor: RawTensor) -> str:
    """Why a tensor cannot be an activation, empty where it can."""
    if tensor.problem:
        return f"'{tensor.name}' {tensor.problem}"
    if tensor.type_name in ("FLOAT32", "INT32", "INT64", "BOOL"):
        return ""
    if tensor.type_name not in ("INT8", "INT16") or tensor.dtype is None:
        return f"'{tensor.name}' has element type {tensor.type_name}"
    if tensor.quant is None or not tensor.quant.is_per_tensor:
        return f"'{tensor.name}' is {tensor.dtype.value} but not quantized per tensor"
    low, high = tensor.dtype.bounds if tensor.type_name == "INT8" else (0, 0)
    if not low <= tensor.quant.zero_point[0] <= high:
        point = tensor.quant.zero_point[0]
        return f"'{tensor.name}' has zero point {point}, which {tensor.dtype.value} must not have"
    return ""

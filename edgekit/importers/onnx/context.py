"""The typed view of one ONNX node that handlers work with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.importers.onnx.functions import DEFAULT_DOMAINS
from edgekit.importers.onnx.scope import MAX_ELEMENTS, Context, Item, Refusal, Tensors
from edgekit.ir import TensorType, Value
from edgekit.ir.op import Op
from edgekit.ir.ops import (
    AvgPool2D,
    Clip,
    Concat,
    Conv2D,
    Dequantize,
    Expand,
    Gather,
    MaxPool2D,
    Pad,
    Quantize,
    Reshape,
    Slice,
    Transpose,
)
from edgekit.passes.fold_constants import Constant, fold

KEEPS_INTEGERS = (Concat, Expand, Gather, MaxPool2D, Pad, Reshape, Slice, Transpose)
"""Operators that are also imported on integer tensors."""


__all__ = ["KEEPS_INTEGERS", "MAX_ELEMENTS", "Call", "Context", "Refusal"]


class Call:
    """One ONNX node: its inputs as values, its attributes by type, and `emit` for the result.

    Attributes that a handler never asked for are reported by `finish`: an unknown attribute could
    change the result.
    """

    def __init__(self, context: Context, proto: Any) -> None:
        from onnx.helper import get_attribute_value

        self.context = context
        self.proto = proto
        self.is_default_domain = proto.domain in DEFAULT_DOMAINS
        self.op_type: str = proto.op_type
        self.output_names = list(proto.output)
        self.input_names = list(proto.input)
        self.name: str = proto.name or next(filter(None, self.output_names), "")
        self.attributes = {a.name: get_attribute_value(a) for a in proto.attribute}
        self._unread = set(self.attributes)

    @property
    def opset(self) -> int:
        """Version of the default operator set."""
        return self.context.opset

    # Attributes

    def _attribute(self, name: str, default: Any) -> Any:
        self._unread.discard(name)
        return self.attributes.get(name, default)

    def attr_int(self, name: str, default: int) -> int:
        """An integer attribute."""
        return int(self._attribute(name, default))

    def attr_float(self, name: str, default: float) -> float:
        """A float attribute; NaN is refused."""
        value = float(self._attribute(name, default))
        if math.isnan(value):
            raise Refusal(f"attribute {name} is NaN")
        return value

    def attr_str(self, name: str, default: str) -> str:
        """A text attribute."""
        value = self._attribute(name, default)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def attr_ints(self, name: str) -> tuple[int, ...] | None:
        """A list attribute, None where it is absent."""
        value = self._attribute(name, None)
        return None if value is None else tuple(int(v) for v in value)

    def attr_raw(self, name: str) -> Any:
        """An attribute as onnx gives it, None where it is absent."""
        return self._attribute(name, None)

    def ignore(self, *names: str) -> None:
        """Attributes without influence on the result."""
        self._unread.difference_update(names)

    def finish(self) -> None:
        """Refuse attributes that the handler did not read.

        Raises:
            Refusal: there are some.
        """
        if self._unread:
            names = ", ".join(sorted(self._unread))
            raise Refusal(f"attributes not known for {self.op_type}: {names}")

    # Inputs

    def has(self, index: int) -> bool:
        """True where the input is given."""
        return index < len(self.input_names) and bool(self.input_names[index])

    def value(self, index: int) -> Value:
        """The input at ``index``.

        Raises:
            Refusal: the node has no such input.
        """
        if not self.has(index):
            raise Refusal(f"input {index} is missing")
        found = self.context.item(self.input_names[index])
        if not isinstance(found, Value):
            raise Refusal(f"input {index} is a sequence", "a tensor")
        return found

    def sequence(self, index: int) -> Tensors:
        """The tensors of the sequence at ``index``.

        Raises:
            Refusal: the input is missing or a tensor.
        """
        found = self.context.item(self.input_names[index]) if self.has(index) else None
        if found is None or isinstance(found, Value):
            raise Refusal(f"input {index} is no sequence", "a sequence")
        return found

    def optional(self, index: int) -> Value | None:
        """The input at ``index`` or None."""
        return self.value(index) if self.has(index) else None

    def constant(self, index: int, what: str) -> NDArray[Any]:
        """The data of an input that must be constant.

        Raises:
            Refusal: it is computed at run time.
        """
        value = self.value(index)
        if value.data is None:
            raise Refusal(
                f"{what} ('{value.name}') is computed at run time",
                "a constant",
                "Export the model with constants folded",
            )
        return value.data

    def ints(self, index: int, what: str) -> tuple[int, ...]:
        """A constant list of integers given as input."""
        return tuple(int(v) for v in self.constant(index, what).reshape(-1))

    def scalar(self, index: int, what: str) -> float:
        """A constant number given as input."""
        data = self.constant(index, what)
        if data.size != 1:
            raise Refusal(f"{what} has {data.size} elements", "1")
        value = float(data.reshape(-1)[0])
        if math.isnan(value):
            raise Refusal(f"{what} is NaN")
        return value

    def rank(self, index: int, *allowed: int) -> tuple[int, ...]:
        """The shape of an input whose rank must be one of ``allowed``."""
        shape = self.value(index).type.shape
        if len(shape) not in allowed:
            ranks = " or ".join(map(str, allowed))
            raise Refusal(f"input {index} has shape {shape}, rank {len(shape)}", f"rank {ranks}")
        return shape

    # Results

    def add(
        self, op: Op, inputs: Sequence[Value | None], stem: str, dtype: TensorType | None = None
    ) -> Value:
        """Append a node (or fold it, where all inputs are constant) and return its output.

        Args:
            op: the operator.
            inputs: its inputs.
            stem: name of the output.
            dtype: a type whose element type and quantization the output takes; by default what
                the operator makes of its inputs, with the first one's quantization.
        """
        return self.add_all(op, inputs, (stem,), dtype)[0]

    def add_all(
        self,
        op: Op,
        inputs: Sequence[Value | None],
        stems: Sequence[str],
        dtype: TensorType | None = None,
    ) -> tuple[Value, ...]:
        """`add` for an operator with several outputs: one stem for each of them."""
        first = next((v for v in inputs if v is not None), None)
        if first is None:
            raise Refusal("it has no inputs")
        shapes = op.infer([() if v is None else v.type.shape for v in inputs])
        labels = [self.context.label(stem) for stem in stems]
        large = max(math.prod(shape) for shape in shapes) > MAX_ELEMENTS
        folded = None if large else fold(op, inputs)
        if folded is None and all(0 in shape for shape in shapes):
            folded = self._empty(op, inputs, shapes)
        if folded is None:
            self._check_sizes(shapes)
        else:
            pairs = zip(folded, labels, strict=True)
            return tuple(self.context.graph.constant(d, label, t) for (d, t), label in pairs)
        types = self._types(op, inputs, first, shapes, dtype)
        name = self.context.label(self.name or stems[0])
        node = self.context.graph.add_node(
            op, inputs, types, name=name, outputs=labels, origin=(name,)
        )
        if id(first) in self.context.shifted and isinstance(op, KEEPS_INTEGERS):
            self.context.shifted[id(node.output)] = node.output
        return node.outputs

    @staticmethod
    def _empty(
        op: Op, inputs: Sequence[Value | None], shapes: Sequence[tuple[int, ...]]
    ) -> tuple[Constant, ...]:
        """Tensors without elements: nothing is left to compute."""
        dtypes = op.dtypes([None if v is None else v.type.dtype for v in inputs])
        types = [TensorType(s, d) for s, d in zip(shapes, dtypes, strict=True)]
        return tuple((np.zeros(t.shape, t.dtype.numpy), t) for t in types)

    @staticmethod
    def _check_sizes(shapes: Sequence[tuple[int, ...]]) -> None:
        for shape in shapes:
            if not 0 < math.prod(shape) <= MAX_ELEMENTS:
                allowed = f"1 to {MAX_ELEMENTS} elements"
                raise Refusal(f"its output would have shape {shape}", allowed)

    def _types(
        self,
        op: Op,
        inputs: Sequence[Value | None],
        first: Value,
        shapes: Sequence[tuple[int, ...]],
        dtype: TensorType | None,
    ) -> list[TensorType]:
        quantized = first.type.quant is not None or id(first) in self.context.shifted
        if quantized and dtype is None and not isinstance(op, KEEPS_INTEGERS):
            raise Refusal(f"element type {first.type.dtype.value} of '{first.name}'", "float32")
        base = [dtype] * len(shapes)
        if dtype is None:
            found = op.dtypes([None if v is None else v.type.dtype for v in inputs])
            base = [replace(first.type, dtype=d) for d in found]
        return [
            replace(t, shape=s, range=None, layout=self._layout(op, first, len(s)))
            for t, s in zip(base, shapes, strict=True)
            if t is not None
        ]

    def _layout(self, op: Op, first: Value, rank: int) -> str:
        if isinstance(op, Conv2D | MaxPool2D | AvgPool2D):
            self._tag(first, op.layout)
            return op.layout
        if isinstance(op, Transpose) and first.type.layout:
            return "".join(first.type.layout[p] for p in op.perm)
        if isinstance(op, Reshape) or len(first.type.layout) != rank:
            return ""
        return first.type.layout

    def _tag(self, value: Value, layout: str) -> None:
        """Name the axes of what a spatial operator reads, up to where it comes from."""
        while not value.type.layout:
            self.context.graph.set_type(value, replace(value.type, layout=layout))
            source = value.producer
            if source is None or not isinstance(source.op, Quantize | Dequantize | Clip):
                return
            value = source.input(0)

    def emit(self, op: Op, inputs: Sequence[Value | None], dtype: TensorType | None = None) -> None:
        """`add` whose result is the node's first output."""
        self.result(self.add(op, inputs, self.output_names[0], dtype))

    def emit_all(self, op: Op, inputs: Sequence[Value | None]) -> None:
        """`add_all` whose results are the node's outputs, in order; those that the model leaves
        unnamed get names of their own."""
        count = len(op.infer([() if v is None else v.type.shape for v in inputs]))
        names = [*self.output_names, *[""] * count][:count]
        stems = [name or f"{self.output_names[0]}_{i}" for i, name in enumerate(names)]
        for i, value in enumerate(self.add_all(op, inputs, stems)):
            if names[i]:
                self.result(value, i)

    def result(self, value: Value, index: int = 0) -> None:
        """Declare ``value`` as one of the node's outputs (under a second name where it has one)."""
        name = self.output_names[index]
        if self.context.label(name) not in value.origin:
            value.origin = (*value.origin, self.context.label(name))
        self.context.values[name] = value

    def result_item(self, item: Item, index: int = 0) -> None:
        """Declare a tensor or a sequence of tensors as one of the node's outputs."""
        if isinstance(item, Value):
            self.result(item, index)
        else:
            self.context.sequences[self.output_names[index]] = item

    def array(self, data: NDArray[Any], stem: str = "") -> Value:
        """A constant made from ``data``."""
        name = stem or f"{self.output_names[0]}_const"
        return self.context.graph.constant(np.asarray(data), self.context.label(name))

"""Quantize/Dequantize pairs of QDQ models become quantization of the values themselves.

- ``Dequantize(constant) -> constant`` that carries its quantization;
- ``move(quantized constant) -> constant``;
- ``Quantize(Dequantize(x)) -> x``, or one Quantize of integers where the parameters differ;
- ``move(Dequantize(x)) -> Dequantize(move(x))`` for operators that only move or select elements;
- ``Quantize(op(Dequantize(x), ...)) -> op(x, ...)`` on quantized values;
- a Concat of differently quantized operands gets a Quantize of integers before it;
- a Quantize at a graph input and a Dequantize at a graph output become the type of the port.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgekit.ir import DType, Graph, Node, Quant, TensorType, Value
from edgekit.ir.ops import (
    Add,
    AvgPool2D,
    Clip,
    Concat,
    Conv2D,
    ConvTranspose,
    Dense,
    Dequantize,
    Expand,
    Gather,
    MatMul,
    MaxPool2D,
    Mean,
    Mul,
    Pad,
    Quantize,
    Reshape,
    Slice,
    Softmax,
    Sub,
    Transpose,
    Unary,
)
from edgekit.passes.fold_constants import fold
from edgekit.passes.rewrite import append, derive, float_array, forward, refuse, remove_unread

MOVES = (Concat, Expand, Gather, MaxPool2D, Pad, Reshape, Slice, Transpose)
LAYERS = (Conv2D, ConvTranspose, Dense)
COMPUTES = (*LAYERS, Add, Sub, Mul, AvgPool2D, MatMul, Mean, Softmax, Clip, Unary)
SOFTMAX_QUANT = Quant.per_tensor(1.0 / 256.0, -128)
"""The one output quantization of TFLite's int8 softmax."""


def bias_quant(x: Quant, weights: Quant) -> Quant:
    """Quantization of an int32 bias: scale of the input times scale of the weights, in float32."""
    scales = np.float32(x.scale[0]) * np.asarray(weights.scale, np.float32)
    axis = None if weights.axis is None else 0
    return Quant(tuple(float(s) for s in scales), (0,) * len(scales), axis)


def _integer_source(value: Value | None) -> Value | None:
    """The int8 value behind a Dequantize, or a quantized int8 constant."""
    if value is None or (value.is_constant and value.type.dtype is DType.INT8):
        return value if value is not None and value.type.quant is not None else None
    source = value.producer
    return source.input(0) if source is not None and isinstance(source.op, Dequantize) else None


def _moved(node: Node) -> tuple[Value | None, ...]:
    """The inputs that hold elements (indices have no quantization)."""
    return node.inputs[:1] if isinstance(node.op, Gather) else node.inputs


@dataclass(frozen=True)
class FoldQdq:
    """Turn Quantize/Dequantize pairs into quantized values."""

    name: str = "fold-qdq"

    def run(self, graph: Graph) -> bool:
        if not any(isinstance(n.op, Quantize | Dequantize) for n in graph.nodes):
            return False
        for node in list(graph.nodes):
            if isinstance(node.op, Dequantize):
                self._fold_constant(graph, node)
            elif isinstance(node.op, Quantize):
                self._meet(graph, node)
            elif isinstance(node.op, MOVES):
                if not self._fold_moved(graph, node) and not self._sink(graph, node):
                    self._compute(graph, node)
            elif isinstance(node.op, COMPUTES):
                self._compute(graph, node)
        self._inputs(graph)
        self._outputs(graph)
        remove_unread(graph)
        return True

    @staticmethod
    def _fold_constant(graph: Graph, node: Node) -> None:
        value = node.input(0)
        if value.is_constant:
            forward(graph, node, value)

    @staticmethod
    def _fold_moved(graph: Graph, node: Node) -> bool:
        """A quantized constant that is only laid out anew."""
        found = fold(node.op, node.inputs)
        if found is None:
            return False
        data, type_ = found[0]
        forward(graph, node, graph.constant(data, node.output.name, type_))
        return True

    @staticmethod
    def _meet(graph: Graph, node: Node) -> None:
        x = _integer_source(node.input(0))
        if x is None:
            return
        if x.type.quant == node.output.type.quant:
            graph.bypass(node, x)
        else:
            graph.set_input(node, 0, x)

    def _sink(self, graph: Graph, node: Node) -> bool:
        sources = [_integer_source(v) for v in _moved(node)]
        found = [s for s in sources if s is not None]
        if len(found) < len(sources) or len({s.type.quant for s in found}) != 1:
            return False
        clamp = getattr(node.op, "clamp", None)
        if clamp is not None or (isinstance(node.op, Pad) and node.op.value != 0.0):
            refuse(self.name, node, "its bounds or padding may lie between two integers")
            return False
        for index, source in enumerate(found):
            graph.set_input(node, index, source)
        real = node.output.type
        graph.set_type(node.output, replace(real, dtype=DType.INT8, quant=found[0].type.quant))
        append(graph, node, Dequantize(), real)
        return True

    def _compute(self, graph: Graph, node: Node) -> None:
        readers = [n for n, _ in node.output.uses]
        quants = {n.output.type.quant for n in readers if isinstance(n.op, Quantize)}
        if not readers or graph.is_output(node.output):
            return
        if len(quants) != 1 or not all(isinstance(n.op, Quantize) for n in readers):
            refuse(self.name, node, "its result is also used unquantized")
            return
        count = 2 if isinstance(node.op, LAYERS) else len(_moved(node))
        sources = [_integer_source(v) for v in node.inputs[:count]]
        if any(s is None for s in sources):
            refuse(self.name, node, "an operand is not quantized")
            return
        alike = {s.type.quant for s in sources if s is not None} == quants
        if isinstance(node.op, MOVES) and not alike:
            if not isinstance(node.op, Concat):
                refuse(self.name, node, "its operands and result are quantized differently")
                return
            (quant,) = quants
            sources = [self._requantized(graph, node, s, quant) for s in sources]
        if isinstance(node.op, LAYERS) and not self._quantize_bias(graph, node, sources):
            refuse(self.name, node, "its bias or weights do not follow the int8 scheme")
            return
        for index, source in enumerate(sources):
            graph.set_input(node, index, source)
        graph.set_type(node.output, readers[0].output.type)
        for reader in readers:
            graph.bypass(reader, node.output)

    @staticmethod
    def _requantized(
        graph: Graph, node: Node, source: Value | None, quant: Quant | None
    ) -> Value | None:
        """An operand of a Concat in the quantization of its result."""
        if source is None or source.type.quant == quant:
            return source
        type = replace(source.type, quant=quant)
        return graph.add_node(
            Quantize(), [source], type, name=f"{source.name}_requantized", before=node
        ).output

    @staticmethod
    def _quantize_bias(graph: Graph, node: Node, sources: list[Value | None]) -> bool:
        """Give the layer an int32 bias of scale ``s_x * s_w``; False where that is impossible."""
        x, weights = sources[0], sources[1]
        if x is None or weights is None or x.type.quant is None or weights.type.quant is None:
            return False
        moved = any(weights.type.quant.zero_point)
        if moved and not weights.type.quant.is_per_tensor:
            return False
        bias = node.optional_input(2)
        if bias is None:
            return True
        wanted = bias_quant(x.type.quant, weights.type.quant)
        scales = np.asarray(wanted.scale)
        if bias.type.dtype is DType.INT32 and bias.type.quant is not None:
            given = np.asarray(bias.type.quant.scale)
            if np.allclose(given, scales, rtol=1e-5, atol=0):
                return True
            real = bias.array * given
        else:
            data = float_array(bias)
            if data is None:
                return False
            real = data.astype(np.float64)
        q = np.clip(np.rint(real / scales), -(2**31), 2**31 - 1).astype(np.int32)
        type = TensorType(tuple(q.shape), DType.INT32, "", wanted)
        graph.set_input(node, 2, derive(graph, bias, q, type))
        return True

    @staticmethod
    def _inputs(graph: Graph) -> None:
        for value in list(graph.inputs):
            readers = [n for n, _ in value.uses if isinstance(n.op, Quantize)]
            types = {n.output.type for n in readers}
            if len(readers) != len(value.uses) or len(types) != 1 or graph.is_output(value):
                continue
            if value.type.dtype is DType.FLOAT32:
                port = graph.replace_input(value, types.pop())
                for reader in readers:
                    graph.bypass(reader, port)

    @staticmethod
    def _outputs(graph: Graph) -> None:
        for value in dict.fromkeys(graph.outputs):
            source = value.producer
            if source is not None and isinstance(source.op, Dequantize) and not value.uses:
                graph.bypass(source, source.input(0))

"""Quantized graphs as QDQ ONNX models.

Every quantized value is written as a real tensor, QuantizeLinear and DequantizeLinear; weights and
biases as integers with a DequantizeLinear. Convolutions and pools are written in NCHW: operators of
a graph in NHWC get Transposes around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import ModelError, Problem
from edgekit.exporters.onnx_ops import WRITERS
from edgekit.files import write_atomic
from edgekit.ir import Binding, DType, Graph, Quant, TensorType, Value

OPSET = 13
"""The first operator set with per-axis QuantizeLinear: the widest choice of runtimes."""
IR_VERSION = 8


def export_qdq(graph: Graph, path: Path) -> None:
    """Write a quantized model-level graph as a QDQ ONNX model, whole or not at all.

    Inputs and outputs are those of the source model, in its layout and dtype.

    Args:
        graph: from `quantize.ptq.quantize_graph`, or imported from a quantized model; float values
            are written as they are.
        path: file to write.

    Raises:
        ModelError: operators that ONNX export does not know, all named.
        OSError: the file cannot be written.
    """
    import onnx

    problems = [
        Problem("ONNX export does not know this operator", f"{n.op.name} '{n.name}'")
        for n in graph.nodes
        if type(n.op) not in WRITERS
    ]
    if problems:
        raise ModelError(f"'{graph.name}' cannot be written as ONNX", problems)
    writer = Writer(graph)
    inputs = [
        writer.input(value, binding)
        for value, binding in zip(graph.inputs, graph.input_bindings, strict=True)
    ]
    for node in graph.nodes:
        WRITERS[type(node.op)](writer, node)
    outputs = [
        writer.output(value, binding)
        for value, binding in zip(graph.outputs, graph.output_bindings, strict=True)
    ]
    proto = onnx.helper.make_graph(
        writer.nodes, graph.name, inputs, outputs, initializer=writer.initializers
    )
    model = onnx.helper.make_model(
        proto,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="edgekit",
    )
    onnx.checker.check_model(model, full_check=True)
    write_atomic(path, model.SerializeToString(deterministic=True))


class Writer:
    """The ONNX graph under construction.

    Attributes:
        nodes: NodeProto in order.
        initializers: TensorProto.
    """

    def __init__(self, graph: Graph) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._taken = {b.name for b in (*graph.input_bindings, *graph.output_bindings)}
        self._real: dict[int, str] = {}
        self._integer: dict[int, str] = {}

    def unique(self, stem: str) -> str:
        """A tensor name that is still free."""
        name, index = stem, 0
        while name in self._taken:
            index += 1
            name = f"{stem}_{index}"
        self._taken.add(name)
        return name

    def node(self, op_type: str, inputs: Sequence[str], stem: str = "", **attributes: Any) -> str:
        """Append a node with a fresh output name, which is returned."""
        output = self.unique(stem or f"{op_type.lower()}_out")
        self._append(op_type, inputs, output, **attributes)
        return output

    def _append(self, op_type: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        import onnx

        self.nodes.append(
            onnx.helper.make_node(op_type, list(inputs), [output], name=output, **attributes)
        )

    def array(self, data: NDArray[Any], stem: str) -> str:
        """An initializer; returns its name."""
        import onnx

        name = self.unique(stem)
        self.initializers.append(onnx.numpy_helper.from_array(np.ascontiguousarray(data), name))
        return name

    def real(self, value: Value) -> str:
        """The name of the real tensor that readers of ``value`` read."""
        found = self._real.get(id(value))
        if found is None:
            found = self._real[id(value)] = self.constant(value.array, value.type, value.name)
        return found

    def constant(self, data: NDArray[Any], type: TensorType, stem: str) -> str:
        """A constant as a real tensor: an initializer, dequantized where it is quantized."""
        if type.quant is None:
            return self.array(data, stem)
        return self._linear("Dequantize", self.array(data, stem), type.quant, data.dtype, stem)

    def define(self, value: Value, name: str) -> None:
        """Declare the real tensor ``name`` as the content of ``value``, quantized as it says."""
        quant = value.type.quant
        if quant is None:
            self._real[id(value)] = name
            return
        integer = self._linear("Quantize", name, quant, np.dtype(np.int8), name)
        self._integer[id(value)] = integer
        self._real[id(value)] = self._linear("Dequantize", integer, quant, np.dtype(np.int8), name)

    def paired(self, name: str, quant: Quant | None) -> str:
        """The real tensor ``name`` behind a QuantizeLinear and a DequantizeLinear."""
        if quant is None:
            return name
        integer = self._linear("Quantize", name, quant, np.dtype(np.int8), name)
        return self._linear("Dequantize", integer, quant, np.dtype(np.int8), name)

    def _linear(self, kind: str, source: str, quant: Quant, dtype: np.dtype[Any], stem: str) -> str:
        scale = np.asarray(quant.scale, np.float32)
        zero = np.asarray(quant.zero_point, dtype)
        attributes: dict[str, int] = {}
        if quant.axis is None:
            scale, zero = scale.reshape(()), zero.reshape(())
        else:
            attributes["axis"] = quant.axis
        inputs = [source, self.array(scale, f"{stem}_scale"), self.array(zero, f"{stem}_zero")]
        return self.node(f"{kind}Linear", inputs, f"{stem}_{kind.lower()}d", **attributes)

    # Ports

    def input(self, value: Value, binding: Binding) -> Any:
        """Write a graph input in the source model's layout; returns its ValueInfoProto."""
        name = binding.name
        if binding.perm is not None:
            name = self.node("Transpose", [name], f"{name}_inner", perm=list(binding.perm))
        quant = value.type.quant
        if binding.outer.dtype is DType.FLOAT32 or quant is None:
            self.define(value, name)
        else:
            self._integer[id(value)] = name
            real = self._linear("Dequantize", name, quant, value.type.dtype.numpy, name)
            self._real[id(value)] = real
        return _info(binding)

    def output(self, value: Value, binding: Binding) -> Any:
        """Write a graph output in the source model's layout; returns its ValueInfoProto."""
        name, op, inputs = binding.name, "Identity", [self.real(value)]
        if binding.outer.dtype is not DType.FLOAT32:
            inputs = [self._integer[id(value)]]
        if binding.perm is not None:
            perm = [int(i) for i in np.argsort(binding.perm)]
            self._append("Transpose", inputs, name, perm=perm)
        else:
            self._append(op, inputs, name)
        return _info(binding)


def _info(binding: Binding) -> Any:
    import onnx

    dtype = onnx.helper.np_dtype_to_tensor_dtype(binding.outer.dtype.numpy)
    return onnx.helper.make_tensor_value_info(binding.name, dtype, list(binding.outer.shape))

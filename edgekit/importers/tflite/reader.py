"""Read a .tflite file into plain dataclasses, trusting nothing in it.

The schema's accessors follow offsets without checking them, so a damaged file can make them raise
anything or describe vectors longer than the file. Every length is therefore charged against a
budget proportional to the file's size, and every exception becomes a `ModelError`.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import ModelError
from edgekit.ir import DType, Quant

_IDENTIFIER = b"TFL3"
_MAX_ELEMENTS = 2**31
UNSIGNED_OFFSET = 128
_DTYPES = {
    "FLOAT32": DType.FLOAT32,
    "INT8": DType.INT8,
    "UINT8": DType.UINT8,
    "INT16": DType.INT16,
    "INT32": DType.INT32,
    "INT64": DType.INT64,
    "BOOL": DType.BOOL,
}
DAMAGE = (
    struct.error,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
    AttributeError,
    AssertionError,
)
"""What the accessors raise on a damaged file."""


@dataclass(frozen=True)
class RawTensor:
    """One tensor as the file describes it.

    Attributes:
        name: its name, or ``tensor<index>`` where it has none.
        shape: dimensions, each >= 1.
        type_name: the schema's name of the element type.
        quant: quantization parameters, None where there are none.
        data: content of a constant.
        problem: why the tensor cannot be used, empty where it can.
        variable: it keeps its content from one run to the next, starting with zeros.
        unsigned: the file has it as uint8. It stands here as int8: elements and zero point both lie
            128 lower, the real numbers are the same.
    """

    name: str
    shape: tuple[int, ...]
    type_name: str
    quant: Quant | None
    data: NDArray[Any] | None
    problem: str = ""
    variable: bool = False
    unsigned: bool = False

    @property
    def zero_point(self) -> int:
        """The integer that stands for zero."""
        return 0 if self.quant is None else self.quant.zero_point[0]

    @property
    def dtype(self) -> DType | None:
        """The element type, None for types that the IR does not have."""
        return _DTYPES.get(self.type_name)


@dataclass(frozen=True)
class RawOperator:
    """One operator: builtin name, tensor indices (-1 for absent), its options and their type.

    ``intermediates`` are tensors that only say how something inside the operator is quantized.
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any
    options_type: int = 0
    intermediates: tuple[int, ...] = ()


@dataclass(frozen=True)
class RawModel:
    """One subgraph of a file; the main one, which the file is read for, knows them all."""

    tensors: tuple[RawTensor, ...]
    operators: tuple[RawOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    subgraphs: tuple[RawModel, ...] = ()


def read_model(path: Path, signature: str = "") -> RawModel:
    """Read the file's main subgraph and the ones that its operators may call.

    Args:
        path: the file.
        signature: the one whose subgraph is the main one; by default that is the first.

    Raises:
        ModelError: it cannot be read, is damaged, or has no such signature.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error
    if data[4:8] != _IDENTIFIER:
        raise ModelError(
            f"{path} is not a TFLite model: bytes 4 to 8 are not 'TFL3' (file of {len(data)} bytes)"
        )
    try:
        reader = _Reader(data)
        return reader.model(_choose(reader.signatures(), signature, path))
    except DAMAGE as error:
        raise ModelError(f"{path} is damaged or truncated: {error or type(error).__name__}") from (
            error
        )


def _choose(known: dict[str, int], wanted: str, path: Path) -> int:
    """The subgraph of a signature; the first one where none is asked for."""
    if not wanted:
        return 0
    if wanted not in known:
        names = ", ".join(known) or "none"
        raise ModelError(f"{path} has no signature '{wanted}'; its signatures: {names}")
    return known[wanted]


class _Reader:
    def __init__(self, data: bytes) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._schema = schema
        self._size = len(data)
        self._budget = 4 * len(data)
        self._root = schema.Model.GetRootAs(data, 0)
        self._types = _names(schema.TensorType)
        self._operators = _names(schema.BuiltinOperator)

    def _charge(self, length: int) -> int:
        self._budget -= length
        if length < 0 or length > self._size or self._budget < 0:
            raise ValueError(f"a vector of {length} elements does not fit into the file")
        return length

    def _indices(self, length: int, array: Any) -> tuple[int, ...]:
        self._charge(length)
        return tuple(int(i) for i in array) if length else ()

    def signatures(self) -> dict[str, int]:
        """Subgraph of each signature, by name."""
        root = self._root
        defs = [root.SignatureDefs(i) for i in range(self._charge(root.SignatureDefsLength()))]
        return {_text(d.SignatureKey() or b""): int(d.SubgraphIndex()) for d in defs}

    def model(self, main: int) -> RawModel:
        """The subgraph of this number, and all others."""
        root = self._root
        kinds = [
            self._kind(root.OperatorCodes(i))
            for i in range(self._charge(root.OperatorCodesLength()))
        ]
        count = self._charge(root.SubgraphsLength())
        graphs = tuple(self._subgraph(root.Subgraphs(i), kinds) for i in range(count))
        if main >= len(graphs) or not graphs[main].outputs:
            raise ValueError("the model has no outputs")
        return replace(graphs[main], subgraphs=graphs)

    def _subgraph(self, sub: Any, kinds: list[str]) -> RawModel:
        tensors = tuple(
            self._tensor(sub.Tensors(i), i) for i in range(self._charge(sub.TensorsLength()))
        )
        operators = tuple(
            self._operator(sub.Operators(i), i, kinds, len(tensors))
            for i in range(self._charge(sub.OperatorsLength()))
        )
        inputs = self._indices(sub.InputsLength(), sub.InputsAsNumpy())
        outputs = self._indices(sub.OutputsLength(), sub.OutputsAsNumpy())
        _check_indices((*inputs, *outputs), len(tensors), "the model's inputs and outputs", 0)
        return RawModel(tensors, operators, inputs, outputs)

    def _kind(self, code: Any) -> str:
        # Old files hold the code in a byte; the larger of both fields is the operator.
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        kind = self._operators.get(number, f"BUILTIN_{number}")
        custom = code.CustomCode()
        return f"CUSTOM {_text(custom)}" if kind == "CUSTOM" and custom else kind

    def _operator(self, op: Any, index: int, kinds: list[str], tensors: int) -> RawOperator:
        code = op.OpcodeIndex()
        if code >= len(kinds):
            raise ValueError(f"operator {index} has code {code} of {len(kinds)}")
        inputs = self._indices(op.InputsLength(), op.InputsAsNumpy())
        outputs = self._indices(op.OutputsLength(), op.OutputsAsNumpy())
        _check_indices(inputs, tensors, f"operator {index}", -1)
        _check_indices(outputs, tensors, f"operator {index}", 0)
        inner = self._indices(op.IntermediatesLength(), op.IntermediatesAsNumpy())
        _check_indices(inner, tensors, f"operator {index}", 0)
        options, options_type = op.BuiltinOptions(), op.BuiltinOptionsType()
        return RawOperator(index, kinds[code], inputs, outputs, options, options_type, inner)

    def _tensor(self, tensor: Any, index: int) -> RawTensor:
        name = _text(tensor.Name()) or f"tensor{index}"
        shape = self._indices(tensor.ShapeLength(), tensor.ShapeAsNumpy())
        type_name = self._types.get(tensor.Type(), f"TYPE_{tensor.Type()}")
        problem = ""
        if any(n < 1 for n in shape) or math.prod(shape) > _MAX_ELEMENTS:
            problem = f"has shape {list(shape)}; every dimension must be at least 1 and fixed"
        elif tensor.Sparsity() is not None:
            problem = "is stored sparse, which is not supported"
        quant, data = None, None
        try:
            quant = self._quant(tensor, type_name, len(shape))
            data = None if problem else self._data(tensor, shape, type_name)
        except _Unusable as error:
            problem = problem or str(error)
        if type_name == "FLOAT16" and data is not None:
            type_name, data = "FLOAT32", data.astype(np.float32)
        found = RawTensor(name, shape, type_name, quant, data, problem, bool(tensor.IsVariable()))
        return _signed(found) if type_name == "UINT8" and quant is not None else found

    def _quant(self, tensor: Any, type_name: str, rank: int) -> Quant | None:
        table = tensor.Quantization()
        if table is None or type_name == "FLOAT32":
            return None
        scales = self._charge(table.ScaleLength())
        points = self._charge(table.ZeroPointLength())
        if not scales:
            return None
        scale = tuple(float(s) for s in table.ScaleAsNumpy())
        zero = tuple(int(z) for z in table.ZeroPointAsNumpy()) if points else (0,) * scales
        if type_name == "INT32":
            # A bias: its scales are those of input times weights, and older converters give it the
            # weights' axis, which it does not have.
            return None
        axis = int(table.QuantizedDimension()) if scales > 1 else None
        if len(zero) == 1 and scales > 1:
            zero *= scales
        if axis is not None and not 0 <= axis < rank:
            raise _Unusable(f"is quantized along axis {axis} but has {rank} dimensions")
        try:
            return Quant(scale, zero, axis)
        except ValueError as error:
            raise _Unusable(f"has invalid quantization: {error}") from error

    def _data(self, tensor: Any, shape: tuple[int, ...], type_name: str) -> NDArray[Any] | None:
        number = tensor.Buffer()
        if number >= self._root.BuffersLength():
            raise ValueError(f"buffer {number} of {self._root.BuffersLength()}")
        buffer = self._root.Buffers(number)
        if number == 0 or buffer is None:
            return None
        if buffer.Offset() > 1 or buffer.Size() > 1:
            raise _Unusable("keeps its data outside the flatbuffer, which is not supported")
        length = self._charge(buffer.DataLength())
        known = _DTYPES.get(type_name)
        if not length or (known is None and type_name != "FLOAT16"):
            return None
        dtype = np.dtype(np.float16) if known is None else known.numpy
        if length != math.prod(shape) * dtype.itemsize:
            raise _Unusable(f"holds {length} bytes, its shape {list(shape)} needs another number")
        array = np.frombuffer(buffer.DataAsNumpy().tobytes(), dtype.newbyteorder("<"))
        return array.astype(dtype).reshape(shape)


def _signed(tensor: RawTensor) -> RawTensor:
    """A quantized uint8 tensor as int8."""
    assert tensor.quant is not None
    quant = moved(tensor.quant, -UNSIGNED_OFFSET)
    data = tensor.data
    if data is not None:
        data = (data.astype(np.int16) - UNSIGNED_OFFSET).astype(np.int8)
    return replace(tensor, type_name="INT8", quant=quant, data=data, unsigned=True)


def moved(quant: Quant, offset: int) -> Quant:
    """The quantization of integers that lie ``offset`` higher."""
    return Quant(quant.scale, tuple(z + offset for z in quant.zero_point), quant.axis)


class _Unusable(Exception):
    """A tensor cannot be used; the rest of the file may still be listed."""


def _check_indices(indices: tuple[int, ...], count: int, where: str, lowest: int) -> None:
    for index in indices:
        if not lowest <= index < count:
            raise ValueError(f"{where}: tensor index {index} of {count}")


def _text(raw: bytes | None) -> str:
    return raw.decode("utf-8", errors="replace") if raw else ""


def _names(enumeration: type) -> dict[int, str]:
    return {v: k for k, v in vars(enumeration).items() if isinstance(v, int)}

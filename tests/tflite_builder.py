"""Small .tflite files for tests, written with the schema's object interface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)
SAME, VALID = range(2)
FIRST_VERSION = (
    "ABS", "ADD_N", "ASSIGN_VARIABLE", "ATAN2", "BITWISE_XOR", "CALL_ONCE", "CAST", "CEIL",
    "CONV_3D", "COS", "CUMSUM", "DEPTH_TO_SPACE", "DIV", "ELU", "EQUAL", "EXP", "FLOOR",
    "FLOOR_DIV", "FLOOR_MOD", "GELU", "GREATER", "GREATER_EQUAL", "HARD_SWISH", "L2_POOL_2D",
    "LEAKY_RELU", "LESS", "LESS_EQUAL", "LOCAL_RESPONSE_NORMALIZATION", "LOG", "LOGICAL_AND",
    "LOGICAL_NOT", "LOGICAL_OR", "LOGISTIC", "MAXIMUM", "MINIMUM", "NEG", "NOT_EQUAL", "ONE_HOT",
    "POW", "PRELU", "READ_VARIABLE", "REDUCE_ALL", "REDUCE_ANY", "RELU_0_TO_1", "RESHAPE",
    "REVERSE_SEQUENCE", "RIGHT_SHIFT", "ROUND", "RSQRT", "SCATTER_ND", "SELECT", "SELECT_V2",
    "SHAPE", "SIGN", "SIN", "SQRT", "SQUARE", "SQUARED_DIFFERENCE", "TANH",
    "UNIDIRECTIONAL_SEQUENCE_LSTM", "VAR_HANDLE",
)  # fmt: skip


@dataclass(frozen=True)
class T:
    """One tensor: scales and zero points as they stand in the file."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "INT8"
    scale: tuple[float, ...] = ()
    zero: tuple[int, ...] = ()
    axis: int = 0
    data: NDArray[Any] | None = None
    variable: bool = False


@dataclass(frozen=True)
class O:  # noqa: E742  (reads best beside T)
    """One operator: builtin name, indices, and the options' table name and fields."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: str = ""
    fields: tuple[tuple[str, Any], ...] = ()
    intermediates: tuple[int, ...] = ()


def const(name: str, data: NDArray[Any], **quant: Any) -> T:
    """A constant tensor."""
    return T(name, tuple(data.shape), data.dtype.name.upper(), data=data, **quant)


def q8(name: str, shape: tuple[int, ...], scale: float, zero: int) -> T:
    """An int8 activation."""
    return T(name, shape, "INT8", (scale,), (zero,))


def build(
    tensors: Sequence[T],
    operators: Sequence[O],
    inputs: Sequence[int] = (0,),
    outputs: Sequence[int] | None = None,
    further: Sequence[tuple[Sequence[T], Sequence[O]]] = (),
) -> bytes:
    """The file's bytes; the outputs default to the last tensor; ``further`` subgraphs have none."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as s

    model = s.ModelT()
    model.version = 3
    model.description = "test"
    rest = [op for _, ops in further for op in ops]
    kinds = sorted({op.kind for op in (*operators, *rest)})
    model.operatorCodes = [_code(s, kind) for kind in kinds]
    model.buffers = [s.BufferT()]
    model.subgraphs = []
    for each, ops in ((tensors, operators), *further):
        graph = s.SubGraphT()
        graph.tensors = [_tensor(s, model, tensor) for tensor in each]
        graph.operators = [_operator(s, op, kinds) for op in ops]
        graph.inputs, graph.outputs = [], []
        model.subgraphs.append(graph)
    main = model.subgraphs[0]
    main.inputs = list(inputs)
    main.outputs = list(outputs) if outputs is not None else [len(tensors) - 1]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _code(s: Any, kind: str) -> Any:
    code = s.OperatorCodeT()
    code.builtinCode = getattr(s.BuiltinOperator, kind)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    versions = {
        "CONV_2D": 5,
        "FULLY_CONNECTED": 5,
        "DEPTHWISE_CONV_2D": 5,
        "CUMSUM": 1,
        "REVERSE_SEQUENCE": 1,
    }
    versions |= dict.fromkeys(FIRST_VERSION, 1)
    code.version = versions.get(kind, 2)
    return code


def _tensor(s: Any, model: Any, tensor: T) -> Any:
    packed = s.TensorT()
    packed.name, packed.shape = tensor.name, list(tensor.shape)
    packed.type = getattr(s.TensorType, tensor.dtype)
    packed.isVariable = tensor.variable
    packed.buffer = 0
    if tensor.data is not None:
        buffer = s.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(tensor.data).tobytes(), np.uint8)
        packed.buffer = len(model.buffers)
        model.buffers.append(buffer)
    if tensor.scale:
        packed.quantization = s.QuantizationParametersT()
        packed.quantization.scale = [float(np.float32(v)) for v in tensor.scale]
        packed.quantization.zeroPoint = list(tensor.zero or (0,) * len(tensor.scale))
        packed.quantization.quantizedDimension = tensor.axis
    return packed


def _operator(s: Any, op: O, kinds: list[str]) -> Any:
    packed = s.OperatorT()
    packed.opcodeIndex = kinds.index(op.kind)
    packed.inputs, packed.outputs = list(op.inputs), list(op.outputs)
    packed.intermediates = list(op.intermediates)
    if op.options:
        packed.builtinOptionsType = getattr(s.BuiltinOptions, op.options)
        packed.builtinOptions = getattr(s, f"{op.options}T")()
        for name, value in op.fields:
            assert hasattr(packed.builtinOptions, name), name
            setattr(packed.builtinOptions, name, value)
    return packed

"""From file to graph: the table of handlers and the loop over operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgekit.errors import ModelError, Problem
from edgekit.importers.tflite import (
    choosing,
    functions,
    layers,
    moving,
    pointwise,
    recurrent,
    resizing,
    spatial,
    state,
)
from edgekit.importers.tflite.context import ACTIVATIONS, Context, Refused, activation_problem
from edgekit.importers.tflite.reader import (
    DAMAGE,
    UNSIGNED_OFFSET,
    RawModel,
    RawOperator,
    RawTensor,
    moved,
    read_model,
)
from edgekit.ir import DType, Graph, TensorType, Value
from edgekit.ir.ops import Quantize

Handler = Callable[[Context, RawOperator], None]

HANDLERS: dict[str, Handler] = {
    "ABS": functions.unary,
    "ADD": pointwise.binary,
    "ADD_N": functions.add_n,
    "ARG_MAX": choosing.arg,
    "ARG_MIN": choosing.arg,
    "ASSIGN_VARIABLE": state.assign_variable,
    "ATAN2": functions.binary,
    "AVERAGE_POOL_2D": spatial.average_pool_2d,
    "BATCH_MATMUL": layers.batch_matmul,
    "BATCH_TO_SPACE_ND": moving.batch_to_space,
    "BITWISE_XOR": functions.binary,
    "BROADCAST_TO": moving.broadcast,
    "CALL_ONCE": state.call_once,
    "CAST": functions.cast,
    "CEIL": functions.unary,
    "CONCATENATION": pointwise.concatenation,
    "CONV_2D": spatial.conv_2d,
    "CONV_3D": layers.conv_3d,
    "COS": functions.unary,
    "CUMSUM": choosing.cumsum,
    "DEPTHWISE_CONV_2D": spatial.depthwise_conv_2d,
    "DEPTH_TO_SPACE": moving.depth_to_space,
    "DEQUANTIZE": pointwise.dequantize,
    "DIV": functions.divide,
    "ELU": functions.unary,
    "EMBEDDING_LOOKUP": choosing.embedding_lookup,
    "EQUAL": functions.binary,
    "EXP": functions.unary,
    "EXPAND_DIMS": pointwise.reshape,
    "FILL": moving.broadcast,
    "FLOOR": functions.unary,
    "FLOOR_DIV": functions.binary,
    "FLOOR_MOD": functions.binary,
    "FULLY_CONNECTED": spatial.fully_connected,
    "GATHER": choosing.gather,
    "GATHER_ND": choosing.gather_nd,
    "GELU": functions.gelu,
    "GREATER": functions.binary,
    "GREATER_EQUAL": functions.binary,
    "HARD_SWISH": functions.unary,
    "L2_NORMALIZATION": layers.l2_normalization,
    "L2_POOL_2D": layers.l2_pool_2d,
    "LEAKY_RELU": functions.leaky_relu,
    "LESS": functions.binary,
    "LESS_EQUAL": functions.binary,
    "LOCAL_RESPONSE_NORMALIZATION": layers.local_response_normalization,
    "LOG": functions.unary,
    "LOGICAL_AND": functions.binary,
    "LOGICAL_NOT": functions.unary,
    "LOGICAL_OR": functions.binary,
    "LOGISTIC": functions.unary,
    "LOG_SOFTMAX": layers.log_softmax,
    "MAXIMUM": functions.binary,
    "MAX_POOL_2D": spatial.max_pool_2d,
    "MEAN": spatial.mean,
    "MINIMUM": functions.binary,
    "MIRROR_PAD": moving.mirror_pad,
    "MUL": pointwise.binary,
    "NEG": functions.unary,
    "NOT_EQUAL": functions.binary,
    "ONE_HOT": choosing.one_hot,
    "PACK": moving.pack,
    "PAD": pointwise.pad,
    "PADV2": moving.pad_v2,
    "POW": functions.binary,
    "PRELU": functions.binary,
    "QUANTIZE": pointwise.quantize,
    "RANGE": moving.range_,
    "RANK": moving.shape,
    "READ_VARIABLE": state.read_variable,
    "REDUCE_ALL": choosing.reduce,
    "REDUCE_ANY": choosing.reduce,
    "REDUCE_MAX": choosing.reduce,
    "REDUCE_MIN": choosing.reduce,
    "REDUCE_PROD": choosing.reduce,
    "RELU": pointwise.relu,
    "RELU6": pointwise.relu,
    "RELU_0_TO_1": pointwise.relu,
    "RELU_N1_TO_1": pointwise.relu,
    "RESHAPE": pointwise.reshape,
    "RESIZE_BILINEAR": resizing.bilinear,
    "RESIZE_NEAREST_NEIGHBOR": resizing.nearest,
    "REVERSE_SEQUENCE": choosing.reverse_sequence,
    "REVERSE_V2": moving.reverse,
    "RIGHT_SHIFT": functions.right_shift,
    "ROUND": functions.unary,
    "RSQRT": functions.unary,
    "SCATTER_ND": choosing.scatter_nd,
    "SELECT": functions.select,
    "SELECT_V2": functions.select,
    "SHAPE": moving.shape,
    "SIGN": functions.unary,
    "SIN": functions.unary,
    "SLICE": moving.slice_,
    "SOFTMAX": pointwise.softmax,
    "SPACE_TO_BATCH_ND": moving.space_to_batch,
    "SPACE_TO_DEPTH": moving.space_to_depth,
    "SPLIT": moving.split,
    "SPLIT_V": moving.split,
    "SQRT": functions.unary,
    "SQUARE": functions.unary,
    "SQUARED_DIFFERENCE": functions.binary,
    "SQUEEZE": pointwise.reshape,
    "STRIDED_SLICE": moving.strided_slice,
    "SUB": pointwise.binary,
    "SUM": choosing.reduce,
    "SVDF": recurrent.svdf,
    "TANH": functions.unary,
    "TILE": moving.tile,
    "TOPK_V2": choosing.top_k,
    "TRANSPOSE": pointwise.transpose,
    "TRANSPOSE_CONV": layers.transpose_conv,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": recurrent.sequence_lstm,
    "UNPACK": moving.unpack,
    "VAR_HANDLE": state.var_handle,
    "ZEROS_LIKE": moving.zeros_like,
}
"""Builtin operator -> handler: everything that the importer knows."""


REFUSED = {
    "IF": "branches are not supported: which operators run must not depend on data",
    "WHILE": "loops are not supported: how often operators run must not depend on data",
}
"""Operators that have no handler for a reason."""

WITHOUT_OUTPUT = frozenset({"ASSIGN_VARIABLE", "CALL_ONCE"})


def load_tflite(path: Path, signature: str = "") -> Graph:
    """Import a float32 or int8 TFLite model.

    Layouts stay NHWC, fused activations become clamps, SAME and VALID become explicit padding,
    depthwise convolutions become grouped ones. Quantization lies on the values' types; the
    operators are model-level ones (`quantize.lower` makes the integer arithmetic of them).

    Args:
        path: the file.
        signature: which of its signatures; by default the first subgraph.

    Returns:
        A verified graph whose names are the file's tensor names.

    Raises:
        ModelError: with everything that is unsupported or inconsistent.
    """
    model = read_model(path, signature)
    graph = Graph(path.stem)
    ctx = Context(model, graph)
    problems = _add_inputs(ctx)
    for op in model.operators:
        problems += _convert(ctx, op)
    for index in model.outputs:
        if index not in ctx.values and not problems:
            name = model.tensors[index].name
            problems.append(Problem("is never produced", f"output '{name}'"))
    if problems:
        raise ModelError(f"{path} cannot be imported", problems)
    graph.outputs = [_output(ctx, i) for i in model.outputs]
    graph.bind_ports([model.tensors[i].name for i in model.outputs])
    return graph


def _add_inputs(ctx: Context) -> list[Problem]:
    problems = []
    for index in ctx.model.inputs:
        tensor = ctx.model.tensors[index]
        reason = activation_problem(tensor)
        if reason:
            problems.append(Problem(reason, f"input '{tensor.name}'", ACTIVATIONS))
            ctx.values[index] = _placeholder(ctx.model, index)
        elif index in ctx.values:
            problems.append(Problem("is listed twice", f"input '{tensor.name}'"))
        else:
            ctx.values[index] = _add_input(ctx, tensor)
    return problems


def _add_input(ctx: Context, tensor: RawTensor) -> Value:
    """A graph input; one that callers give as uint8 is made int8 first."""
    inner = ctx.type_of(tensor)
    if not tensor.unsigned:
        return ctx.graph.add_input(tensor.name, inner)
    value = ctx.graph.add_input(tensor.name, _unsigned(inner))
    return ctx.graph.add_node(
        Quantize(half_even=False), [value], inner, name=f"{tensor.name}_int8"
    ).output


def _output(ctx: Context, index: int) -> Value:
    """What the caller receives: uint8 where the file says so."""
    value, tensor = ctx.values[index], ctx.model.tensors[index]
    if not tensor.unsigned:
        return value
    outer = _unsigned(value.type)
    return ctx.graph.add_node(
        Quantize(half_even=False), [value], outer, name=f"{tensor.name}_uint8"
    ).output


def _unsigned(type_: TensorType) -> TensorType:
    assert type_.quant is not None
    quant = moved(type_.quant, UNSIGNED_OFFSET)
    return replace(type_, dtype=DType.UINT8, quant=quant)


def _convert(ctx: Context, op: RawOperator) -> list[Problem]:
    """Convert one operator; on refusal its outputs become placeholders so that the rest is seen."""
    problems: list[Problem] = []
    handler = HANDLERS.get(op.kind)
    try:
        if handler is None:
            why = REFUSED.get(op.kind, "this operator is not supported")
            ctx.refuse(op, why, hint="See docs/supported-operators.md")
        if any(i in ctx.values for i in op.outputs):
            ctx.refuse(op, "it writes a tensor that something else writes too")
        if not op.outputs and op.kind not in WITHOUT_OUTPUT:
            ctx.refuse(op, "it writes nothing")
        handler(ctx, op)
        for index in op.outputs:
            if index not in ctx.values and index not in ctx.handles:
                ctx.refuse(op, f"its output '{ctx.model.tensors[index].name}' is not imported")
    except Refused as refused:
        problems += refused.problems
    except DAMAGE as error:
        problems.append(Problem(f"it is damaged: {error}", ctx.where(op)))
    for index in op.outputs:
        if index not in ctx.values:
            ctx.values[index] = _placeholder(ctx.model, index)
    return problems


def _placeholder(model: RawModel, index: int) -> Value:
    tensor = model.tensors[index]
    return Value(tensor.name, TensorType(tensor.shape, tensor.dtype or DType.FLOAT32))

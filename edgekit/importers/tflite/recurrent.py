"""Handlers of layers that remember: UNIDIRECTIONAL_SEQUENCE_LSTM and SVDF."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.importers.tflite.context import Context
from edgekit.importers.tflite.integer_lstm import AGAIN, BIASES, WEIGHTS, C, H, integer_lstm
from edgekit.importers.tflite.reader import RawOperator
from edgekit.ir import DType, TensorType, Value
from edgekit.ir.ops import (
    Activation,
    Add,
    Clip,
    Concat,
    Dense,
    Mul,
    Op,
    Recurrent,
    Reduce,
    Reshape,
    Slice,
    Transpose,
)

PEEPHOLES = range(9, 12)
_ORDER = (0, 3, 1, 2)
"""TFLite's gates (input, forget, new content, output) in the order of `Recurrent` (i, o, f, c)."""
_FUNCTIONS = {0: Activation("affine", 1.0, 0.0), 1: Activation("relu"), 4: Activation("tanh")}
_SIGMOID = Activation("sigmoid")


def sequence_lstm(ctx: Context, op: RawOperator) -> None:
    """UNIDIRECTIONAL_SEQUENCE_LSTM on integers, or in float32 (hybrid weights become real)."""
    x = ctx.value(op, 0)
    if x.type.dtype is DType.FLOAT32:
        _real_lstm(ctx, op, x)
    else:
        integer_lstm(ctx, op)


def _real_lstm(ctx: Context, op: RawOperator, x: Value) -> None:
    options = ctx.options(op, "UnidirectionalSequenceLSTMOptions")
    for position, what in {16: "a projection", 20: "layer normalisation"}.items():
        if ctx.tensor(op, position) is not None:
            ctx.refuse(op, f"{what} is not supported", "an LSTM without it")
    function = _FUNCTIONS.get(options.FusedActivationFunction())
    if function is None:
        ctx.refuse(op, f"activation {options.FusedActivationFunction()}", "NONE, RELU, TANH")
    weights, again = _stacked(ctx, op, WEIGHTS), _stacked(ctx, op, AGAIN)
    bias = _stacked(ctx, op, BIASES)
    none = np.zeros_like(bias)
    parameters = [weights, again, np.concatenate([bias, none], axis=1)]
    values = [ctx.graph.constant(p, f"{op.kind.lower()}_{op.index}") for p in parameters]
    peepholes = _peepholes(ctx, op)
    layer = Recurrent(
        "lstm",
        (False,),
        (_SIGMOID, function, function),
        cell_clip=float(options.CellClip()) or None,
    )
    h, c = ctx.value(op, H), ctx.value(op, C)
    inputs = [*values, None, *(_with_shape(ctx, op, v, (1, *v.type.shape)) for v in (h, c))]
    if peepholes is not None:
        inputs.append(ctx.graph.constant(peepholes, f"{op.kind.lower()}_{op.index}_peepholes"))
    _emit_lstm(ctx, op, layer, x, inputs, bool(options.TimeMajor()))


def _emit_lstm(
    ctx: Context, op: RawOperator, layer: Recurrent, x: Value, inputs: list[Value | None],
    time_major: bool,
) -> None:  # fmt: skip
    if not time_major:
        x = _node(ctx, op, Transpose((1, 0, 2)), [x])
    y, *last = _nodes(ctx, op, layer, [x, *inputs])
    steps, _, batch, hidden = y.type.shape
    if time_major:
        ctx.emit(op, Reshape((steps, batch, hidden)), [y])
    else:
        ctx.emit(op, Transpose((1, 0, 2)), [_with_shape(ctx, op, y, (steps, batch, hidden))])
    for position, value in zip((H, C), last, strict=True):
        state = ctx.value(op, position)
        ctx.graph.set_state_update(state, _with_shape(ctx, op, value, state.type.shape))


def _stacked(ctx: Context, op: RawOperator, positions: range) -> NDArray[np.float32]:
    """The gates' parameters as (1, 4 H, ...). A missing input gate is coupled: it is one minus the
    forget gate, and ``1 - sigmoid(z) = sigmoid(-z)``."""
    parts = [_real(ctx, op, positions[i]) for i in _ORDER if i or ctx.tensor(op, positions[0])]
    if len(parts) == len(_ORDER) - 1:
        parts.insert(0, -parts[1])
    return np.concatenate(parts)[None]


def _peepholes(ctx: Context, op: RawOperator) -> NDArray[np.float32] | None:
    """Diagonal weights of the cell as (1, 3 H: i, o, f)."""
    if ctx.tensor(op, PEEPHOLES[2]) is None:
        return None
    forget, output = _real(ctx, op, PEEPHOLES[1]), _real(ctx, op, PEEPHOLES[2])
    coupled = ctx.tensor(op, PEEPHOLES[0]) is None
    return np.concatenate([-forget if coupled else _real(ctx, op, PEEPHOLES[0]), output, forget])[
        None
    ]


def _real(ctx: Context, op: RawOperator, position: int) -> NDArray[np.float32]:
    tensor = ctx.parameter(op, position)
    if tensor.problem or tensor.type_name != "FLOAT32" or tensor.data is None:
        ctx.refuse(op, f"'{tensor.name}' is {tensor.problem or tensor.type_name}", "FLOAT32")
    return np.asarray(tensor.data, np.float32)


def svdf(ctx: Context, op: RawOperator) -> None:
    """SVDF: each filter weighs the input (features), then what it saw in the last steps (time)."""
    ctx.check_activations(op)
    options = ctx.options(op, "SVDFOptions")
    x, state = ctx.value(op, 0), ctx.value(op, 4)
    if x.type.dtype is not DType.FLOAT32:
        ctx.refuse(op, f"{x.type.dtype.value} activations are not supported", "float32")
    features, time = _real(ctx, op, 1), _real(ctx, op, 2)
    filters, memory = time.shape
    rank, batch = int(options.Rank()), x.type.shape[0]
    if rank < 1 or filters % rank or state.type.shape != (batch, filters * memory):
        ctx.refuse(op, f"rank {rank}, {filters} filters, state {list(state.type.shape)}")
    new = _node(ctx, op, Dense(), [x, ctx.graph.constant(features, "features")])
    kept = _with_shape(ctx, op, state, (batch, filters, memory))
    parts = [_with_shape(ctx, op, new, (batch, filters, 1))]
    if memory > 1:
        cut = Slice((0, 0, 1), (batch, filters, memory - 1), (1, 1, 1))
        parts.insert(0, _node(ctx, op, cut, [kept]))
    seen = _node(ctx, op, Concat(2), parts) if memory > 1 else parts[0]
    ctx.graph.set_state_update(state, _with_shape(ctx, op, seen, state.type.shape))
    product = _node(ctx, op, Mul(), [seen, ctx.graph.constant(time[None], "time")])
    grouped = _with_shape(ctx, op, product, (batch, filters // rank, rank * memory))
    total = _node(ctx, op, Reduce("sum", (2,), keepdims=False), [grouped])
    if ctx.tensor(op, 3) is not None:
        total = _node(ctx, op, Add(), [total, ctx.graph.constant(_real(ctx, op, 3), "bias")])
    clamp = ctx.clamp(op, options.FusedActivationFunction())
    if clamp is None:
        ctx.emit(op, Reshape(total.type.shape), [total])
    else:
        ctx.emit(op, Clip(clamp), [total])


def _with_shape(ctx: Context, op: RawOperator, value: Value, shape: tuple[int, ...]) -> Value:
    return value if value.type.shape == shape else _node(ctx, op, Reshape(shape), [value])


def _node(ctx: Context, op: RawOperator, ir_op: Op, inputs: list[Any]) -> Value:
    return _nodes(ctx, op, ir_op, inputs)[0]


def _nodes(ctx: Context, op: RawOperator, ir_op: Op, inputs: list[Any]) -> tuple[Value, ...]:
    """Append an inner float32 step of the operator."""
    shapes = ctx.shapes(op, ir_op, inputs)
    types = [TensorType(s, DType.FLOAT32) for s in shapes]
    name = f"{op.kind.lower()}_{op.index}"
    return ctx.graph.add_node(ir_op, inputs, types, name=name).outputs

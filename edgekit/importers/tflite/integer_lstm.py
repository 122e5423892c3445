"""UNIDIRECTIONAL_SEQUENCE_LSTM on integers.

Inputs: x; weights of input gate, forget gate, new content, output gate; the same of the last
output; three peepholes; four biases; projection and its bias; last output; cell; four layer
normalisations.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.importers.tflite.context import Context
from edgekit.importers.tflite.reader import RawOperator, RawTensor
from edgekit.ir import DType, Quant, TensorType, Value
from edgekit.ir.ops import QLstm, Requant, Rounding, Transpose
from quantize.requantize import make_requant

WEIGHTS, AGAIN, BIASES = range(1, 5), range(5, 9), range(12, 16)
H, C = 18, 19
_EXTRAS = {
    **dict.fromkeys(range(9, 12), "peepholes"),
    **dict.fromkeys((16, 17), "a projection"),
    **dict.fromkeys(range(20, 24), "layer normalisation"),
}
_GATE_SCALE = np.float32(2.0**-12)
_INT16 = DType.INT16.bounds
_OPEN = (-(2**30), 2**30)
"""TFLite clamps the first product, then the sum, but not the second product alone."""


def integer_lstm(ctx: Context, op: RawOperator) -> None:
    """A layer with int8 activations and an int16 cell becomes `QLstm`."""
    _check_form(ctx, op)
    options = ctx.options(op, "UnidirectionalSequenceLSTMOptions")
    x, h, c = ctx.value(op, 0), ctx.value(op, H), ctx.value(op, C)
    s_x, z_x = _scale(ctx, op, x.type.quant)
    s_h, z_h = _scale(ctx, op, h.type.quant)
    s_c, _ = _scale(ctx, op, c.type.quant)
    bits = round(math.log2(s_c)) + 15
    if s_c != np.float32(2.0 ** (bits - 15)) or not 0 <= bits <= 6:
        ctx.refuse(op, f"the cell's scale is {s_c:g}", "2**-15 to 2**-9")
    from_x, *parameters_x = _product(ctx, op, WEIGHTS, BIASES, s_x, z_x)
    from_h, *parameters_h = _product(ctx, op, AGAIN, None, s_h, z_h)
    unit = np.float32(2.0**-15)
    hidden = make_requant(
        [float(unit / _hidden_scale(ctx, op) * unit)], Rounding.DOUBLE, z_h, bounds=[2**30]
    )
    clip = min(int(options.CellClip() / s_c), _INT16[1])
    lstm = QLstm(from_x, from_h, hidden, bits, clip)
    inputs = [x, parameters_x[0], parameters_h[0], parameters_x[1], parameters_h[1], h, c]
    _emit(ctx, op, lstm, inputs, bool(options.TimeMajor()))


def _check_form(ctx: Context, op: RawOperator) -> None:
    for position, what in _EXTRAS.items():
        if ctx.tensor(op, position) is not None:
            ctx.refuse(op, f"{what} is not supported in an integer LSTM", "a plain LSTM")
    if any(ctx.tensor(op, i) is None for i in (*WEIGHTS, *AGAIN, *BIASES, H, C)):
        ctx.refuse(op, "parameters are missing (coupled gates?)", "four gates with biases")
    x, h, c = (ctx.tensor(op, i) for i in (0, H, C))
    kinds = [t.type_name for t in (x, h, c) if t is not None]
    if kinds != ["INT8", "INT8", "INT16"]:
        ctx.refuse(op, f"types {', '.join(kinds)}", "INT8 activations, INT16 cell")


def _scale(ctx: Context, op: RawOperator, quant: Quant | None) -> tuple[np.float32, int]:
    if quant is None or not quant.is_per_tensor:
        ctx.refuse(op, "a tensor has no scale of its own", "one scale for each")
    return np.float32(quant.scale[0]), quant.zero_point[0]


def _hidden_scale(ctx: Context, op: RawOperator) -> np.float32:
    """Scale of the output before a projection: that of the last of five intermediate tensors."""
    tensors = [ctx.model.tensors[i] for i in op.intermediates]
    if len(tensors) != 5:
        ctx.refuse(op, f"it has {len(tensors)} intermediate tensors", "5")
    return _scale(ctx, op, tensors[4].quant)[0]


def _product(
    ctx: Context,
    op: RawOperator,
    weights: range,
    biases: range | None,
    scale: np.float32,
    zero_point: int,
) -> tuple[Requant, Value, Value]:
    """Rescaling of one product to the gates' scale, its stacked weights and its bias, which holds
    the zero point of what is multiplied."""
    tensors = [_constant(ctx, op, i, "INT8") for i in weights]
    stacked = np.stack([_data(t) for t in tensors])
    bias = -zero_point * stacked.sum(axis=2, dtype=np.int64)
    if biases is not None:
        bias = bias + np.stack([_data(_constant(ctx, op, i, "INT32")) for i in biases])
    reach = np.abs(bias) + 128 * np.abs(stacked.astype(np.int64)).sum(axis=2)
    if reach.max() >= 2**31:
        ctx.refuse(op, "an accumulator can leave int32")
    scales = [float(_scale(ctx, op, t.quant)[0] * scale / _GATE_SCALE) for t in tensors]
    bounds = [int(r) for r in reach.max(axis=1)]
    try:
        clamp = _OPEN if biases is None else _INT16
        requant = make_requant(scales, Rounding.DOUBLE, 0, *clamp, bounds)
    except ValueError as error:
        ctx.refuse(op, str(error))
    matrices = ctx.graph.constant(stacked, tensors[0].name)
    return requant, matrices, ctx.graph.constant(bias.astype(np.int32), f"{tensors[0].name}_bias")


def _constant(ctx: Context, op: RawOperator, position: int, type_name: str) -> RawTensor:
    tensor = ctx.parameter(op, position)
    if tensor.problem or tensor.type_name != type_name:
        ctx.refuse(op, f"'{tensor.name}' is {tensor.problem or tensor.type_name}", type_name)
    return tensor


def _data(tensor: RawTensor) -> NDArray[Any]:
    assert tensor.data is not None
    return tensor.data


def _emit(
    ctx: Context, op: RawOperator, lstm: QLstm, inputs: list[Value], time_major: bool
) -> None:
    """Append the layer, batch first, and let its states live on."""
    target = ctx.model.tensors[op.outputs[0]]
    x, h, c = inputs[0], inputs[5], inputs[6]
    order = (1, 0, 2)
    if time_major:
        x = ctx.emit(op, Transpose(order), [x], _turned(x.type))
    shape = ctx.shapes(op, lstm, [x, *inputs[1:]])[0]
    wanted = tuple(shape[i] for i in order) if time_major else shape
    if wanted != target.shape or target.quant != h.type.quant:
        ctx.refuse(op, f"its output is {list(target.shape)}, the parameters imply {list(wanted)}")
    y_type = TensorType(shape, DType.INT8, "", target.quant)
    node = ctx.graph.add_node(
        lstm, [x, *inputs[1:]], [y_type, h.type, c.type], name=f"{op.kind.lower()}_{op.index}",
        outputs=[target.name, f"{h.name}_next", f"{c.name}_next"], origin=(target.name,),
    )  # fmt: skip
    y, h_next, c_next = node.outputs
    if time_major:
        ctx.emit(op, Transpose(order), [y])
    else:
        ctx.values[op.outputs[0]] = y
    ctx.graph.set_state_update(h, h_next)
    ctx.graph.set_state_update(c, c_next)


def _turned(type_: TensorType) -> TensorType:
    batch, steps, width = type_.shape
    return TensorType((steps, batch, width), type_.dtype, "", type_.quant)

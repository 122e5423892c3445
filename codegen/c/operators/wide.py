"""C for the integer operators on int16 activations, and for steps between integer types."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from codegen.c.operators.geometry import declare_broadcast, declare_window
from codegen.c.operators.quads import pieces_of
from codegen.c.step import StepWriter
from edgekit.ir import DType, Node
from edgekit.ir.ops import QAdd, QConv2D, QDense, QMul, QRescale, Requant, Rounding
from quantize.narrow_form import narrow_form
from quantize.requantize import bits_float
from quantize.wide_sum import WideSum, wide_sum

DEPTHWISE_TAPS = 256
"""Products of int16 and int8 that stay inside int32."""
MOST = 2**15 - 1
"""The largest output."""


def is_wide(w: StepWriter) -> bool:
    """True where the step reads or writes another integer type than int8."""
    return {w.node.input(0).type.dtype, w.node.output.type.dtype} != {DType.INT8}


def emit_conv(w: StepWriter) -> None:
    """QConv2D."""
    op = w.node.op
    assert isinstance(op, QConv2D)
    weights = w.node.input(1).array
    window = declare_window(w, weights.shape[1:3], op.window, op.groups)
    q, rule = _declare_layer(w, op.requant)
    narrow = is_narrow(w.node)
    kernel = "ek_depthwise_narrow_s16" if narrow else "ek_conv2d_s16"
    if by_channel(w.node) and not narrow:
        kernel = "ek_depthwise_s16"
        weights = np.ascontiguousarray(weights[..., 0].transpose(1, 2, 0))
    bias = w.node.input(2).array.astype(np.int32 if narrow else np.int64)
    constants = w.weights(weights, "weights"), w.table(bias, "bias")
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call(kernel, window, q, x, *constants, y, rule=None if narrow else rule)


def by_channel(node: Node) -> bool:
    """True for depthwise layers of int16 that have kernels of their own."""
    op = node.op
    assert isinstance(op, QConv2D)
    filters, height, width, depth = node.input(1).type.shape
    return depth == 1 and op.groups == filters and height * width <= DEPTHWISE_TAPS


def is_narrow(node: Node) -> bool:
    """True for those of them whose sums and scales have 32 bits."""
    op = node.op
    assert isinstance(op, QConv2D)
    if not by_channel(node) or op.requant.high != MOST or op.requant.zero_point:
        return False
    return not isinstance(narrow_form(op.requant, node.input(1).array, node.input(2).array), str)


def starts_of(node: Node) -> tuple[int, ...]:
    """Where the pixels of a row start that ``ek_depthwise_narrow_s16`` computes together."""
    op = node.op
    assert isinstance(op, QConv2D)
    size, kernel, window = node.input(0).type.shape[1:3], node.input(1).type.shape[1:3], op.window
    first = [d - p for d, p in zip(window.dilations, window.padding[:2], strict=True)]
    steps = zip(first, node.output.type.shape[1:3], window.strides, strict=True)
    last = [middle + (count - 1) * stride for middle, count, stride in steps]
    inside = min(first) >= 0 and all(n < s for n, s in zip(last, size, strict=True))
    if inside and kernel == (3, 3) and window.strides[1] <= 2 and window.dilations[1] == 1:
        return (0,)
    return pieces_of(size[1], node.output.type.shape[2], kernel[1], window).starts


def emit_dense(w: StepWriter) -> None:
    """QDense."""
    op = w.node.op
    assert isinstance(op, QDense)
    weights = w.node.input(1).array
    q, rule = _declare_layer(w, op.requant)
    rows, depth = w.node.input(0).type.shape
    w.call(
        "ek_dense_s16", rows, depth, len(weights), q, w.read(w.node.input(0)),
        w.weights(weights, "weights"), _bias(w), w.write(w.node.output), rule=rule,
    )  # fmt: skip


def emit_add(w: StepWriter) -> None:
    """QAdd."""
    op = w.node.op
    assert isinstance(op, QAdd)
    form = wide_sum(w.node)
    if isinstance(form, WideSum):
        w.call("ek_sum_s16", *declare_sum(w, form))
        return
    a, b = w.node.input(0), w.node.input(1)
    geometry = declare_broadcast(w)
    first = w.declare("ek_operand", "first", **asdict(op.first))
    second = w.declare("ek_operand", "second", **asdict(op.second))
    q, rule = declare_requant(w, op.requant)
    w.call(
        "ek_add_s16", geometry, first, second, op.left_shift, q, w.read(a), w.read(b),
        w.write(w.node.output), rule=rule,
    )  # fmt: skip


def declare_sum(w: StepWriter, form: WideSum) -> tuple[str, str, str, str]:
    """The arguments of ``ek_sum_s16``."""
    args = w.declare(
        "ek_wide_sum", "sum", count=w.node.output.type.size, factor=form.factor,
        multiplier=form.multiplier, half=form.half, scale=form.scale, out_half=form.out_half,
        shift=form.shift, out_shift=form.out_shift, once=int(form.once), low=form.low,
    )  # fmt: skip
    x, z = map(w.node.input, (1, 0) if form.swapped else (0, 1))
    return args, w.read(x), w.read(z), w.write(w.node.output)


def refuse_product(node: Node) -> str:
    """Why ``ek_product_s16`` cannot compute a product; empty where it can."""
    op = node.op
    assert isinstance(op, QMul)
    values, q = (node.input(0), node.input(1), node.output), op.requant
    if {v.type.dtype for v in values} != {DType.INT16}:
        return "types of their own"
    if any(v.type.shape != node.output.type.shape for v in values):
        return "an operand is repeated"
    normalised = q.multiplier[0] >= 2**30  # what the block's high word of less than a unit is for
    if q.rule is not Rounding.DOUBLE or not normalised or not -30 <= q.shift[0] <= -1:
        return "a scale that is not TFLite's, or of a half and more"
    clamped = q.high != MOST or any((q.zero_point, op.a_zero, op.b_zero))
    return "a zero point or a clamp of its own" if clamped else ""


def declare_product(w: StepWriter) -> tuple[str, str, str, str]:
    """The arguments of ``ek_product_s16``."""
    op = w.node.op
    assert isinstance(op, QMul)
    shift = -op.requant.shift[0]
    args = w.declare(
        "ek_wide_product", "product", count=w.node.output.type.size,
        multiplier=op.requant.multiplier[0], half=1 << shift >> 1, shift=shift, low=op.requant.low,
    )  # fmt: skip
    return args, w.read(w.node.input(0)), w.read(w.node.input(1)), w.write(w.node.output)


def emit_rescale(w: StepWriter) -> None:
    """QRescale between any integer types of up to 16 bits."""
    op = w.node.op
    assert isinstance(op, QRescale)
    x, y = w.node.input(0), w.node.output
    q, rule = declare_requant(w, op.requant)
    w.kernels.extend(("ek_map.h", "ek_requant_s16.h"))
    text = f"ek_requantize_s16(x - {op.x_zero}, {q}, 0, EK_{rule.upper()})"
    types = (x.type.dtype.c_name, y.type.dtype.c_name)
    w.macro("EK_MAP", *types, y.type.size, w.read(x), w.write(y), text)


def _bias(w: StepWriter) -> str:
    return w.table(w.node.input(2).array.astype(np.int64), "bias")


def _declare_layer(w: StepWriter, requant: Requant) -> tuple[str, str]:
    """`declare_requant` of a layer with weights, by one high word where 32 bits are enough."""
    found = narrow_form(requant, w.node.input(1).array, w.node.input(2).array)
    if isinstance(found, str):
        return declare_requant(w, requant)
    pointer = w.declare(
        "ek_requant", "requant",
        multiplier=w.table(found[: len(requant.multiplier)].astype(np.int32), "multiplier"),
        shift="NULL", scale="NULL", step=0 if len(requant.multiplier) == 1 else 1,
        zero_point=requant.zero_point, low=requant.low, high=requant.high,
    )  # fmt: skip
    return pointer, "narrow"


def declare_requant(w: StepWriter, requant: Requant, variable: str = "requant") -> tuple[str, str]:
    """Declare the step's ``ek_requant``; returns a pointer to it and the rule's name in C."""
    fields = {"multiplier": "NULL", "shift": "NULL", "scale": "NULL"}
    if requant.rule is Rounding.FLOAT:
        data = np.array([bits_float(m) for m in requant.multiplier])
        fields["scale"] = w.table(data, "scale")
    else:
        fields["multiplier"] = w.table(np.array(requant.multiplier, np.int32), "multiplier")
        fields["shift"] = w.table(np.array(requant.shift, np.int8), "shift")
    pointer = w.declare(
        "ek_requant", variable, **fields, step=0 if len(requant.multiplier) == 1 else 1,
        zero_point=requant.zero_point, low=requant.low, high=requant.high,
    )  # fmt: skip
    return pointer, requant.rule.value

"""Conv and ConvTranspose over one to three spatial axes, and the geometry of windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir import Value
from edgekit.ir.op import Op, Shape
from edgekit.ir.ops import Conv2D, ConvNd, ConvTranspose, Reshape, Span, Transpose, Window

NCHW = "NCHW"
MAX_PADDING = 1024
"""More on one side is a mistake: it would only enlarge the output by constants."""


def numbers(call: Call, name: str, axes: int) -> tuple[int, ...]:
    """An attribute with one positive number for each spatial axis; ones where it is absent."""
    values = call.attr_ints(name)
    if values is None:
        return (1,) * axes
    if len(values) != axes or min(values) < 1:
        raise Refusal(f"{name} {values}", f"{axes} positive numbers")
    return values


def pads_of(call: Call, axes: int) -> tuple[Shape, Shape]:
    """``pads`` as what is added before and after each axis."""
    pads = call.attr_ints("pads") or (0,) * (2 * axes)
    if len(pads) != 2 * axes or not 0 <= min(pads) <= max(pads) <= MAX_PADDING:
        raise Refusal(f"pads {pads}", f"{2 * axes} numbers from 0 to {MAX_PADDING}")
    return pads[:axes], pads[axes:]


def auto_pad_of(call: Call) -> str:
    """``auto_pad``: NOTSET, VALID, SAME_UPPER or SAME_LOWER."""
    auto = call.attr_str("auto_pad", "NOTSET") or "NOTSET"
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise Refusal(f"auto_pad {auto}", "NOTSET, SAME_UPPER, SAME_LOWER, VALID")
    return auto


def geometry(call: Call, size: Shape, kernel: Shape) -> Span:
    """Strides, dilations and explicit padding from ``auto_pad`` and ``pads``."""
    axes = len(size)
    strides, dilations = numbers(call, "strides", axes), numbers(call, "dilations", axes)
    (before, after), auto = pads_of(call, axes), auto_pad_of(call)
    if auto == "NOTSET":
        return Span(strides, before, after, dilations)
    none = (0,) * axes
    if auto == "VALID":
        return Span(strides, none, none, dilations)
    totals = [
        max(0, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n)
        for n, k, s, d in zip(size, kernel, strides, dilations, strict=True)
    ]
    small = tuple(t // 2 for t in totals)
    large = tuple(t - t // 2 for t in totals)
    before, after = (small, large) if auto == "SAME_UPPER" else (large, small)
    return Span(strides, before, after, dilations)


def flat(span: Span) -> Window:
    """The 2-D window of a geometry of one or two axes; one axis becomes the columns of a row."""
    lead = 2 - len(span.strides)
    strides, dilations = ((*(1,) * lead, *v) for v in (span.strides, span.dilations))
    before, after = ((*(0,) * lead, *v) for v in (span.before, span.after))
    return Window(
        (strides[0], strides[1]),
        (before[0], before[1], after[0], after[1]),
        (dilations[0], dilations[1]),
    )


def as_image(call: Call, value: Value) -> Value:
    """A tensor (n, c, length) as the image (n, c, 1, length); images stay as they are."""
    shape = value.type.shape
    if len(shape) != 3:
        return value
    return call.add(Reshape((*shape[:2], 1, shape[2])), [value], f"{value.name}_image")


def emit_image(call: Call, op: Op, inputs: Sequence[Value | None], axes: int) -> None:
    """Emit a 2-D operator whose result has one or two spatial axes in the model."""
    if axes == 2:
        call.emit(op, inputs)
        return
    image = call.add(op, inputs, f"{call.output_names[0]}_image")
    n, c, _, length = image.type.shape
    call.emit(Reshape((n, c, length)), [image])


def layer_shapes(call: Call) -> tuple[Shape, Shape, Shape]:
    """Shapes of input and weights, and the kernel; ``kernel_shape`` must agree."""
    shape = call.rank(0, 3, 4, 5)
    weights = call.rank(1, len(shape))
    kernel = weights[2:]
    declared = call.attr_ints("kernel_shape")
    if declared is not None and declared != kernel:
        raise Refusal(f"kernel_shape {declared} but weights have {kernel}")
    return shape, weights, kernel


def conv(call: Call) -> None:
    """``Conv`` over one, two or three spatial axes."""
    shape, _, kernel = layer_shapes(call)
    span, groups = geometry(call, shape[2:], kernel), call.attr_int("group", 1)
    if len(shape) == 5:
        op = ConvNd(groups=groups, span=span)
        call.emit(op, [call.value(0), call.value(1), call.optional(2)])
        return
    inputs = [as_image(call, call.value(0)), as_image(call, call.value(1)), call.optional(2)]
    emit_image(call, Conv2D(flat(span), groups, NCHW), inputs, len(kernel))


def conv_transpose(call: Call) -> None:
    """``ConvTranspose`` over one, two or three spatial axes."""
    shape, weights, kernel = layer_shapes(call)
    groups = call.attr_int("group", 1)
    if groups < 1 or weights[0] % groups or weights[0] != shape[1]:
        raise Refusal(f"weights {weights} with {groups} groups for input {shape}")
    op = replace(_transposed(call, shape[2:], kernel), groups=groups)
    value, stem = call.value(1), call.output_names[0]
    # (in, out / groups, kernel...) becomes (out, in / groups, kernel...), as in a convolution.
    split = (groups, weights[0] // groups, *weights[1:])
    order = (0, 2, 1, *range(3, len(split)))
    if groups > 1:
        value = call.add(Reshape(split), [value], f"{stem}_groups")
        value = call.add(Transpose(order), [value], f"{stem}_turned")
        value = call.add(
            Reshape((groups * weights[1], split[1], *kernel)), [value], f"{stem}_weights"
        )
    else:
        value = call.add(Transpose((1, 0, *range(2, len(weights)))), [value], f"{stem}_weights")
    call.emit(op, [call.value(0), value, call.optional(2)])


def _transposed(call: Call, size: Shape, kernel: Shape) -> ConvTranspose:
    """Geometry of a transposed convolution, by the formulas of ONNX's description."""
    axes = len(size)
    strides, dilations = numbers(call, "strides", axes), numbers(call, "dilations", axes)
    extra = call.attr_ints("output_padding") or (0,) * axes
    if len(extra) != axes or not 0 <= min(extra) <= max(extra) <= MAX_PADDING:
        raise Refusal(f"output_padding {extra}", f"{axes} numbers from 0 to {MAX_PADDING}")
    (before, after), auto = pads_of(call, axes), auto_pad_of(call)
    whole = [
        s * (n - 1) + e + (k - 1) * d + 1
        for n, k, s, d, e in zip(size, kernel, strides, dilations, extra, strict=True)
    ]
    wanted = call.attr_ints("output_shape")
    if wanted is None and auto.startswith("SAME"):
        wanted = tuple(n * s for n, s in zip(size, strides, strict=True))
    if wanted is not None:
        if len(wanted) < axes:
            raise Refusal(f"output_shape {wanted}", f"{axes} numbers")
        wanted = wanted[-axes:]
        totals = [max(0, full - n) for full, n in zip(whole, wanted, strict=True)]
        before = tuple(t // 2 if auto == "SAME_UPPER" else t - t // 2 for t in totals)
    elif auto == "VALID":
        before, wanted = (0,) * axes, tuple(whole)
    else:
        wanted = tuple(n - b - a for n, b, a in zip(whole, before, after, strict=True))
    return ConvTranspose(strides=strides, dilations=dilations, before=before, size=wanted)

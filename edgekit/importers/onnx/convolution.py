"""Conv, pooling and their geometry."""

from __future__ import annotations

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir.ops import AvgPool2D, Conv2D, MaxPool2D, Mean, Pad, Window

NCHW = "NCHW"
MAX_PADDING = 1024
"""More on one side is a mistake: it would only enlarge the output by constants."""


def _pair(values: tuple[int, ...] | None, what: str) -> tuple[int, int]:
    if values is None:
        return (1, 1)
    if len(values) != 2 or min(values) < 1:
        raise Refusal(f"{what} {values}", "two positive numbers")
    return values[0], values[1]


def _geometry(call: Call, size: tuple[int, int], kernel: tuple[int, int]) -> Window:
    """Strides, dilations and explicit padding from ``auto_pad`` and ``pads``."""
    strides = _pair(call.attr_ints("strides"), "strides")
    dilations = _pair(call.attr_ints("dilations"), "dilations")
    pads = call.attr_ints("pads") or (0, 0, 0, 0)
    auto = call.attr_str("auto_pad", "NOTSET") or "NOTSET"
    if len(pads) != 4 or not 0 <= min(pads) <= max(pads) <= MAX_PADDING:
        raise Refusal(f"pads {pads}", f"four numbers from 0 to {MAX_PADDING}")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        before, after = [], []
        for n, k, s, d in zip(size, kernel, strides, dilations, strict=True):
            total = max(0, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n)
            small, large = total // 2, total - total // 2
            before.append(small if auto == "SAME_UPPER" else large)
            after.append(large if auto == "SAME_UPPER" else small)
        return Window(strides, (before[0], before[1], after[0], after[1]), dilations)
    if auto == "VALID":
        return Window(strides, (0, 0, 0, 0), dilations)
    if auto != "NOTSET":
        raise Refusal(f"auto_pad {auto}", "NOTSET, SAME_UPPER, SAME_LOWER, VALID")
    return Window(strides, (pads[0], pads[1], pads[2], pads[3]), dilations)


def conv(call: Call) -> None:
    """``Conv`` with 4-D input and weights."""
    shape, weights = call.rank(0, 4), call.rank(1, 4)
    kernel = (weights[2], weights[3])
    declared = call.attr_ints("kernel_shape")
    if declared is not None and declared != kernel:
        raise Refusal(f"kernel_shape {declared} but weights have {kernel}")
    window = _geometry(call, (shape[2], shape[3]), kernel)
    op = Conv2D(window, call.attr_int("group", 1), NCHW)
    call.emit(op, [call.value(0), call.value(1), call.optional(2)])


def _pool_window(call: Call) -> tuple[tuple[int, int], Window, tuple[int, int]]:
    """Kernel, window, and rows and columns that ``ceil_mode`` adds at the end."""
    shape = call.rank(0, 4)
    size = (shape[2], shape[3])
    kernel = _pair(call.attr_ints("kernel_shape"), "kernel_shape")
    window = _geometry(call, size, kernel)
    if not call.attr_int("ceil_mode", 0):
        return kernel, window, (0, 0)
    top, left, bottom, right = window.padding
    extra = []
    for n, k, s, d, first, pad in zip(
        size, kernel, window.strides, window.dilations,
        (top, left), (top + bottom, left + right), strict=True,
    ):  # fmt: skip
        free = n + pad - (k - 1) * d - 1
        count = -(-free // s) + 1
        if (count - 1) * s >= n + first:
            count -= 1  # a window must not start in the padding at the end
        extra.append(max(0, (count - 1) * s - free))
    return kernel, window, (extra[0], extra[1])


def _extend(window: Window, extra: tuple[int, int]) -> Window:
    top, left, bottom, right = window.padding
    padding = (top, left, bottom + extra[0], right + extra[1])
    return Window(window.strides, padding, window.dilations)


def max_pool(call: Call) -> None:
    """``MaxPool`` with 4-D input; the second output (indices) is not imported."""
    kernel, window, extra = _pool_window(call)
    call.ignore("storage_order")  # orders the indices only
    call.emit(MaxPool2D(kernel, _extend(window, extra), NCHW), [call.value(0)])


def average_pool(call: Call) -> None:
    """``AveragePool``; counted padding becomes a Pad of its own, so that pools never count it."""
    kernel, window, extra = _pool_window(call)
    x = call.value(0)
    if call.attr_int("count_include_pad", 0) and any(window.padding):
        top, left, bottom, right = window.padding
        pad = Pad((0, 0, top, left), (0, 0, bottom, right))
        x = call.add(pad, [x], f"{call.output_names[0]}_pad")
        window = Window(window.strides, (0, 0, 0, 0), window.dilations)
    call.emit(AvgPool2D(kernel, _extend(window, extra), NCHW), [x])


def global_average_pool(call: Call) -> None:
    """``GlobalAveragePool``: the mean over all axes after the channels."""
    shape = call.rank(0, 3, 4, 5)
    call.emit(Mean(tuple(range(2, len(shape))), True), [call.value(0)])

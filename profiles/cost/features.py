"""What the instruction count of each kernel is linear in: the loops of its source, counted.

Every kernel has a key (the sizes it is called with) and features of that key. ``unroll`` is the
number of elements that the compiled innermost loop takes at a time: ``steps`` counts its full
turns, ``rest`` the elements left over.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from profiles.cost.windows import WindowKey

Features = dict[str, float]


def _loop(name: str, times: float, length: int, unroll: int) -> Features:
    found = {f"{name}_steps": times * (length // unroll)}
    if unroll > 1:
        found[f"{name}_rest"] = times * (length % unroll)
    return found


def _conv2d_s8(key: tuple[int, ...], unroll: int) -> Features:
    w = WindowKey(*key)
    depth = w.in_c // w.groups
    length = w.taps * depth
    pairs = w.groups * -(-w.pixels // 2)
    blocks = pairs * -(-(w.out_c // w.groups) // 2)
    copied = w.groups if length > depth or w.interior < w.pixels else 0
    whole = w.whole_rows if w.groups == 1 else 0
    taps = w.pixels * w.taps - whole * w.kernel_w
    return {
        "call": 1,
        "pixel_pairs": pairs,
        "blocks": blocks,
        **_loop("block", blocks, length, unroll),
        "copied_windows": copied * w.pixels,
        "copied_rows": copied * whole,
        "copied_taps": copied * taps,
        "copied_bytes": copied * w.inside * depth,
        "filled_taps": copied * (w.pixels * w.taps - w.inside),
        "filled_bytes": copied * (w.pixels * w.taps - w.inside) * depth,
    }


def _depthwise_s8(key: tuple[int, ...], unroll: int) -> Features:
    w = WindowKey(*key)
    written_out = w.kernel_h == w.kernel_w == 3 and w.in_c == w.out_c
    outputs = 0 if written_out else w.pixels * w.out_c
    border = w.pixels - w.interior
    # Only windows at the border are copied: what interior ones have is taken off.
    whole = w.whole_rows - (w.interior * w.kernel_h if w.dilation_w == 1 else 0)
    inside = w.inside - w.interior * w.taps
    return {
        "call": 1,
        "pixels": w.pixels,
        "outputs_3x3": w.pixels * w.out_c if written_out else 0,
        "outputs": outputs,
        "rows": outputs * w.kernel_h,
        **_loop("row", outputs * w.kernel_h, w.kernel_w, unroll),
        "copied_windows": border,
        "copied_rows": whole,
        "copied_taps": border * w.taps - whole * w.kernel_w,
        "copied_bytes": inside * w.in_c,
        "filled_bytes": (border * w.taps - inside) * w.in_c,
    }


def _conv2d_f32(key: tuple[int, ...], unroll: int) -> Features:
    w, fours, columns = WindowKey(*key).by_fours()
    depth, filters = w.in_c // w.groups, w.out_c // w.groups
    quads, rest = w.groups * (filters // 4), w.groups * (filters % 4)
    rows = w.inside_rows
    singles = w.out_w - 4 * fours
    joined = w.dilation_w == w.groups == 1
    runs = fours if joined else fours * w.kernel_w
    return {
        "call": 1,
        "pieces": w.out_h * (fours + singles) * w.groups,
        "outputs": w.pixels * w.out_c,
        "fours": w.out_h * fours * quads,
        "four_rows": rows * fours * quads,
        "four_runs": rows * runs * quads,
        **_loop("four", rows * fours * w.kernel_w * quads, depth, unroll),
        "single_rows": rows * singles * quads,
        "single_runs": rows * (singles if joined else columns) * quads,
        **_loop("single", rows * columns * quads, depth, unroll),
        "rest_rows": rows * w.out_w * rest,
        "rest_runs": rows * (w.out_w if joined else columns + 4 * fours * w.kernel_w) * rest,
        **_loop("rest", w.inside * rest, depth, unroll),
    }


def _depthwise_f32(key: tuple[int, ...], unroll: int) -> Features:
    w, fours, columns = WindowKey(*key).by_fours()
    quads, rest = w.in_c // 4, w.in_c % 4
    lines = 0
    if w.slides_by_columns:  # whole rows of outputs, channel by channel
        lines, quads = 4 * quads, 0
    rows = w.inside_rows
    singles = w.out_w - 4 * fours
    return {
        "call": 1,
        "pieces": w.out_h * (fours + singles),
        "outputs": w.pixels * w.out_c,
        "lines": w.out_h * lines,
        "columns": w.out_h * w.out_w * lines,
        "row_columns": rows * w.out_w * lines,
        "four_rows": rows * fours * quads,
        "four_taps": rows * fours * w.kernel_w * quads,
        "single_rows": rows * singles * quads,
        "single_taps": rows * columns * quads,
        "rest_rows": rows * w.out_w * rest,
        "rest_taps": w.inside * rest,
    }


def _dense_s8(key: tuple[int, ...], unroll: int) -> Features:
    rows, depth, outputs = key
    blocks, single = rows * (outputs // 4), rows * (outputs % 4)
    return {
        "call": 1,
        "rows": rows,
        "blocks": blocks,
        **_loop("block", blocks, depth, unroll),
        "singles": single,
        **_loop("single", single, depth, unroll),
    }


def _dense_f32(key: tuple[int, ...], unroll: int) -> Features:
    rows, depth, outputs = key
    eights, four, rest = rows * (outputs // 8), rows * (outputs % 8 // 4), rows * (outputs % 4)
    return {
        "call": 1,
        "rows": rows,
        "outputs": rows * outputs,
        **_loop("eight", eights, depth, unroll),
        **_loop("four", four, depth, unroll),
        "singles": rest,
        **_loop("single", rest, depth, unroll),
    }


def _pool(key: tuple[int, ...], unroll: int) -> Features:
    w = WindowKey(*key)
    outputs = w.pixels * w.in_c
    return {
        "call": 1,
        "pixels": w.pixels,
        "outputs": outputs,
        "rows": outputs * w.kernel_h,
        "taps": outputs * w.taps,
        "inside_taps": w.inside * w.in_c,
    }


def _walked_pool(key: tuple[int, ...], unroll: int, written_out: int = 0) -> Features:
    """``unroll``: channels that share one walk over a window; where those are sixteen, four of the
    rest do too. What a walk takes for a word of four channels comes on top. ``written_out``: so
    many windows take no walk, but instructions for each output."""
    w = WindowKey(*key)
    walks, rest = (w.in_c // unroll, w.in_c % unroll) if unroll > 1 else (0, w.in_c)
    words = walks * unroll // 4
    if unroll == 16:
        walks, words, rest = walks + rest // 4, words + rest // 4, rest % 4
    windows = w.pixels - written_out
    rows = w.inside_rows * w.out_w - written_out * w.kernel_h
    taps = w.inside - written_out * w.taps
    return {
        "call": 1,
        "pixels": w.pixels,
        "written_out": written_out * w.in_c,
        "walks": windows * walks,
        "walk_rows": rows * walks,
        "walk_taps": taps * walks,
        "words": windows * words,
        "word_taps": taps * words,
        "outputs": windows * rest,
        "rows": rows * rest,
        "taps": taps * rest,
    }


def _max_pool(key: tuple[int, ...], unroll: int) -> Features:
    """Windows of 2x2 are written out where bytes cannot be compared together."""
    w = WindowKey(*key)
    written_out = w.interior if w.kernel_h == w.kernel_w == 2 and unroll < 16 else 0
    return _walked_pool(key, unroll, written_out)


def _binary(key: tuple[int, ...], unroll: int) -> Features:
    outer, inner = key
    return {"call": 1, "rows": outer, **_loop("row", outer, inner, unroll)}


def _mean(key: tuple[int, ...], unroll: int) -> Features:
    outer, count, inner = key
    return {
        "call": 1,
        "rows": outer,
        "outputs": outer * inner,
        **_loop("output", outer * inner, count, unroll),
    }


def _elements(key: tuple[int, ...], unroll: int) -> Features:
    return {"call": 1, **_loop("element", 1, key[0], unroll)}


def _softmax(key: tuple[int, ...], unroll: int) -> Features:
    rows, depth = key
    return {"call": 1, "rows": rows, **_loop("row", rows, depth, unroll)}


def _concat(key: tuple[int, ...], unroll: int) -> Features:
    outer, pieces = key[0], key[1:]
    turns = sum(n // unroll for n in pieces)
    found: Features = {"calls": len(pieces), "pieces": outer * len(pieces), "steps": outer * turns}
    if unroll > 1:
        found["rest"] = outer * sum(n % unroll for n in pieces)
    return found


def _pad(key: tuple[int, ...], unroll: int) -> Features:
    elements, rows, row_bytes, item = key
    return {
        "call": 1,
        "elements": elements,
        "element_bytes": elements * item,
        "rows": rows,
        **_loop("row", rows, row_bytes, unroll),
    }


def _transpose(key: tuple[int, ...], unroll: int) -> Features:
    item, shape = key[0], key[1:]
    elements = math.prod(shape)
    carries = sum(math.prod(shape[:i]) for i in range(1, len(shape)))
    return {
        "call": 1,
        "elements": elements,
        "element_bytes": elements * item,
        "carries": carries,
    }


FEATURES: dict[str, Callable[[tuple[int, ...], int], Features]] = {
    "add_s8": _binary,
    "affine_add_s8": _elements,
    "avg_pool_f32": _pool,
    "avg_pool_s8": _walked_pool,
    "binary_f32": _binary,
    "clip_f32": _elements,
    "clip_s8": _elements,
    "concat": _concat,
    "conv2d_f32": _conv2d_f32,
    "conv2d_s8": _conv2d_s8,
    "dense_f32": _dense_f32,
    "dense_s8": _dense_s8,
    "depthwise_f32": _depthwise_f32,
    "depthwise_s8": _depthwise_s8,
    "dequantize_s8": _elements,
    "max_pool_f32": _walked_pool,
    "max_pool_s8": _max_pool,
    "mean_f32": _mean,
    "mean_s8": _mean,
    "pad": _pad,
    "powers_softmax_s8": _softmax,
    "quantize_f32": _elements,
    "rescale_s8": _elements,
    "softmax_f32": _softmax,
    "softmax_s8": _softmax,
    "move": _transpose,
}
"""Kernel -> features of a key; for every kernel of `codegen.c.kernels`."""

"""RotaryEmbedding (Su et al. 2021), by products with the caches of cosines and sines."""

from __future__ import annotations

from edgekit.importers.onnx.axes import reshaped, take
from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir import Value
from edgekit.ir.ops import Add, Concat, Gather, Mul, Slice, Sub


def rotary_embedding(call: Call) -> None:
    """``RotaryEmbedding`` of heads, whole or in part, in halves or interleaved."""
    x, out = call.value(0), call.output_names[0]
    shape = x.type.shape
    heads = call.attr_int("num_heads", 0)
    if len(shape) == 3:
        if heads < 1 or shape[2] % heads:
            raise Refusal(f"num_heads {heads} for input of shape {shape}", "a divisor of its width")
        x = reshaped(call, x, (*shape[:2], heads, shape[2] // heads), f"{out}_heads")
    elif len(shape) != 4:
        raise Refusal(f"input of shape {shape}", "rank 3 or 4")
    width = x.type.shape[3]
    turned = call.attr_int("rotary_embedding_dim", 0) or width
    if turned > width or turned % 2:
        raise Refusal(f"rotary_embedding_dim {turned}", f"an even number up to {width}")
    cos, sin = (_cache(call, i, turned // 2, len(shape) == 3) for i in (1, 2))
    part = x if turned == width else take(call, x, 3, 0, turned, f"{out}_turned")
    interleaved = bool(call.attr_int("interleaved", 0))
    y = _rotate(call, part, cos, sin, interleaved)
    if turned < width:
        rest = take(call, x, 3, turned, width - turned, f"{out}_rest")
        y = call.add(Concat(3), [y, rest], f"{out}_joined")
    call.result(reshaped(call, y, shape, out))


def _cache(call: Call, index: int, half: int, heads_last: bool) -> Value:
    """Cosines or sines as (batch, 1, steps, half), or (batch, steps, 1, half)."""
    cache = call.value(index)
    if call.has(3):
        cache = call.add(Gather(0), [cache, call.value(3)], f"{cache.name}_at")
    shape = cache.type.shape
    if len(shape) != 3 or shape[2] != half:
        raise Refusal(f"cache '{cache.name}' of shape {shape}", f"(batch, steps, {half})")
    wide = (*shape[:2], 1, half) if heads_last else (shape[0], 1, *shape[1:])
    return reshaped(call, cache, wide, f"{cache.name}_wide")


def _rotate(call: Call, x: Value, cos: Value, sin: Value, interleaved: bool) -> Value:
    shape, out = x.type.shape, call.output_names[0]
    half = shape[3] // 2
    starts, step = ((0, 1), 2) if interleaved else ((0, half), 1)
    a, b = (
        call.add(Slice((0, 0, 0, s), (*shape[:3], half), (1, 1, 1, step)), [x], f"{out}_part")
        for s in starts
    )
    products = [call.add(Mul(), pair, f"{out}_term") for pair in
                ((a, cos), (b, sin), (a, sin), (b, cos))]  # fmt: skip
    real = call.add(Sub(), products[:2], f"{out}_real")
    imaginary = call.add(Add(), products[2:], f"{out}_imaginary")
    if not interleaved:
        return call.add(Concat(3), [real, imaginary], f"{out}_pair")
    pair = [reshaped(call, v, (*shape[:3], half, 1), f"{v.name}_column") for v in (real, imaginary)]
    return reshaped(call, call.add(Concat(4), pair, f"{out}_pair"), shape, f"{out}_whole")

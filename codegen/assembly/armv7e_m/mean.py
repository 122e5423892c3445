"""Means over all pixels on Armv7E-M: global average pooling and means over both spatial axes.

Sums of up to 255 bytes fit into halfwords, so SXTAB16 adds two channels at once. The mean of a sum,
whatever its rounding rule, is one affine function of it: all sums that can occur are tried.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.block import Block, noted
from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.refusal import OtherKind
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node
from edgekit.ir.ops import QAvgPool2D, QMean
from quantize.reference.integer import qavg_pool, qmean
from quantize.requantize import channel_scales
from quantize.thresholds import Steps, affine_offsets

GROUP = 8
"""Channels that are summed together; the last eight may repeat some of those before."""
MOST_PIXELS = 255
SHIFT = 12
"""Of an output, after the high multiplication of 2**16 times its sum."""
_AT_ONCE = 4096
"""Sums whose means are computed together while a form is proven."""


@dataclass(frozen=True)
class Mean:
    """``(multiplier * sum * 2**16 >> 32) + start >> SHIFT``.

    Where ties are rounded away from zero, a multiplier a little above the real scale does it.
    """

    multiplier: int
    start: int


@cached
def mean_of(node: Node) -> Mean | None:
    """The form of a mean, equal for every sum; None where none near the real scale is."""
    op, pixels = node.op, _pixels(node)
    assert isinstance(op, QAvgPool2D | QMean)
    sums = np.arange(-128 * pixels, 127 * pixels + 1, dtype=np.int64)
    steps = Steps(sums[:, None], _means(node, sums)[:, None], -128, 127)
    scale = 1 / pixels if isinstance(op, QAvgPool2D) else float(channel_scales(op.requant, 1)[0])
    near = round(math.ldexp(scale, 16 + SHIFT))
    multipliers = near + np.array([0, 1, -1, 2, -2, 4, -4, 8, -8, 16, -16], np.int64)
    for multiplier in multipliers[(multipliers > 0) & (multipliers < 2**31)]:
        low, high = affine_offsets(steps, np.array([multiplier << 16]), 32 + SHIFT)
        start = -(-int(low[0]) >> 32)
        if start <= int(high[0]) >> 32 and abs(start) < 2**30:
            return Mean(int(multiplier), start)
    return None


def _means(node: Node, sums: NDArray[np.int64]) -> NDArray[np.int64]:
    """What the definition makes of each sum."""
    op, pixels = node.op, _pixels(node)
    height, width = node.input(0).type.shape[1:3]
    found = []
    for start in range(0, len(sums), _AT_ONCE):
        some = sums[start : start + _AT_ONCE]
        base, more = np.divmod(some, pixels)
        x = (base + (np.arange(pixels)[:, None] < more)).astype(np.int8)
        x = x.reshape(1, height, width, len(some))
        y = qavg_pool(op, node, x) if isinstance(op, QAvgPool2D) else _mean(op, node, x)
        found.append(y.ravel())
    return np.concatenate(found).astype(np.int64)


def _mean(op: object, node: Node, x: NDArray[np.int8]) -> NDArray[np.int8]:
    assert isinstance(op, QMean)
    return np.asarray(qmean(op, node, x), np.int8)


def _pixels(node: Node) -> int:
    shape = node.input(0).type.shape
    return math.prod(shape[1:-1])


def mean_block() -> Block:
    """``(const ek_mean_affine *, x, y)``: eight channels at a time."""
    b = Block("mean_affine")
    b.name(channel="r0", x="r1", y="r2", pixels="r3", channels="r4", multiplier="r5", start="r6")
    b.name(at="r7", count="r12", value="lr")
    sums = ("r8", "r9", "r10", "r11")
    group, done = b.labels("group done")
    b.op("push {{r4-r11, lr}}")
    b.op("ldm r0, {{{pixels}, {channels}, {multiplier}, {start}}}")
    b.op("mov {channel}, #0")
    b.place(group)
    b.op("add {at}, {x}, {channel}")
    b.op("mov {count}, {pixels}")
    for register in sums:
        b.op(f"mov {register}, #0")
    with b.loop("subs {count}, {count}, #1", "bne {head}"):
        for word in (0, 1):
            b.op(f"ldr {{value}}, [{{at}}, #{4 * word}]")
            for part in (0, 1):
                register = sums[2 * word + part]
                turned = ", ror #8" if part else ""
                b.op(f"sxtab16 {register}, {register}, {{value}}{turned}")
        b.op("add {at}, {at}, {channels}")
    _finish(b, sums)
    b.op("sub {count}, {channels}, #8")
    b.op("cmp {channel}, {count}")
    b.op("beq {label}", label=done)
    b.op("add {channel}, {channel}, #8")
    b.op("cmp {channel}, {count}")
    b.op("it gt")
    b.op("movgt {channel}, {count}")
    b.op("b {label}", label=group)
    b.place(done)
    b.op("pop {{r4-r11, pc}}")
    return b


@noted
def _finish(b: Block, sums: tuple[str, ...]) -> None:
    """Sums in both halves of four registers become eight outputs."""
    b.op("add {at}, {y}, {channel}")
    b.op("mov {count}, #0")
    b.op("movt {count}, #0xffff")
    for index in range(GROUP):
        register = sums[index // 4 * 2 + index % 2]
        upper = index % 4 >= 2
        b.op(
            f"and {{value}}, {register}, {{count}}" if upper else f"lsl {{value}}, {register}, #16"
        )
        b.op("smmla {value}, {value}, {multiplier}, {start}")
        b.op(f"ssat {{value}}, #8, {{value}}, asr #{SHIFT}")
        b.op(f"strb {{value}}, [{{at}}, #{index}]")


def emit(w: StepWriter) -> None:
    """Write a step."""
    found = mean_of(w.node)
    assert found is not None
    args = w.declare(
        "ek_mean_affine",
        "args",
        pixels=_pixels(w.node),
        channels=w.node.input(0).type.shape[-1],
        multiplier=found.multiplier,
        start=found.start,
    )
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.assemble(ARMV7E_M, mean_block(), "ek_mean_affine_s8", args, x, y)


def refuse(node: Node) -> str:
    """Why a mean cannot be computed by the block."""
    op, x = node.op, node.input(0).type
    assert isinstance(op, QAvgPool2D | QMean)
    if {x.dtype, node.output.type.dtype} != {DType.INT8} or len(x.shape) != 4:
        return OtherKind("not a mean of int8 images")
    if isinstance(op, QAvgPool2D):
        whole = op.kernel == x.shape[1:3] and not any(op.window.padding)
        low, high = op.low, op.high
    else:
        whole = tuple(sorted(op.axes)) == (1, 2)
        low, high = op.requant.low, op.requant.high
    if not whole or _pixels(node) > MOST_PIXELS:
        return OtherKind(f"not a mean over all of at most {MOST_PIXELS} pixels")
    if x.shape[3] < GROUP or (low, high) != (-128, 127):
        return "few channels, or a clamp of its own"
    return "" if mean_of(node) is not None else "no affine form is proven"


def cost(node: Node) -> Cost:
    """Executed by the block."""
    groups, pixels = -(-node.input(0).type.shape[3] // GROUP), _pixels(node)
    group = Cost(products=6 * pixels, requantize=35, control=13 + 3 * pixels)
    return node.input(0).type.shape[0] * (14 + groups * group)


MEAN = Variant(emit, name="mean", refuse=refuse, cost=cost)

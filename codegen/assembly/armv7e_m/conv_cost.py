"""How many instructions a convolution executes: the loops of its function, counted."""

from __future__ import annotations

from collections.abc import Callable

from codegen.assembly.armv7e_m.conv_layer import Layer
from codegen.assembly.armv7e_m.frame import LOCAL_BYTES
from codegen.assembly.armv7e_m.pairs import STEP
from codegen.assembly.armv7e_m.plan import PIXELS, STEP_BYTES, Pass, Plan, Tap
from codegen.assembly.armv7e_m.scaling import (
    CLAMP,
    EVEN,
    EVEN_CLAMP,
    KEEP,
    SCALE,
    SHIFT,
    TWICE,
)
from codegen.assembly.cost import Cost

LDRD_REACH = 1020
"""Largest offset of LDRD."""
ENTER, LEAVE = 37, 4
EXPANDING = 2
"""Of a step: to make the words of two filters from their bytes."""
FAST_TILE, BEGIN_RUN, REPEATED = 54, 20, -74
SLOW_TILE, ADVANCE = 115, 9
PASS, PACK, PACK_ROWS = 39, 12, 3
ROW, ROW_WORD, PADDED_ROW, PADDED_STEP = 34, 30, 28, 3
FAST_TAP, SLOW_TAP, WORD, LAST_WORD, LAST_BYTE = 24, 22, 15, 24, 14
TAILS = {KEEP: 7, SCALE: 34, CLAMP: 52, TWICE: 66, SHIFT: 69, EVEN: 69, EVEN_CLAMP: 87}
"""Of a pair of filters after its products."""
STARTS = {True: 8, False: 4}
"""Of a pair before them: from its bias, from sums that waited."""
INSIDE, ABOVE, BESIDE, STAGED = 13, 10, 17, 34
"""To find a pixel's tap: in the input, in the padding above or beside it, copied."""


def step_instructions(step: int) -> int:
    """Of one step: beyond the reach of LDRD every pair of words takes two loads."""
    return 23 if LOCAL_BYTES + STEP_BYTES * step + 24 <= LDRD_REACH else 27


def conv_cost(layer: Layer, products: Callable[[Plan, Pass], Cost] | None = None) -> Cost:
    """Executed by one run of a layer.

    Args:
        layer: the layer.
        products: what multiplies all pairs of a pass; by default every step of every pair.
    """
    plan, multiply = layer.plan, products or _steps
    total = Cost(control=ENTER + LEAVE, borders=3 * plan.steps)
    count = -(-plan.geometry.pixels // PIXELS)
    for p in plan.passes:
        tail = TAILS[layer.scaling.tail if p.is_last else KEEP]
        ends = Cost(requantize=STARTS[p.is_first] + tail)
        each = _pass(plan, p) + p.pairs * ends + multiply(plan, p)
        total += (count - layer.single) * each
        total += layer.single * _single(plan, p)
    packing = sum(p.packs for p in plan.passes) / plan.chunks
    if plan.shared:
        return total + packing * _rows(plan) + count * FAST_TILE
    tap = WORD * (plan.run // STEP or 1)
    if plan.run % STEP and plan.run > STEP:
        tap += LAST_BYTE if plan.merged else LAST_WORD
    total += Cost(packing=count * packing * len(plan.taps) * tap)
    rows, columns = plan.inside
    before = -1  # row of the tile before, if that was fast
    for first in range(0, plan.geometry.pixels, PIXELS):
        row, column = divmod(first, plan.geometry.out[1])
        if row in rows and column in columns:
            total += Cost(packing=packing * FAST_TAP * len(plan.taps), control=FAST_TILE)
            if plan.repeats:
                total += REPEATED if row == before else BEGIN_RUN
            before = row
        else:
            total += _slow_tile(plan, first, packing)
            before = -1
    return total


def _steps(plan: Plan, p: Pass) -> Cost:
    steps = plan.pass_steps(p)
    products = sum(map(step_instructions, range(steps))) - EXPANDING * steps
    return p.pairs * Cost(products, EXPANDING * steps, control=1)


def _single(plan: Plan, p: Pass) -> Cost:
    """A pass of a tile with one pixel."""
    start, end, steps = 4 + (not p.is_first), 16 if p.is_last else 7, plan.pass_steps(p)
    pair = Cost((11 - EXPANDING) * steps, EXPANDING * steps, start + end, control=1)
    return _pass(plan, p) + p.pairs * pair


def _pass(plan: Plan, p: Pass) -> Cost:
    return Cost(packing=(PACK + PACK_ROWS * plan.shared) * p.packs, control=PASS)


def _rows(plan: Plan) -> Cost:
    """To fill all tiles of a layer whose taps share inputs."""
    g = plan.geometry
    inside = Cost(packing=ROW + ROW_WORD * plan.run // STEP)
    padded = Cost(borders=PADDED_ROW + PADDED_STEP * plan.steps)
    rows = [row - g.window.padding[0] + t.dy for row in range(g.out[0]) for t in plan.taps]
    found = sum((inside if 0 <= row < g.size[0] else padded for row in rows), Cost())
    return found * (g.out[1] // PIXELS)


def _slow_tile(plan: Plan, first: int, packing: float) -> Cost:
    last = plan.geometry.pixels - 1
    total = Cost(control=SLOW_TILE + ADVANCE * min(last - first, PIXELS))
    pixels = [divmod(min(first + i, last), plan.geometry.out[1]) for i in range(PIXELS)]
    taps = Cost(packing=len(plan.taps) * SLOW_TAP)
    taps += sum((_source(plan, tap, *pixel) for tap in plan.taps for pixel in pixels), Cost())
    return total + packing * taps


def _source(plan: Plan, tap: Tap, row: int, column: int) -> Cost:
    """To find where a pixel's tap lies."""
    g = plan.geometry
    (stride_h, stride_w), (top, left, _, _) = g.window.strides, g.window.padding
    y, x = row * stride_h - top + tap.dy, column * stride_w - left + tap.dx
    if not 0 <= y < g.size[0]:
        return Cost(borders=ABOVE)
    readable = plan.run >= STEP
    if readable and 0 <= x <= g.size[1] - plan.columns:
        return Cost(packing=INSIDE)
    if readable and plan.columns == 1:
        return Cost(borders=BESIDE)
    width = g.channels if plan.columns > 1 else plan.run
    inside = sum(0 <= x + i < g.size[1] for i in range(plan.columns))
    outside = plan.columns - inside
    return Cost(borders=STAGED + inside * (6 + 4 * width) + outside * (9 + 3 * width))

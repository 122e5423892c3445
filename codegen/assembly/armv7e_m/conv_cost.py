"""How many instructions a convolution executes: its loops, counted."""

from __future__ import annotations

from codegen.assembly.armv7e_m.conv_layer import Layer
from codegen.assembly.armv7e_m.frame import LOCAL_BYTES
from codegen.assembly.armv7e_m.pairs import STEP
from codegen.assembly.armv7e_m.plan import PIXELS, STEP_BYTES, Pass, Plan
from codegen.assembly.armv7e_m.scaling import CLAMP, KEEP, SCALE, SHIFT, TWICE

LDRD_REACH = 1020
"""Largest offset of LDRD."""
ENTER, LEAVE = 28, 4
FAST_TILE, SLOW_TILE = 46, 105
"""Instructions of a tile outside its passes, with those that end it."""
PASS = 37
PACK, TAP, SLOW_TAP = 9, 20, 58
WORD, BACK = 15, 8
TAILS = {KEEP: 7, SCALE: 35, CLAMP: 53, TWICE: 66, SHIFT: 83}
STARTS = {True: 8, False: 4}


def step_instructions(step: int) -> int:
    """Of one step: beyond the reach of LDRD every pair of words takes two loads."""
    return 23 if LOCAL_BYTES + STEP_BYTES * step + 24 <= LDRD_REACH else 27


def conv_instructions(layer: Layer) -> int:
    """Executed by one run of a layer."""
    plan = layer.plan
    fast, slow = tiles(plan)
    total = ENTER + LEAVE + 3 * plan.steps
    total += fast * FAST_TILE + slow * SLOW_TILE
    for p in plan.passes:
        every = _pass(plan, p, layer.scaling.tail)
        taps = len(p.taps) if p.packs else 0
        total += (fast + slow) * every + slow * taps * (SLOW_TAP - TAP)
    return total


def _pass(plan: Plan, p: Pass, tail: int) -> int:
    packing = PACK + len(p.taps) * (TAP + WORD * plan.steps + BACK * bool(plan.run % STEP))
    steps = sum(map(step_instructions, range(len(p.taps) * plan.steps)))
    pair = STARTS[p.is_first] + steps + 1 + TAILS[tail if p.is_last else KEEP]
    return PASS + packing * p.packs + p.pairs * pair


def tiles(plan: Plan) -> tuple[int, int]:
    """Tiles inside the input, and others."""
    g = plan.geometry
    rows, columns = plan.inside
    fast = 0
    for first in range(0, g.pixels, PIXELS):
        row, column = divmod(first, g.out[1])
        fast += row in rows and column in columns
    return fast, -(-g.pixels // PIXELS) - fast

"""The convolution functions of Armv7E-M: tiles of four pixels, pairs of filters, passes as data."""

from __future__ import annotations

import functools

from codegen.assembly.armv7e_m import scaling
from codegen.assembly.armv7e_m.conv_cost import step_instructions
from codegen.assembly.armv7e_m.conv_layer import Layer
from codegen.assembly.armv7e_m.conv_pack import pack_tile, stage
from codegen.assembly.armv7e_m.conv_tails import (
    FIRST,
    FLOAT_TAILS,
    SECOND,
    TAILS,
    keep,
    one_pixel,
    scale,
    scale_otherwise,
)
from codegen.assembly.armv7e_m.conv_tile import enter, leave, next_tile, place_tile, repeat_tile
from codegen.assembly.armv7e_m.frame import LOCAL_BYTES, LOCALS, PASS, UPPER
from codegen.assembly.armv7e_m.plan import STEP_BYTES
from codegen.assembly.armv7e_m.sparse_block import multiply_listed
from codegen.assembly.block import Block, Pieces, noted

HEADS = ("bias", "sums", "bias_of_one", "sums_of_one")
"""What a pass may begin with; the last two are for tiles of one pixel."""
ROWS, SINGLE, REPEATS = "rows", "single", "repeats"
"""Pieces of the function for kernels three positions wide, for tiles of one pixel, for layers with
one pass."""


def pieces_of(layer: Layer) -> Pieces:
    """What of the function a layer needs: steps by their numbers, what its passes end with, `ROWS`,
    `SINGLE`, `REPEATS`."""
    plan = layer.plan
    steps = range(max(map(plan.pass_steps, plan.passes)))
    needs = {
        FLOAT_TAILS[layer.scaling.tail]: True,
        TAILS[scaling.KEEP]: plan.chunks > 1,
        ROWS: plan.shared,
        SINGLE: layer.single,
        REPEATS: plan.repeats,
    }
    return frozenset({*steps, *(name for name, needed in needs.items() if needed)})


@functools.cache
def conv_function(pieces: Pieces, sparse: bool = False, fpu: bool = False) -> Block:
    """``void f(const ek_conv_pairs *a, const int8_t *x, int8_t *y)``.

    Args:
        pieces: see `pieces_of`.
        sparse: whether the weights are a list of those that are not zero.
        fpu: for dense weights, whether an FPU scales what one product and a shift does not.
    """
    symbol = "conv_sparse_s8" if sparse else "conv_even_s8" if fpu else "conv_pairs_s8"
    b = Block(symbol, pieces, functools.partial(conv_function, sparse=sparse, fpu=fpu))
    b.name(w="lr", **{f"f{p}": r for p, r in enumerate(FIRST)})
    b.name(**{f"s{p}": r for p, r in enumerate(SECOND)})
    names = ("tile", "pass", "again", "done", "multiplied", "table", "stage", "store", "clamp")
    labels = {name: b.label(name) for name in names}
    heads = [b.label(name) for name in HEADS]
    tails = [b.label(name) for name in (FLOAT_TAILS if fpu else TAILS)]
    enter(b)
    b.op("b {tile}", tile=labels["tile"])
    _start_with_bias(b, heads[0])
    if TAILS[scaling.KEEP] in pieces:
        _start_with_sums(b, heads[1])
        keep(b, tails[scaling.KEEP], labels["done"])
    if sparse:
        multiply_listed(b, labels["multiplied"])
    else:
        _multiply(b, labels["multiplied"], pieces)
    scale(b, tails[1], labels["done"], labels["store"])
    scale_otherwise(b, pieces, tails, labels)
    if SINGLE in pieces and not sparse:
        one_pixel(b, heads[2:], tails[5:], labels["done"])
    b.place(labels["tile"])
    place_tile(b, REPEATS in pieces)
    _fill_tile(b, labels, pieces)
    _begin_pass(b, labels, sparse)
    stage(b, labels["stage"])
    b.place(labels["done"])
    _end_pass(b, labels["pass"])
    if REPEATS in pieces:
        repeat_tile(b, labels["again"])
    next_tile(b, labels["tile"])
    leave(b)
    b.lines.append("    .balign 4")
    b.place(labels["table"])
    for label in (*heads, *tails):
        written = f"{label}:" in b.lines
        b.lines.append(
            f"    .word {label} - {labels['multiplied']} + 1" if written else "    .word 0"
        )
    return b


def entry_distance(steps: int) -> int:
    """Bytes from where multiplying ``steps`` steps begins to its end: instructions of four."""
    return sum(4 * step_instructions(j) for j in range(steps))


@noted
def _fill_tile(b: Block, labels: dict[str, str], pieces: Pieces) -> None:
    """Read which taps the pass has, and fill the tile."""
    b.place(labels["pass"])
    b.name(tile="r6", tap="r7", taps="r8")
    b.op("ldr r9, [sp, #{o}]", o=LOCALS["upper"])
    b.op("ldr r0, [r9, #{o}]", o=UPPER["pass"])
    b.op("add r0, #{o}", o=PASS["tile"])
    b.op("ldm r0, {{{tile}, {tap}, {taps}}}")
    pack_tile(b, labels["stage"], labels["again"], ROWS in pieces, REPEATS in pieces)


@noted
def _begin_pass(b: Block, labels: dict[str, str], sparse: bool) -> None:
    """Read the rest of the pass: where its output lies, where its code begins. Only dense weights
    have ways of their own for a single pixel."""
    b.name(first="r1", bytes="r2", entry="r3", head="r4", tail="r5")
    b.op("ldr r9, [sp, #{o}]", o=LOCALS["upper"])
    b.op("ldr r0, [r9, #{o}]", o=UPPER["pass"])
    b.op("ldm r0, {{{first}, {bytes}, {entry}, {head}, {tail}}}")
    b.op("add r0, #{size}", size=4 * len(PASS))
    b.op("str r0, [r9, #{o}]", o=UPPER["pass"])
    b.op("ldr r10, [r9, #{o}]", o=UPPER["y"])
    b.op("add r10, {first}")
    b.op("str r10, [sp, #{o}]", o=LOCALS["out"])
    b.op("ldr {w}, [sp, #{o}]", o=LOCALS["weights"])
    b.op("add {bytes}, {w}")
    b.op("str {bytes}, [sp, #{o}]", o=LOCALS["end"])
    b.op("ldr r10, [r9, #{o}]", o=UPPER["sums"])
    b.op("strd r10, r10, [sp, #{o}]", o=LOCALS["sums_in"])
    b.op("adr r10, {label}", label=labels["multiplied"])
    b.op("adr r11, {label}", label=labels["table"])
    b.op("sub {entry}, r10, {entry}")
    b.op("add {entry}, #1")
    if not sparse:
        b.op("ldr r12, [r9, #{o}]", o=UPPER["single"])
        b.op("add {head}, {head}, r12, lsl #1")
    b.op("ldr {head}, [r11, {head}, lsl #2]")
    b.op("add {head}, r10")
    b.op("add r11, #{ways}", ways=4 * len(HEADS))  # behind those to begin
    if not sparse:
        b.op("add r12, r12, r12, lsl #2")
        b.op("add {tail}, r12")
    b.op("ldr {tail}, [r11, {tail}, lsl #2]")
    b.op("add {tail}, r10")
    b.op("strd {entry}, {head}, [sp, #{o}]", o=LOCALS["entry"])
    b.op("str {tail}, [sp, #{o}]", o=LOCALS["tail"])
    b.op("bx {head}")


@noted
def _start_with_bias(b: Block, label: str) -> None:
    """The sums of all pixels start with the constants that come before the weights."""
    b.place(label)
    b.op("ldrd {f3}, {s3}, [{w}], #8")
    for p in range(3):
        b.op(f"mov {{f{p}}}, {{f3}}")
        b.op(f"mov {{s{p}}}, {{s3}}")
    b.op("ldr pc, [sp, #{o}]", o=LOCALS["entry"])


@noted
def _start_with_sums(b: Block, label: str) -> None:
    """The sums go on where the pass before ended."""
    b.place(label)
    b.op("ldr r12, [sp, #{o}]", o=LOCALS["sums_in"])
    b.op("ldm r12!, {{r0-r7}}")
    b.op("str r12, [sp, #{o}]", o=LOCALS["sums_in"])
    b.op("ldr pc, [sp, #{o}]", o=LOCALS["entry"])


@noted
def _multiply(b: Block, end: str, pieces: Pieces) -> None:
    """Steps of four inputs, four pixels, two filters: 23 instructions for 32 products. A pass of
    fewer steps begins further down; the tile is filled from its end, so that it ends at the stack
    pointer."""
    b.name(w0="r8", w1="r9", x0="r10", x1="r11", narrow="r12")
    for step in reversed(range(sum(isinstance(piece, int) for piece in pieces))):
        base = LOCAL_BYTES + STEP_BYTES * step
        b.op("ldrd {w0}, {w1}, [{w}], #8")
        for half, weights in enumerate(("w0", "w1")):
            for pair in (0, 2):
                _load_two(b, base + 16 * half + 4 * pair, step_instructions(step) == 23)
                if pair == 0:
                    b.op(f"sxtb16 {{narrow}}, {{{weights}}}")
                for p, x in ((pair, "x0"), (pair + 1, "x1")):
                    b.op(f"smlad {{f{p}}}, {{{x}}}, {{narrow}}, {{f{p}}}")
                    b.op(f"smlad {{s{p}}}, {{{x}}}, {{{weights}}}, {{s{p}}}")
    b.place(end)
    b.op("ldr pc, [sp, #{o}]", o=LOCALS["tail"])


def _load_two(b: Block, offset: int, near: bool) -> None:
    if near:
        b.op("ldrd {x0}, {x1}, [sp, #{o}]", o=offset)
    else:
        b.op("ldr {x0}, [sp, #{o}]", o=offset)
        b.op("ldr {x1}, [sp, #{o}]", o=offset + 4)


def _end_pass(b: Block, again: str) -> None:
    b.op("str {w}, [sp, #{o}]", o=LOCALS["weights"])
    b.op("ldr r4, [sp, #{o}]", o=LOCALS["upper"])
    b.op("ldrd r0, r1, [r4, #{o}]", o=UPPER["pass"])
    b.op("cmp r0, r1")
    b.op("bne {again}", again=again)

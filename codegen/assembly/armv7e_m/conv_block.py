"""The convolution functions of Armv7E-M: tiles of four pixels, pairs of filters, passes as data."""

from __future__ import annotations

import functools

from codegen.assembly.armv7e_m import scaling
from codegen.assembly.armv7e_m.conv_cost import step_instructions
from codegen.assembly.armv7e_m.conv_layer import LAYER_SHIFT, Layer
from codegen.assembly.armv7e_m.conv_pack import pack_tile, stage
from codegen.assembly.armv7e_m.conv_tile import enter, leave, next_tile, place_tile
from codegen.assembly.armv7e_m.frame import ARGUMENTS, LOCAL_BYTES, LOCALS, PASS, UPPER
from codegen.assembly.armv7e_m.plan import STEP_BYTES
from codegen.assembly.armv7e_m.scaling import Constants
from codegen.assembly.armv7e_m.sparse_block import multiply_listed
from codegen.assembly.block import Block, Pieces, noted

FIRST, SECOND = ("r0", "r1", "r2", "r3"), ("r4", "r5", "r6", "r7")
"""Sums of a pair of filters for the four pixels."""
HEADS = ("bias", "sums", "bias_of_one", "sums_of_one")
"""What a pass may begin with; the last two are for tiles of one pixel."""
TAILS = ("keep", "scale", "scale_narrow", "round_twice", "shift_each", "keep_one", "scale_one")
"""What it may end with, as ``ek_pairs.h`` numbers it."""
FLOAT_TAILS = (*TAILS, "round_even", "round_even_narrow")
"""The same where an FPU scales."""
ROWS, SINGLE = "rows", "single"
"""Pieces of the function for kernels three positions wide, and for tiles of one pixel."""


def pieces_of(layer: Layer) -> Pieces:
    """What of the function a layer needs: steps by their numbers, what its passes end with, `ROWS`
    and `SINGLE`."""
    plan = layer.plan
    steps = range(max(map(plan.pass_steps, plan.passes)))
    needs = {
        FLOAT_TAILS[layer.scaling.tail]: True,
        TAILS[scaling.KEEP]: plan.chunks > 1,
        ROWS: plan.shared,
        SINGLE: layer.single,
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
    names = ("tile", "pass", "done", "multiplied", "table", "stage", "store", "clamp")
    labels = {name: b.label(name) for name in names}
    heads = [b.label(name) for name in HEADS]
    tails = [b.label(name) for name in (FLOAT_TAILS if fpu else TAILS)]
    enter(b)
    b.op("b {tile}", tile=labels["tile"])
    _start_with_bias(b, heads[0])
    if TAILS[scaling.KEEP] in pieces:
        _start_with_sums(b, heads[1])
        _keep(b, tails[scaling.KEEP], labels["done"])
    if sparse:
        multiply_listed(b, labels["multiplied"])
    else:
        _multiply(b, labels["multiplied"], pieces)
    _scale(b, tails[1], labels["done"], labels["store"])
    _scale_otherwise(b, pieces, tails, labels)
    if SINGLE in pieces and not sparse:
        _one_pixel(b, heads[2:], tails[5:], labels["done"])
    b.place(labels["tile"])
    place_tile(b)
    _fill_tile(b, labels, ROWS in pieces)
    _begin_pass(b, labels, sparse)
    stage(b, labels["stage"])
    b.place(labels["done"])
    _end_pass(b, labels["pass"])
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


def _scale_otherwise(b: Block, pieces: Pieces, tails: list[str], labels: dict[str, str]) -> None:
    """The other ways to requantize that layers need."""
    narrow, twice, each, even, even_narrow = (
        n in pieces for n in (*FLOAT_TAILS[2:5], *FLOAT_TAILS[7:])
    )
    if narrow or each or even_narrow:
        _scale_narrow(b, tails[scaling.CLAMP], labels["clamp"], labels["store"])
    if twice:
        _round_twice(b, tails[scaling.TWICE], labels["store"])
    if each:
        _shift_each(b, tails[scaling.SHIFT], labels["clamp"])
    if even:
        _round_even(b, tails[scaling.EVEN], "ssat", labels["store"])
    if even_narrow:
        _round_even(b, tails[scaling.EVEN_CLAMP], "usat", labels["clamp"])


def entry_distance(steps: int) -> int:
    """Bytes from where multiplying ``steps`` steps begins to its end: instructions of four."""
    return sum(4 * step_instructions(j) for j in range(steps))


@noted
def _fill_tile(b: Block, labels: dict[str, str], rows: bool) -> None:
    """Read which taps the pass has, and fill the tile."""
    b.place(labels["pass"])
    b.name(tile="r6", tap="r7", taps="r8")
    b.op("ldr r9, [sp, #{o}]", o=LOCALS["upper"])
    b.op("ldr r0, [r9, #{o}]", o=UPPER["pass"])
    b.op("add r0, #{o}", o=PASS["tile"])
    b.op("ldm r0, {{{tile}, {tap}, {taps}}}")
    pack_tile(b, labels["stage"], rows)


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


@noted
def _keep(b: Block, label: str, done: str) -> None:
    """The sums wait for the next pass."""
    b.place(label)
    b.op("ldr r12, [sp, #{o}]", o=LOCALS["sums_out"])
    b.op("stm r12!, {{r0-r7}}")
    b.op("str r12, [sp, #{o}]", o=LOCALS["sums_out"])
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["end"])
    _next_pair(b, done)


@noted
def _scale(b: Block, label: str, done: str, store: str) -> None:
    """Requantize by one multiplication, and store."""
    b.place(label)
    _separate(b)
    b.op("ldm {w}!, {{r8-r11}}")
    scaling.scale(b, FIRST, Constants("r8", "r9"), LAYER_SHIFT, "ssat")
    scaling.scale(b, SECOND, Constants("r10", "r11"), LAYER_SHIFT + 8, "ssat")
    b.place(store)
    b.op("ldm sp, {{r8-r12}}")
    for sums in ("f", "s"):
        for p, distance in ((1, "r9"), (2, "r10"), (3, "r11")):
            b.op(f"strb {{{sums}{p}}}, [r12, {distance}]")
        b.op(f"strb {{{sums}0}}, [r12], #1")
    b.op("str r12, [sp, #{o}]", o=LOCALS["out"])
    _next_pair(b, done)


@noted
def _scale_narrow(b: Block, label: str, clamp: str, store: str) -> None:
    """The same for a narrow range: two instructions more."""
    b.place(label)
    _separate(b)
    b.op("ldm {w}!, {{r8-r11}}")
    scaling.scale(b, FIRST, Constants("r8", "r9"), LAYER_SHIFT, "usat")
    scaling.scale(b, SECOND, Constants("r10", "r11"), LAYER_SHIFT + 8, "usat")
    b.place(clamp)
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldrd r8, r9, [r8, #{o}]", o=ARGUMENTS["add"])
    scaling.clamp(b, (*FIRST, *SECOND), "r8", "r9")
    b.op("b {store}", store=store)


@noted
def _round_twice(b: Block, label: str, store: str) -> None:
    """Requantize as the rule says."""
    b.place(label)
    _separate(b)
    b.op("ldr r11, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldr r11, [r11, #{o}]", o=ARGUMENTS["zero"])
    for sums in (FIRST, SECOND):
        b.op("ldrd r8, r10, [{w}], #8")
        scaling.round_twice(b, sums, Constants("r8", "r10", "r9"), sums is SECOND, "r11")
    b.op("b {store}", store=store)


@noted
def _shift_each(b: Block, label: str, clamp: str) -> None:
    """Requantize with a shift for each filter, for scales too far apart."""
    b.place(label)
    _separate(b)
    for sums in (FIRST, SECOND):
        b.op("ldrd r8, r9, [{w}], #8")
        scaling.shift_each(b, sums, Constants("r8", "r9", "r10"), sums is SECOND)
    b.op("b {clamp}", clamp=clamp)


@noted
def _round_even(b: Block, label: str, saturate: str, then: str) -> None:
    """Requantize by float products, rounded to even."""
    b.place(label)
    _separate(b)
    b.op("ldm {w}!, {{r8-r11}}")
    scaling.round_even(b, FIRST, Constants("r8", "r9"), saturate)
    scaling.round_even(b, SECOND, Constants("r10", "r11"), saturate)
    b.op("b {then}", then=then)


@noted
def _one_pixel(b: Block, heads: list[str], tails: list[str], done: str) -> None:
    """A last tile of one pixel: pairs of sums in ``r0`` and ``r4``, steps in a loop."""
    ready, x, first = b.label("ready"), "r5", "r6"
    b.place(heads[0])
    b.op("ldrd r0, r4, [{w}], #8")
    b.op("b {ready}", ready=ready)
    b.place(heads[1])
    b.op("ldr r12, [sp, #{o}]", o=LOCALS["sums_in"])
    b.op("ldrd r0, r4, [r12], #8")
    b.op("str r12, [sp, #{o}]", o=LOCALS["sums_in"])
    b.place(ready)
    b.op(f"ldr {x}, [sp, #{LOCALS['top']}]")
    b.op(f"add {first}, sp, #{LOCAL_BYTES}")
    with b.loop(f"cmp {x}, {first}", "bne {head}"):
        b.op(f"ldr {{x0}}, [{x}, #-{STEP_BYTES}]!")
        b.op(f"ldr {{x1}}, [{x}, #{STEP_BYTES // 2}]")
        b.op("ldrd {w0}, {w1}, [{w}], #8")
        for inputs, weights in (("x0", "w0"), ("x1", "w1")):
            b.op(f"sxtb16 {{narrow}}, {{{weights}}}")
            b.op(f"smlad r0, {{{inputs}}}, {{narrow}}, r0")
            b.op(f"smlad r4, {{{inputs}}}, {{{weights}}}, r4")
    b.op("ldr pc, [sp, #{o}]", o=LOCALS["tail"])
    b.place(tails[0])
    b.op("ldr r12, [sp, #{o}]", o=LOCALS["sums_out"])
    b.op("strd r0, r4, [r12], #8")
    b.op("str r12, [sp, #{o}]", o=LOCALS["sums_out"])
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["end"])
    _next_pair(b, done)
    b.place(tails[1])
    b.op("sub r4, r0")
    b.op("ldm {w}!, {{r8-r11}}")
    scaling.scale(b, ("r0",), Constants("r8", "r9"), LAYER_SHIFT, "ssat")
    scaling.scale(b, ("r4",), Constants("r10", "r11"), LAYER_SHIFT + 8, "ssat")
    b.op("ldr r12, [sp, #{o}]", o=LOCALS["out"])
    b.op("strb r0, [r12], #1")
    b.op("strb r4, [r12], #1")
    b.op("str r12, [sp, #{o}]", o=LOCALS["out"])
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["end"])
    _next_pair(b, done)


@noted
def _separate(b: Block) -> None:
    """256 times the second filter's sums."""
    for p in range(4):
        b.op(f"sub {{s{p}}}, {{f{p}}}")


@noted
def _next_pair(b: Block, done: str) -> None:
    """``r8``: end of the weights."""
    b.op("cmp {w}, r8")
    b.op("beq {done}", done=done)
    b.op("ldr pc, [sp, #{o}]", o=LOCALS["head"])


def _end_pass(b: Block, again: str) -> None:
    b.op("str {w}, [sp, #{o}]", o=LOCALS["weights"])
    b.op("ldr r4, [sp, #{o}]", o=LOCALS["upper"])
    b.op("ldrd r0, r1, [r4, #{o}]", o=UPPER["pass"])
    b.op("cmp r0, r1")
    b.op("bne {again}", again=again)

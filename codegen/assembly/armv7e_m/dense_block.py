"""Dense layers on Armv7E-M: four filters at a time, as two pairs.

With a tile, the inputs of a row are expanded to 16 bits once, on the stack: 27 instructions for 32
products. Without one they are expanded again for every four filters: 32 instructions, no memory.
One or two filters at the end are a pair of their own: 16 or 21 instructions for 16 products, and no
constants of filters that were computed before.
"""

from __future__ import annotations

import functools

from codegen.assembly.armv7e_m.dense_frame import (
    ARGUMENTS,
    GROUP,
    LOCAL_BYTES,
    LOCALS,
    SUMS,
    UNROLL,
)
from codegen.assembly.armv7e_m.dense_outputs import (
    keep_sums,
    last_block,
    last_pair,
    scale_sums,
    store_block,
)
from codegen.assembly.armv7e_m.pairs import multiply_pair
from codegen.assembly.armv7e_m.scaling import (
    CLAMP,
    EVEN,
    EVEN_CLAMP,
    KEEP,
    SCALE,
    SHIFT,
    TWICE,
)
from codegen.assembly.armv7e_m.sparse_dense_block import multiply_listed
from codegen.assembly.block import Block, noted


@functools.cache
def dense_function(tiled: bool, tail: int, shift: int, sparse: bool = False) -> Block:
    """``void f(const ek_dense_pairs *a, const int8_t *x, int8_t *y)``.

    Args:
        tiled: whether a tile holds the inputs.
        tail: how sums are scaled, see `scaling`.
        shift: of scaled sums.
        sparse: whether the weights are a list of those that are not zero; without a tile.
    """
    kind = {
        KEEP: "sums", SCALE: f"shift{shift}", CLAMP: f"clamp{shift}", TWICE: "twice",
        SHIFT: "own_shift", EVEN: "even", EVEN_CLAMP: "even_clamp",
    }  # fmt: skip
    way = "sparse" if sparse else "tile" if tiled else "plain"
    b = Block(f"dense_{way}_{kind[tail]}")
    b.name(args="r0", x="r1", y="r2", w="lr", at="r12")
    row, block, pairs, multiplied = b.labels("row block pairs multiplied")
    _enter(b, multiplied)
    b.place(row)
    _begin_row(b, tiled)
    has_pair = not (sparse or tail == KEEP)
    if has_pair:
        b.op("cmp {w}, r5")
        b.op("beq {pairs}", pairs=pairs)
    b.place(block)
    b.op("ldm {w}!, {{r0-r3}}")
    if tiled:
        b.op("add {at}, sp, #{o}", o=LOCAL_BYTES)
    else:
        b.op("ldr {at}, [sp, #{o}]", o=LOCALS["x"])
    b.op("ldr pc, [sp, #{o}]", o=LOCALS["entry"])
    if sparse:
        multiply_listed(b, multiplied)
    else:
        _multiply(b, tiled, multiplied)
    b.op("sub r1, r0")
    b.op("sub r3, r2")
    if tail == KEEP:
        keep_sums(b, block)
    else:
        scale_sums(b, SUMS, tail, shift)
        store_block(b, block)
        last_block(b, block)
    if has_pair:
        b.place(pairs)
        last_pair(b, tiled, tail, shift)
    _end_row(b, row)
    return b


def group_bytes(tiled: bool) -> int:
    """Code of one group of the unrolled loop, all instructions of four bytes."""
    return 4 * group_instructions(tiled)


def group_instructions(tiled: bool) -> int:
    """Of the products of eight inputs and four filters."""
    return 27 if tiled else 32


def _enter(b: Block, multiplied: str) -> None:
    b.lines.append("    push {r4-r11, lr}")
    b.op("ldr r3, [{args}, #{o}]", o=ARGUMENTS["frame_bytes"])
    b.op("sub.w sp, sp, r3")
    b.op("ldr r3, [{args}, #{o}]", o=ARGUMENTS["n1"])
    b.op("ldrd r4, r5, [{args}, #{o}]", o=ARGUMENTS["n2"])
    b.op("strd r3, r4, [sp, #{o}]", o=LOCALS["n1"])
    b.op("str r5, [sp, #{o}]", o=LOCALS["n3"])
    b.op("ldr r3, [{args}, #{o}]", o=ARGUMENTS["rows"])
    b.op("strd {y}, {x}, [sp, #{o}]", o=LOCALS["y"])
    b.op("str r3, [sp, #{o}]", o=LOCALS["rows"])
    b.op("ldr r3, [{args}, #{o}]", o=ARGUMENTS["entry"])
    b.op("adr r4, {label}", label=multiplied)
    b.op("sub r4, r3")
    b.op("add r4, #1")
    b.op("str r4, [sp, #{o}]", o=LOCALS["entry"])
    b.op("str {args}, [sp, #{o}]", o=LOCALS["args"])


@noted
def _begin_row(b: Block, tiled: bool) -> None:
    """The row's inputs and outputs; ``{w}`` at the first block."""
    b.op("ldr r4, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldr r5, [sp, #{o}]", o=LOCALS["y"])
    b.op("str r5, [sp, #{o}]", o=LOCALS["out"])
    b.op("ldrd r5, r6, [r4, #{o}]", o=ARGUMENTS["block_bytes"])
    b.op("str r6, [sp, #{o}]", o=LOCALS["spare"])
    b.op("ldr r10, [sp, #{o}]", o=LOCALS["x"])
    b.op("ldrd r8, r9, [r4, #{o}]", o=ARGUMENTS["groups"])
    if tiled:
        _pack_row(b)
    else:
        b.op("add r11, r10, r8, lsl #3")
    b.op("str r11, [sp, #{o}]", o=LOCALS["x_end"])
    b.op("ldr r4, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldrd r5, r6, [r4, #{o}]", o=ARGUMENTS["block_bytes"])
    b.op("ldr {w}, [r4, #{o}]", o=ARGUMENTS["weights"])
    b.op("add r5, {w}")
    b.op("str r5, [sp, #{o}]", o=LOCALS["end"])


@noted
def _pack_row(b: Block) -> None:
    """Expand all inputs into the tile.

    ``r10`` inputs, ``r8`` groups, ``r9`` inputs that one more repeats; 16 bytes behind the
    tile hold a row of less than a group. Out: ``r11`` end of the tile.
    """
    again, packed, whole = b.labels("again packed whole")
    b.op("add r11, sp, #{o}", o=LOCAL_BYTES)
    b.op("ldr r7, [r4, #{o}]", o=ARGUMENTS["depth"])
    b.op("cmp r7, #{group}", group=GROUP)
    b.op("bhs {whole}", whole=whole)
    b.op("add r6, sp, #{o}", o=LOCAL_BYTES + 2 * GROUP)
    with b.loop("subs r7, #1", "bne {head}"):
        b.op("ldrb r5, [r10], #1")
        b.op("strb r5, [r6], #1")
    b.op("add r10, sp, #{o}", o=LOCAL_BYTES + 2 * GROUP)
    b.place(whole)
    b.place(again)
    b.op("ldr r4, [r10], #4")
    b.op("ldr r6, [r10], #4")
    b.op("sxtb16 r5, r4, ror #8")
    b.op("sxtb16 r4, r4")
    b.op("sxtb16 r7, r6, ror #8")
    b.op("sxtb16 r6, r6")
    b.op("stm r11!, {{r4-r7}}")
    b.op("subs r8, #1")
    b.op("bne {again}", again=again)
    b.op("cmp r9, #0")
    b.op("beq {packed}", packed=packed)
    b.op("sub r10, r9")
    b.op("mov r9, #0")
    b.op("mov r8, #1")
    b.op("b {again}", again=again)
    b.place(packed)


@noted
def _multiply(b: Block, tiled: bool, multiplied: str) -> None:
    """All inputs times four filters."""
    head = b.label("head")
    b.place(head)
    for _ in range(UNROLL):
        if tiled:
            b.op("ldm {at}!, {{r8-r11}}")
            _products(b, ("r8", "r9"))
            _products(b, ("r10", "r11"))
        else:
            for _ in range(2):
                b.op("ldr r8, [{at}], #4")
                b.op("sxtb16 r9, r8, ror #8")
                b.op("sxtb16 r8, r8")
                _products(b, ("r8", "r9"))
    b.place(multiplied)
    b.op("ldr r4, [sp, #{o}]", o=LOCALS["x_end"])
    b.op("cmp {at}, r4")
    b.op("bne {head}", head=head)


@noted
def _products(b: Block, inputs: tuple[str, str]) -> None:
    """Four inputs times two pairs of filters."""
    b.op("ldm {w}!, {{r4-r7}}")
    for first, second, words in (("r0", "r1", ("r4", "r5")), ("r2", "r3", ("r6", "r7"))):
        for x, word in zip(inputs, words, strict=True):
            multiply_pair(b, x, word, (first, second))


def _end_row(b: Block, row: str) -> None:
    b.op("ldr r4, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldrd r5, r6, [r4, #{o}]", o=ARGUMENTS["depth"])
    b.op("ldrd r7, r8, [sp, #{o}]", o=LOCALS["y"])
    b.op("add r7, r6")
    b.op("add r8, r5")
    b.op("strd r7, r8, [sp, #{o}]", o=LOCALS["y"])
    b.op("ldr r5, [sp, #{o}]", o=LOCALS["rows"])
    b.op("subs r5, #1")
    b.op("str r5, [sp, #{o}]", o=LOCALS["rows"])
    b.op("bne {row}", row=row)
    b.op("ldr r3, [r4, #{o}]", o=ARGUMENTS["frame_bytes"])
    b.op("add sp, r3")
    b.lines.append("    pop {r4-r11, pc}")

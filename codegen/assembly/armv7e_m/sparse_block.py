"""The multiplications of a list of weights: those of a tile's words that are not all zero.

The stream of a pair of filters is a sequence of runs, each with a header: how far to jump into the
unrolled code, and how many items follow. A whole step is an offset of the tile and the weights of
four inputs, 25 instructions for 32 products; half a step has the weights of two, 13 for 16. (All
weights without offsets: 23 for 32.) The jump is relative to the program counter, so that reading a
header takes two instructions.
"""

from __future__ import annotations

from codegen.assembly.armv7e_m.frame import LOCAL_BYTES, LOCALS
from codegen.assembly.block import Block, noted

WHOLE, HALF = 8, 8
"""Items that are unrolled: most of a run."""
WHOLE_COST, HALF_COST = 25, 13
"""Instructions of an item, all of four bytes."""
HEADER_COST, BACK_COST, END_COST = 2, 1, 3
"""Of a run, of one of half steps beside it, of the end."""
HALF_BYTES = 16
"""Of the tile that half a step multiplies."""


@noted
def multiply_listed(b: Block, read: str) -> None:
    """Runs of items until the end of the list; ``read`` is where headers are read."""
    b.name(at="r8", w0="r9", x0="r10", x1="r11", narrow="r12")
    for _ in range(WHOLE):
        _item(b, halves=2)
    b.place(read)
    b.op("ldrsh {at}, [{w}], #4")
    b.op("add pc, {at}")
    b.op("nop")  # the program counter reads as what follows
    b.op("ldr.w pc, [sp, #{o}]", o=LOCALS["tail"])
    for _ in range(HALF):
        _item(b, halves=1)
    b.op("b {read}", read=read)


def _item(b: Block, halves: int) -> None:
    b.op("ldm {w}!, {{{at}, {w0}}}")
    b.op("add.w {at}, sp, {at}")
    for half in range(halves):
        if half:
            b.op("ldr {w0}, [{w}], #4")
        b.op("sxtb16 {narrow}, {w0}")
        for pair in (0, 2):
            b.op("ldrd {x0}, {x1}, [{at}, #{o}]", o=HALF_BYTES * half + 4 * pair)
            for p, x in ((pair, "x0"), (pair + 1, "x1")):
                b.op(f"smlad {{f{p}}}, {{{x}}}, {{narrow}}, {{f{p}}}")
                b.op(f"smlad {{s{p}}}, {{{x}}}, {{w0}}, {{s{p}}}")


def header(whole: int = 0, half: int = 0) -> int:
    """The word before a run of whole or of half steps: jump and count (of halves negative); the
    word that ends a list has neither."""
    jump = 0
    if whole:
        jump = -8 - 4 * WHOLE_COST * whole
    elif half:
        jump = 4 + 4 * HALF_COST * (HALF - half)
    return (jump & 0xFFFF) | ((whole - half) & 0xFFFF) << 16


def tile_offset(step: int, steps: int) -> int:
    """Bytes from the stack pointer to where the inputs of a step are: the first lies highest."""
    return LOCAL_BYTES + 2 * HALF_BYTES * (steps - 1 - step)

"""The multiplications of a dense layer's list of weights: four inputs by two or four filters.

As in `sparse_block`, runs of items begin with a header that says how far to jump into the unrolled
code: 16 instructions for 16 products of both pairs of filters, 10 for 8 of one pair. (All weights
without offsets: 13.5 for 16, and 1.1 for each input to expand it.)
"""

from __future__ import annotations

from codegen.assembly.armv7e_m.pairs import multiply_pair
from codegen.assembly.block import Block, noted

BOTH, FIRST, SECOND = range(3)
"""Kinds of runs, as ``ek_dense_pairs.h`` numbers them: the pairs of a block that they are for."""
UNROLLED = (8, 4, 4)
"""Items of each kind that are written out: most of a run."""
COSTS = (16, 10, 10)
"""Instructions of an item, all of four bytes."""
HEADERS = (2, 3, 3)
"""Instructions of a run."""
END_COST = 3
_PAIRS = (("r0", "r1", "r4", "r5"), ("r2", "r3", "r6", "r7"))
"""Sums and weights of both pairs."""


@noted
def multiply_listed(b: Block, read: str) -> None:
    """Runs of items until the end of the list; ``read`` is where headers are read.

    ``at`` holds the row's first input, whose place an item has behind its weights.
    """
    done = b.label("done")
    for _ in range(UNROLLED[BOTH]):
        _item(b, (FIRST, SECOND))
    b.place(read)
    b.op("ldrsh r10, [{w}], #4")
    b.op("add pc, r10")
    b.op("nop")  # the program counter reads as what follows
    b.op("b.w {done}", done=done)
    for kind in (FIRST, SECOND):
        for _ in range(UNROLLED[kind]):
            _item(b, (kind,))
        b.op("b.w {read}", read=read)
    b.place(done)


def _item(b: Block, kinds: tuple[int, ...]) -> None:
    pairs = [_PAIRS[kind - FIRST] for kind in kinds]
    weights = ", ".join(register for pair in pairs for register in pair[2:])
    b.op(f"ldm {{w}}!, {{{{{weights}, r8}}}}")
    b.op("ldr r8, [{at}, r8]")
    b.op("sxtb16 r9, r8, ror #8")
    b.op("sxtb16 r8, r8")
    for first, second, *words in pairs:
        for x, word in zip(("r8", "r9"), words, strict=True):
            multiply_pair(b, x, word, (first, second))


def header(kind: int, count: int) -> int:
    """The word before a run: jump, then kind and number of its items; 0 ends a list."""
    if kind == BOTH:
        jump = -8 - 4 * COSTS[BOTH] * count
    else:
        skipped = UNROLLED[kind] - count
        jump = 4 + 4 * COSTS[kind] * skipped
        jump += (kind == SECOND) * (4 + 4 * COSTS[FIRST] * UNROLLED[FIRST])
    return (jump & 0xFFFF) | (kind << 8 | count) << 16

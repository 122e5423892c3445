"""The multiplications of a list of weights (`codegen.assembly.listed`) on Armv7-M: eight
instructions for the six products of a tile, four for the one of a dense layer."""

from __future__ import annotations

from collections.abc import Callable

from codegen.assembly.block import Block, noted
from codegen.assembly.listed import GROUP, ListCost

TILE_LIST = ListCost(item=8, head=4, turn=2)
DENSE_LIST = ListCost(item=4, head=4, turn=2)
BYTES = 4
"""Of every instruction of an item."""


@noted
def multiply_listed(b: Block, item: Callable[[Block], None], cost: ListCost) -> None:
    """The items of one list, whose ``{list}`` moves on to what follows it.

    Args:
        b: the function; ``{skip}`` and ``{groups}`` are overwritten.
        item: multiplies by one weight.
        cost: instructions of an item, a power of two.
    """
    b.op("ldrb {skip}, [{list}], #1")
    b.op("ldrb {groups}, [{list}], #1")
    b.op("lsl {skip}, {skip}, #{bits}", bits=(BYTES * cost.item).bit_length() - 1)
    b.op("add pc, {skip}")
    b.op("nop")  # the program counter reads as what follows
    with b.loop("subs {groups}, {groups}, #1", "bhs.w {head}"):
        for _ in range(GROUP):
            item(b)


def tile_item(b: Block) -> None:
    """Six pixels, three in two words, by one weight."""
    b.op("ldrsb.w r8, [lr], #1")
    b.op("ldrb.w r10, [lr], #1")
    b.op("add.w r10, sp, r10, lsl #4")
    b.op("ldm.w r10, {{r4-r7}}")
    for i in range(4):
        b.op(f"mla r{i}, r{4 + i}, r8, r{i}")


def dense_item(b: Block) -> None:
    """One input by one weight."""
    b.op("ldrsb.w {w}, [{list}], #1")
    b.op("ldrb.w {x}, [{list}], #1")
    b.op("ldrsb.w {x}, [{at}, {x}]")
    b.op("mla {sum}, {x}, {w}, {sum}")

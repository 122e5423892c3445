"""The multiplications of a list of weights (`codegen.assembly.listed`) on Armv6-M: 14 instructions
for the six products of a tile, six for the one of a dense layer."""

from __future__ import annotations

from collections.abc import Callable

from codegen.assembly.armv6_m.frame import HIGH
from codegen.assembly.block import Block, noted
from codegen.assembly.listed import GROUP, HEAD, ListCost

TILE_LIST = ListCost(item=14, head=7, turn=4)
DENSE_LIST = ListCost(item=6, head=7, turn=4)
BYTES = 2
"""Of every instruction of an item."""


@noted
def multiply_listed(b: Block, item: Callable[[Block, int], None], cost: ListCost) -> None:
    """The items of one list, whose ``{list}`` moves on to what follows it.

    Args:
        b: the function; ``{skip}``, ``{groups}`` and r0 are overwritten.
        item: multiplies by the weight at an offset from ``{list}``.
        cost: instructions of an item.
    """
    head, done = b.labels("head done")
    b.op("ldrb {skip}, [{list}]")
    b.op("ldrb {groups}, [{list}, #1]")
    b.op("adds {list}, #{n}", n=HEAD)
    b.op("subs {list}, {list}, {skip}")
    b.op("subs {list}, {list}, {skip}")
    b.op("movs r0, #{n}", n=BYTES * cost.item)
    b.op("muls {skip}, r0")
    b.op("add pc, {skip}")
    b.op("nop")  # the program counter reads as what follows
    b.place(head)
    for i in range(GROUP):
        item(b, 2 * i)
    b.op("adds {list}, #{n}", n=2 * GROUP)
    b.op("subs {groups}, #1")
    b.op("bmi {to}", to=done)
    b.op("b {to}", to=head)
    b.place(done)


def tile_item(b: Block, at: int) -> None:
    """Six pixels, three in two words, by one weight; r5 points to the tile."""
    b.op(f"ldrb r4, [{{list}}, #{at + 1}]")
    b.op("lsls r4, r4, #4")
    b.op("adds r4, r4, r5")
    b.op("ldm r4!, {{r0-r3}}")
    b.op(f"ldrb r4, [{{list}}, #{at}]")
    b.op("sxtb r4, r4")
    for i, total in enumerate(HIGH):
        b.op(f"muls r{i}, r4")
        b.op(f"add {total}, r{i}")


def dense_item(b: Block, at: int) -> None:
    """One input by one weight."""
    b.op(f"ldrb {{x}}, [{{list}}, #{at + 1}]")
    b.op("ldrsb {x}, [{at}, {x}]")
    b.op(f"ldrb {{w}}, [{{list}}, #{at}]")
    b.op("sxtb {w}, {w}")
    b.op("muls {w}, {x}")
    b.op("adds {sum}, {sum}, {w}")

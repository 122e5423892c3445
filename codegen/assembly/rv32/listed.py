"""The multiplications of a list of weights (`codegen.assembly.listed`) on RV32."""

from __future__ import annotations

from collections.abc import Callable

from codegen.assembly.block import Block, noted
from codegen.assembly.listed import GROUP, HEAD, ListCost

BYTES = 4
"""Of every instruction of an item."""


@noted
def multiply_listed(
    b: Block, items: str, item: Callable[[Block, int], None], cost: ListCost
) -> None:
    """The items of one list, whose ``{list}`` moves on to what follows it.

    Args:
        b: the function; ``{items}`` holds the address of the first item, ``{skip}``, ``{groups}``
            and ``{u}`` are overwritten.
        items: label of the first item.
        item: multiplies by the weight at an offset from ``{list}``.
        cost: instructions of an item.
    """
    b.op("lbu {skip}, 0({list})")
    b.op("lbu {groups}, 1({list})")
    b.op("li {u}, {n}", n=BYTES * cost.item)
    b.op("sub {list}, {list}, {skip}")
    b.op("sub {list}, {list}, {skip}")
    b.op("mul {skip}, {skip}, {u}")
    b.op("add {skip}, {skip}, {items}")
    b.op("jr {skip}")
    b.op(".option push")
    b.op(".option norvc")
    b.place(items)
    for i in range(GROUP):
        item(b, HEAD + 2 * i)
    b.op(".option pop")
    b.op("addi {list}, {list}, {n}", n=2 * GROUP)
    b.op("addi {groups}, {groups}, -1")
    b.op("bgez {groups}, {to}", to=items)
    b.op("addi {list}, {list}, {n}", n=HEAD)

"""A row of taps of depthwise windows on Armv7E-M: two or four neighbouring outputs of a channel.

Inputs are halfwords in pairs of columns, weights in pairs of neighbours, 256 times their value.
With stride 1 a window that begins with the first half of a word takes the pairs that begin at even
taps and the last tap alone, one that begins with the second half the first tap alone and the pairs
that begin at odd taps. With stride 2 all windows begin with whole words. So a row of ``2 m + 1``
taps is ``m + 1`` dual multiplications.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen.assembly.armv7e_m.depthwise_area_pack import PITCH
from codegen.assembly.block import WORD, Block

DATA, WEIGHTS = "r12", "lr"
"""Addresses of packed inputs and of expanded weights."""


@dataclass(frozen=True)
class Product:
    """A dual multiplication: of which sum, by which instruction, of which words."""

    sum: int
    op: str
    data: int
    weight: int


def pairs_of(width: int, stride: int) -> int:
    """Pairs of weights of a row."""
    return width - 1 if stride == 1 else (width + 1) // 2


def products_of(width: int, stride: int, outputs: int) -> list[Product]:
    """All of a row; input words and pairs of weights from 0 up."""
    half = width // 2
    found = []
    for o in range(outputs):
        if stride == 2:
            found += [Product(o, "smlad", o + j, j) for j in range(half + 1)]
            continue
        first, odd = divmod(o, 2)
        found += [Product(o, "smlad", first + odd + j, 2 * j + odd) for j in range(half)]
        if odd:
            found.append(Product(o, "smlatb", first, 0))
        else:
            found.append(Product(o, "smlabt", first + half, width - 2))
    return found


def row_of_taps(b: Block, products: Sequence[Product], pool: Sequence[str]) -> int:
    """Add a row to the sums in r0 and up; both addresses move on to the next row.

    Either all inputs or all weights are in registers of the ``pool`` (ascending numbers), the
    others come as many at a time as have room, whatever takes fewer loads. Sums take turns, so
    that no product waits for the one before it.

    Returns:
        Instructions.
    """
    start = len(b.lines)
    data, weights = (1 + max(getattr(p, kind) for p in products) for kind in ("data", "weight"))
    room = {"data": len(pool) - data, "weight": len(pool) - weights}
    count = {"data": weights, "weight": data}
    able = [kind for kind in room if room[kind] > 0]
    held = min(able, key=lambda kind: -(-count[kind] // room[kind]))
    address = {"data": DATA, "weight": WEIGHTS}
    other = "weight" if held == "data" else "data"
    kept = data if held == "data" else weights
    _load(b, pool[:kept], address[held])
    for first in range(0, count[held], room[held]):
        now = range(first, min(first + room[held], count[held]))
        _load(b, pool[kept : kept + len(now)], address[other])
        some = [p for p in products if getattr(p, other) in now]
        for p in sorted(some, key=lambda p: getattr(p, other)):
            words = {held: getattr(p, held), other: kept + getattr(p, other) - first}
            inputs, factors = pool[words["data"]], pool[words["weight"]]
            b.op(f"{p.op} r{p.sum}, {inputs}, {factors}, r{p.sum}")
    b.op(f"add {DATA}, {DATA}, #{PITCH - WORD * data}")
    return len(b.lines) - start


def _load(b: Block, registers: Sequence[str], address: str) -> None:
    if len(registers) == 1:
        b.op(f"ldr {registers[0]}, [{address}], #4")
    else:
        b.op(f"ldm {address}!, {{{{{', '.join(registers)}}}}}")

"""The inner loop of packed products: four words of activations against four filters.

Sixteen sums stay in registers. A position of the window takes 4 loads of activations, 4 of weights,
16 multiplications and 16 additions for 24 products (`codegen/c/kernels/packed/ek_packed.h`).
"""

from __future__ import annotations

from codegen.assembly.block import noted
from codegen.assembly.cost import Cost
from codegen.assembly.rv32.registers import Function

SLOTS, WORDS, FILTERS = 6, 4, 4
UNROLL = 4
"""Positions in one turn of the loop."""
COLUMN = 4 * WORDS
"""Bytes of a packed position."""
FIELD_BITS = 21
FIRST, SECOND = 0x00100000, 0x40100000
"""What the two sums of a triple start with: 2**20 in each of their fields."""

SUMS = ("t1", "t2", "t3", "t4", "t5", "t6", *(f"s{i}" for i in range(1, 11)))
FREE = ("a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "s0", "s11", "ra")
"""Registers without a sum, all of them free once the loop is done."""


def sums_of(filter: int) -> tuple[str, ...]:
    """The registers of one filter's four sums."""
    return SUMS[WORDS * filter : WORDS * (filter + 1)]


def name_operands(b: Function) -> None:
    """The registers beside sums and activations while products are summed."""
    b.name(x="a4", w="a5", weight="a6", p="a7", q="s0", end="t0")


@noted
def products(b: Function) -> None:
    """Sum the products of all positions with a block of filters.

    The frame holds ``columns`` and ``end`` (pointers) and ``weights``, which moves on by a block.
    """
    name_operands(b)
    b.note("16 sums: 2 triples of pixels x 4 filters")
    for register in (r for f in range(FILTERS) for r in sums_of(f)):
        start = (FIRST, SECOND)[SUMS.index(register) % 2]
        b.op("lui {r}, {start}", r=register, start=start >> 12)
    b.load(b.reg("x"), "columns")
    b.load(b.reg("end"), "end")
    b.load(b.reg("w"), "weights")
    closing = (
        f"addi {{x}}, {{x}}, {UNROLL * COLUMN}",
        f"addi {{w}}, {{w}}, {UNROLL * FILTERS}",
        "bne {x}, {end}, {head}",
    )
    with b.loop(*closing):
        for position in range(UNROLL):
            multiply_position(b, position, FILTERS * position, "lw", 4)
    b.store(b.reg("w"), "weights")


def multiply_position(b: Function, position: int, w_at: int, load: str, size: int) -> None:
    """Four activations, each of ``size`` bytes, with the weights of four filters."""
    columns = FREE[:WORDS]
    for i, column in enumerate(columns):
        b.op(f"{load} {{c}}, {{at}}({{x}})", c=column, at=size * (WORDS * position + i))
    for f in range(FILTERS):
        b.op("lb {weight}, {at}({w})", at=w_at + f)
        _multiply(b, columns, sums_of(f))


def _multiply(b: Function, columns: tuple[str, ...], sums: tuple[str, ...]) -> None:
    """Two products under way at a time, for cores whose multiplier has a latency."""
    for i in range(0, WORDS, 2):
        b.op("mul {p}, {c}, {weight}", c=columns[i])
        b.op("mul {q}, {c}, {weight}", c=columns[i + 1])
        b.op("add {s}, {s}, {p}", s=sums[i])
        b.op("add {s}, {s}, {q}", s=sums[i + 1])


def products_count(positions: int) -> Cost:
    """Instructions of `products`."""
    each = WORDS + FILTERS * (1 + 2 * WORDS)
    loops = 4 + 3 * (positions // UNROLL)
    return Cost(products=positions * each, requantize=FILTERS * WORDS, control=loops)

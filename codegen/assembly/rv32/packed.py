"""Functions of packed products: the assembly behind `codegen/c/kernels/packed`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codegen.assembly.block import noted
from codegen.assembly.cost import Cost
from codegen.assembly.rv32.blocks import load_constants, next_block
from codegen.assembly.rv32.outputs import (
    SATURATED,
    clamp_and_store,
    clamp_suffix,
    point_at,
    scale,
    unpack,
)
from codegen.assembly.rv32.products import (
    COLUMN,
    FILTERS,
    FREE,
    SLOTS,
    products,
    products_count,
    sums_of,
)
from codegen.assembly.rv32.registers import SAVED, Function

WEIGHTS, TABLE, POSITIONS, N_FILTERS, LOW, TOP, ZERO, START, LEFT = (4 * i for i in range(9))
"""Fields of ``ek_packed``."""
PIXELS = tuple(f"pixel{i}" for i in range(SLOTS))
_BLOCK_WORDS = (*PIXELS, "y", "columns", "end", "weights", "channel", "last", "top", "row")


def block(low: int, top: int) -> Function:
    """``ek_packed_block_s8(layer, words, y, pixels)``."""
    b = Function(f"packed_block{clamp_suffix(low, top)}", _BLOCK_WORDS)
    _enter_block(b)
    with b.loop("bnez {left}, {head}"):
        products(b)
        pointers = FREE[:SLOTS]
        b.name(multiplier="a6", offset="a7", shift="t0", u="s0", t="s11", top="ra")
        b.load(b.reg("t"), "channel")
        point_at(b, pointers, b.reg("t"), b.reg("u"))
        b.load(b.reg("top"), "top")
        for f in range(FILTERS):
            b.load(b.reg("shift"), "row")
            load_constants(b, "shift", f)
            for triple in range(2):
                first, second = sums_of(f)[2 * triple : 2 * triple + 2]
                places = [f"{f}({p})" for p in pointers[3 * triple : 3 * triple + 3]]
                unpack(b, first, second, output(b, low, top, places))
        next_block(b, FILTERS)
    b.finish()
    return b


def output(b: Function, low: int, top: int, places: Sequence[str]) -> Callable[[int], None]:
    """Scales and stores each number of a triple."""

    def use(i: int) -> None:
        scale(b)
        clamp_and_store(b, low, top, places[i])

    return use


def block_count(positions: int, filters: int) -> Cost:
    """Instructions of one call of `block`, half of the outputs clamped."""
    blocks = -(-filters // FILTERS)
    outputs = FILTERS * SLOTS * (3 + 3 + 3) + FILTERS * SLOTS * SATURATED // 2
    around = Cost(requantize=outputs + 4 * FILTERS, control=2 * SLOTS + 4 + 19)
    return 2 * len(SAVED) + 42 + blocks * (products_count(positions) + around)


@noted
def enter_products(b: Function) -> None:
    """The words of the frame that `products` wants, from ``{layer}`` and ``{words}``."""
    b.store(b.reg("words"), "columns")
    b.op("lw {u}, {at}({layer})", at=POSITIONS)
    b.op("slli {u}, {u}, {shift}", shift=COLUMN.bit_length() - 1)
    b.op("add {u}, {u}, {words}")
    b.store(b.reg("u"), "end")
    b.op("lw {u}, {at}({layer})", at=WEIGHTS)
    b.store(b.reg("u"), "weights")


@noted
def _enter_block(b: Function) -> None:
    """Fill the frame from the arguments."""
    b.name(layer="a0", words="a1", y="a2", pixels="a3", u="t0", v="t1", n="t2")
    enter_products(b)
    b.store(b.reg("y"), "y")
    for field, word in ((TABLE, "row"), (TOP, "top")):
        b.op("lw {u}, {at}({layer})", at=field)
        b.store(b.reg("u"), word)
    b.op("lw {n}, {at}({layer})", at=N_FILTERS)
    b.op("addi {u}, {n}, {less}", less=-FILTERS)
    b.store(b.reg("u"), "last")
    b.store("zero", "channel")
    b.note("offsets of the six pixels; those that are not wanted are the last one again")
    b.op("mv {v}, zero")
    b.store("zero", PIXELS[0])
    for word in PIXELS[1:]:
        same = b.label("same")
        b.op("addi {pixels}, {pixels}, -1")
        b.op("blez {pixels}, {same}", same=same)
        b.op("add {v}, {v}, {n}")
        b.place(same)
        b.store(b.reg("v"), word)

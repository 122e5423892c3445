"""Functions for windows that are computed in parts: sums of a part, and outputs from all sums."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from codegen.assembly.block import noted
from codegen.assembly.cost import Cost
from codegen.assembly.rv32.blocks import ENTRY, load_constants
from codegen.assembly.rv32.outputs import (
    SATURATED,
    clamp_and_store,
    clamp_suffix,
    scale,
    scale_signed,
    unpack_low,
)
from codegen.assembly.rv32.packed import (
    LEFT,
    N_FILTERS,
    START,
    TABLE,
    TOP,
    ZERO,
    enter_products,
)
from codegen.assembly.rv32.products import (
    FIELD_BITS,
    FILTERS,
    SLOTS,
    products,
    products_count,
    sums_of,
)
from codegen.assembly.rv32.registers import SAVED, Function

ADDED = 3
"""Instructions that add a number to its sum in memory."""


def part() -> Function:
    """``ek_packed_part_s8(part, words, sums)``."""
    b = Function("packed_part", ("columns", "end", "weights", "sums", "filters"))
    b.name(layer="a0", words="a1", sums="a2", u="t0")
    enter_products(b)
    b.store(b.reg("sums"), "sums")
    b.op("lw {u}, {at}({layer})", at=N_FILTERS)
    b.store(b.reg("u"), "filters")
    with b.loop("bgtz {filters}, {head}"):
        products(b)
        b.name(u="a0", t="a1", mask="a2", sums="a3", filters="a4", old="a5")
        b.load(b.reg("sums"), "sums")
        load_mask(b)
        for f in range(FILTERS):
            for triple in range(2):
                first, second = sums_of(f)[2 * triple : 2 * triple + 2]
                unpack_low(b, first, second, adder(b, 4 * (SLOTS * f + 3 * triple)))
        b.op("addi {sums}, {sums}, {step}", step=4 * SLOTS * FILTERS)
        b.store(b.reg("sums"), "sums")
        b.load(b.reg("filters"), "filters")
        b.op("addi {filters}, {filters}, -{n}", n=FILTERS)
        b.store(b.reg("filters"), "filters")
    b.finish()
    return b


def load_mask(b: Function) -> None:
    """``{mask}`` of `unpack_low`."""
    b.op("lui {mask}, {upper}", upper=1 << (FIELD_BITS - 12))
    b.op("addi {mask}, {mask}, -1")


def adder(b: Function, start: int) -> Callable[[int], None]:
    """Adds the numbers of a triple to the sums from ``start`` on."""

    def add(i: int) -> None:
        b.op("lw {old}, {at}({sums})", at=start + 4 * i)
        b.op("add {old}, {old}, {u}")
        b.op("sw {old}, {at}({sums})", at=start + 4 * i)

    return add


def part_count(positions: int, filters: int) -> Cost:
    """Instructions of one call of `part`."""
    sums = Cost(packing=FILTERS * (2 * 8 + SLOTS * ADDED), control=10)
    return 2 * len(SAVED) + 14 + -(-filters // FILTERS) * (products_count(positions) + sums)


def finish(low: int, top: int, is_signed: bool) -> Function:
    """``ek_packed_finish_s8(layer, sums, y, pixels)``, or that with a correction."""
    kind = "_signed" if is_signed else ""
    b = Function(f"packed_finish{kind}{clamp_suffix(low, top)}", ())
    pointers = ("a4", "a5", "a6", "a7", "t0", "t1")
    b.name(layer="a0", sums="a1", y="a2", pixels="a3", n="t2", row="t3", top="t4", left="t5")
    b.name(start="t6", zero="s0", u="s1", t="s2", multiplier="s3", offset="s4", shift="s5")
    b.name(correction="s6")
    for register, at in (("n", N_FILTERS), ("row", TABLE), ("top", TOP), ("left", LEFT)):
        b.op(f"lw {{{register}}}, {{at}}({{layer}})", at=at)
    b.op("lw {start}, {at}({layer})", at=START)
    b.op("lw {zero}, {at}({layer})", at=ZERO)
    point(b, pointers)
    with b.loop("bnez {n}, {head}"):
        load_constants(b, "row")
        if is_signed:
            b.op("srai {correction}, {shift}, 5")
        for i, pointer in enumerate(pointers):
            b.op("lw {u}, {at}({sums})", at=4 * i)
            b.op("sw {start}, {at}({sums})", at=4 * i)
            b.op("sll {u}, {u}, {left}")
            (scale_signed if is_signed else scale)(b)
            clamp_and_store(b, low, top, f"0({pointer})")
            b.op("addi {p}, {p}, 1", p=pointer)
        b.op("addi {sums}, {sums}, {step}", step=4 * SLOTS)
        b.op("addi {row}, {row}, {step}", step=ENTRY)
        b.op("addi {n}, {n}, -1")
    b.finish()
    return b


@noted
def point(b: Function, pointers: tuple[str, ...]) -> None:
    """The six pixels' outputs; those that are not wanted are the last one again."""
    b.op("mv {p}, {y}", p=pointers[0])
    for before, pointer in itertools.pairwise(pointers):
        same = b.label("same")
        b.op("addi {pixels}, {pixels}, -1")
        b.op("mv {p}, {before}", p=pointer, before=before)
        b.op("blez {pixels}, {same}", same=same)
        b.op("add {p}, {p}, {n}", p=pointer)
        b.place(same)


def finish_count(filters: int, is_signed: bool) -> Cost:
    """Instructions of one call of `finish`, half of the outputs clamped."""
    each = SLOTS * (4 + (8 if is_signed else 3) + 3) + SLOTS * SATURATED // 2
    return 2 * len(SAVED) + 30 + filters * Cost(requantize=each + 3 + is_signed, control=4)

"""Functions of packed products that skip weights of zero, one filter at a time: 16 instructions for
the six products of a column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.listed import ListCost
from codegen.assembly.rv32.blocks import ENTRY, load_constants
from codegen.assembly.rv32.listed import multiply_listed
from codegen.assembly.rv32.outputs import SATURATED, clamp_suffix, unpack, unpack_low
from codegen.assembly.rv32.packed import N_FILTERS, TABLE, TOP, WEIGHTS, output
from codegen.assembly.rv32.parts import ADDED, adder, load_mask, point
from codegen.assembly.rv32.products import COLUMN, FIRST, SECOND, SLOTS, WORDS
from codegen.assembly.rv32.registers import SAVED, Function

COLUMN_LIST = ListCost(item=16, head=9, turn=3)
_COLUMN = ("a0", "a1", "a2", "a3")
_SUMS = ("t1", "t2", "t3", "t4")


def _column_item(b: Block, at: int) -> None:
    b.op("lb {w}, {at}({list})", at=at)
    b.op("lbu {p}, {at}({list})", at=at + 1)
    b.op("slli {p}, {p}, {bits}", bits=COLUMN.bit_length() - 1)
    b.op("add {p}, {p}, {columns}")
    for i, column in enumerate(_COLUMN):
        b.op("lw {c}, {at}({p})", c=column, at=4 * i)
    for i in range(0, WORDS, 2):  # two products under way at a time
        for register, column in zip("pq", _COLUMN[i : i + 2], strict=True):
            b.op(f"mul {{{register}}}, {column}, {{w}}")
        for register, total in zip("pq", _SUMS[i : i + 2], strict=True):
            b.op(f"add {total}, {total}, {{{register}}}")


@noted
def _columns(b: Function, items: str) -> None:
    """The four sums of the next filter."""
    for i, register in enumerate(_SUMS):
        b.op("lui {r}, {start}", r=register, start=(FIRST, SECOND)[i % 2] >> 12)
    multiply_listed(b, items, _column_item, COLUMN_LIST)


def _enter(b: Function, items: str) -> None:
    """Registers of `_columns`, from ``{layer}`` and ``{words}``."""
    b.name(w="t0", p="t5", q="t6", skip="t0", groups="a7", list="a5", columns="a6", u="a4")
    b.name(items="s0", left="s9")
    b.op("lw {list}, {at}({layer})", at=WEIGHTS)
    b.op("lw {left}, {at}({layer})", at=N_FILTERS)
    b.op("lla {items}, {to}", to=items)


def block(low: int, top: int) -> Function:
    """``ek_packed_listed_s8(layer, words, y, pixels)``."""
    b = Function(f"packed_listed{clamp_suffix(low, top)}", ())
    items = b.label("items")
    pointers = ("s1", "s2", "s3", "s4", "s5", "s6")
    b.name(layer="a0", words="a1", y="a2", pixels="a3", row="s7", top="s8", n="s9")
    _enter(b, items)
    b.op("lw {row}, {at}({layer})", at=TABLE)
    b.op("lw {top}, {at}({layer})", at=TOP)
    b.op("mv {columns}, {words}")
    point(b, pointers)
    b.name(multiplier="a0", offset="a1", shift="a2", t="a3")
    with b.loop("bnez {left}, {head}"):
        _columns(b, items)
        load_constants(b, "row")
        for triple in range(2):
            places = [f"0({p})" for p in pointers[3 * triple : 3 * triple + 3]]
            first, second = _SUMS[2 * triple : 2 * triple + 2]
            unpack(b, first, second, output(b, low, top, places))
        for pointer in pointers:
            b.op("addi {p}, {p}, 1", p=pointer)
        b.op("addi {row}, {row}, {step}", step=ENTRY)
        b.op("addi {left}, {left}, -1")
    b.finish()
    return b


def part() -> Function:
    """``ek_packed_listed_part_s8(part, words, sums)``."""
    b = Function("packed_listed_part", ())
    items = b.label("items")
    b.name(layer="a0", words="a1")
    _enter(b, items)
    b.op("mv {columns}, {words}")
    b.name(sums="s1", mask="s2", t="a3", old="a2")
    b.op("mv {sums}, a2")
    load_mask(b)
    with b.loop("bnez {left}, {head}"):
        _columns(b, items)
        for triple in range(2):
            first, second = _SUMS[2 * triple : 2 * triple + 2]
            unpack_low(b, first, second, adder(b, 12 * triple))
        b.op("addi {sums}, {sums}, {step}", step=4 * SLOTS)
        b.op("addi {left}, {left}, -1")
    b.finish()
    return b


def block_count(rows: NDArray[np.int8]) -> Cost:
    """Instructions of one call of `block` with weights of shape (filters, positions), half of the
    outputs clamped."""
    outputs = SLOTS * (3 + 3 + 3) + SLOTS * SATURATED // 2
    each = Cost(requantize=outputs + 3 + WORDS, control=SLOTS + 3)
    lists = Cost(products=COLUMN_LIST.total([rows]), control=2 * len(SAVED) + 27)
    return lists + len(rows) * each


def part_count(rows: NDArray[np.int8]) -> Cost:
    """Instructions of one call of `part` with such weights."""
    each = Cost(packing=2 * 8 + SLOTS * ADDED, requantize=WORDS, control=3)
    lists = Cost(products=COLUMN_LIST.total([rows]), control=2 * len(SAVED) + 12)
    return lists + len(rows) * each

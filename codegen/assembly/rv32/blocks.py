"""Blocks of filters one after the other, and the constants of their requantization."""

from __future__ import annotations

from codegen.assembly.block import noted
from codegen.assembly.rv32.registers import Function

ENTRY = 12
"""Bytes of the table for one filter."""


def load_constants(b: Function, row: str, index: int = 0) -> None:
    """``{multiplier}``, ``{offset}`` and ``{shift}`` of a filter; ``row`` names the register that
    points at the table, and may be ``shift``."""
    for at, name in enumerate(("multiplier", "offset", "shift")):
        b.op(f"lw {{{name}}}, {{at}}({{{row}}})", at=ENTRY * index + 4 * at)


@noted
def next_block(b: Function, filters: int) -> None:
    """On to the next filters; ``{left}`` is 0 after the last.

    The last block starts so that it ends with the last filter. The frame holds the ``channel`` that
    a block starts with, that of the ``last``, and its ``row`` of the table.
    """
    b.name(channel="a0", last="a1", row="a2", left="a3", step="a4")
    fits = b.label("fits")
    b.load(b.reg("channel"), "channel")
    b.load(b.reg("last"), "last")
    b.load(b.reg("row"), "row")
    b.op("sub {left}, {last}, {channel}")
    b.op("li {step}, {n}", n=filters)
    b.op("bge {left}, {step}, {fits}", fits=fits)
    b.op("mv {step}, {left}")
    b.place(fits)
    b.op("add {channel}, {channel}, {step}")
    b.store(b.reg("channel"), "channel")
    b.op("slli {last}, {step}, 3")
    b.op("slli {step}, {step}, 2")
    b.op("add {row}, {row}, {last}")
    b.op("add {row}, {row}, {step}")
    b.store(b.reg("row"), "row")


NEXT_BLOCK = 15
"""Instructions of `next_block`."""

"""From packed sums to outputs: fields taken apart, scaled, clamped, stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codegen.assembly.block import noted
from codegen.assembly.rv32.products import FIELD_BITS
from codegen.assembly.rv32.registers import Function

UPPER = 32 - FIELD_BITS
SATURATED = 2
"""Instructions more for an output that is clamped, of which half are expected to be."""


def unpack(b: Function, first: str, second: str, use: Callable[[int], None]) -> None:
    """Call ``use`` for each number of a triple, when ``{u}`` holds it at the top of a word.

    ``use`` may change ``{u}`` and ``{t}``. The sums are destroyed. Nine instructions.
    """
    b.op("slli {u}, {s}, {up}", s=first, up=UPPER)
    use(0)
    b.op("srli {s}, {s}, {bits}", s=first, bits=FIELD_BITS)
    b.op("slli {t}, {s}, 10", s=first)
    b.op("sub {d}, {d}, {t}", d=second)
    b.op("slli {u}, {d}, {up}", d=second, up=UPPER)
    use(1)
    b.op("srli {u}, {d}, {bits}", d=second, bits=FIELD_BITS)
    b.op("slli {u}, {u}, 11")
    b.op("add {u}, {u}, {s}", s=first)
    b.op("slli {u}, {u}, {up}", up=UPPER)
    use(2)


def unpack_low(b: Function, first: str, second: str, use: Callable[[int], None]) -> None:
    """As `unpack`, with the numbers at the bottom of ``{u}``; ``{mask}`` has `FIELD_BITS` ones.
    Eight instructions."""
    b.op("and {u}, {s}, {mask}", s=first)
    use(0)
    b.op("srli {s}, {s}, {bits}", s=first, bits=FIELD_BITS)
    b.op("slli {t}, {s}, 10", s=first)
    b.op("sub {d}, {d}, {t}", d=second)
    b.op("and {u}, {d}, {mask}", d=second)
    use(1)
    b.op("srli {u}, {d}, {bits}", d=second, bits=FIELD_BITS)
    b.op("slli {u}, {u}, 11")
    b.op("add {u}, {u}, {s}", s=first)
    use(2)


def scale(b: Function) -> None:
    """``{u}``: from the field to the value that is clamped (see `scale`). Three instructions."""
    b.op("mulhu {u}, {u}, {multiplier}")
    b.op("add {u}, {u}, {offset}")
    b.op("sra {u}, {u}, {shift}")


def scale_signed(b: Function) -> None:
    """The same with a correction below zero. Eight instructions."""
    b.op("mulhu {u}, {u}, {multiplier}")
    b.op("add {u}, {u}, {offset}")
    b.op("srai {t}, {u}, 31")
    b.op("and {t}, {t}, {correction}")
    b.op("add {u}, {u}, {t}")
    b.op("sra {u}, {u}, {shift}")
    b.op("add {u}, {u}, {zero}")
    b.op("srai {u}, {u}, 1")


def clamp_suffix(low: int, top: int) -> str:
    """What tells functions of different clamps apart."""
    return "" if (low, top) == (-128, 255) else f"_{low + 128}_{top}"


def clamp_and_store(b: Function, low: int, top: int, address: str) -> None:
    """Clamp ``{u}`` to [0, top], move it to where outputs begin and store it.

    Three instructions, and `SATURATED` (one more for a narrow clamp) where the clamp acts: below
    zero the complement's sign is 0, above it is -1.
    """
    good = b.label("good")
    b.op("bgeu {top}, {u}, {good}", good=good)
    b.op("not {u}, {u}")
    b.op("srai {u}, {u}, 31")
    if top != 255:
        b.op("and {u}, {u}, {top}")
    b.place(good)
    b.op("addi {u}, {u}, {low}", low=low)
    b.op("sb {u}, {address}", address=address)


@noted
def point_at(b: Function, pointers: Sequence[str], channel: str, start: str) -> None:
    """The pixels' output pointers, from the offsets and the words ``channel`` and ``y`` of the
    frame."""
    b.load(start, "y")
    b.op("add {s}, {s}, {c}", s=start, c=channel)
    for i, pointer in enumerate(pointers):
        b.load(pointer, f"pixel{i}")
        b.op("add {p}, {p}, {s}", p=pointer, s=start)

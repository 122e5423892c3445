"""What a reader of an assembly function finds beside its instructions."""

from __future__ import annotations

import re

import pytest

from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M, RV32, Isa
from codegen.c.assembly import assembly_texts
from codegen.c.writer import Writer


@noted
def clear(b: Block) -> None:
    """Nothing in `x`, then ``{y}``.

    This is for readers of the generator.
    """
    b.op("mov {x}, #0")


class Holder:
    """Holds the function that it writes."""

    def __init__(self, b: Block) -> None:
        self.b = b

    @noted
    def clear(self) -> None:
        """All of it."""
        clear(self.b)


def test_docstrings_become_comments() -> None:
    b = Block("f")
    b.name(x="r0")
    Holder(b).clear()
    assert b.text() == (
        "    /* All of it. */",
        "    /* Nothing in x, then y. */",
        "    mov r0, #0",
    )


def test_long_comments_go_on_in_further_lines() -> None:
    b = Block("f")
    b.note("word " * 40)
    assert len(b.text()) == 3
    assert all(re.fullmatch(r" {4}/\* (word ?)+ \*/", line) for line in b.text())


def test_a_part_of_the_cost_is_named_once_and_comments_cost_nothing() -> None:
    b = Block("f")
    with b.part("products"):
        b.op("mul r0, r0, r1")
        with b.part("products"):
            b.op("mul r0, r0, r1")
        with b.part("requantize"):
            b.note("and *this*")
            b.op("ssat r0, #8, r0")
    names = [line for line in b.text() if "/*" in line]
    assert names == ["    /* products */", "    /* requantize */", "    /* and *this* */"]
    assert b.cost() == Cost(products=2, requantize=1)


def test_labels_have_names_and_differ() -> None:
    b = Block("f")
    done, again = b.labels("done again")
    assert [done, again, b.label("done")] == [".L{symbol}.done", ".L{symbol}.again", f"{done}.2"]
    with b.loop("bne {head}") as head:
        assert head == ".L{symbol}.loop"


def test_the_legend_tells_names_that_move() -> None:
    b = Block("f")
    assert b.legend() == ""
    b.name(x="r0", y="r1")
    b.name(x="r0", y="r2")
    assert b.legend() == "x r0; at first, later in others: y r1"


@pytest.mark.parametrize(("isa", "first"), [(ARMV7E_M, "r0"), (RV32, "a0")])
def test_the_head_says_what_arguments_and_registers_hold(isa: Isa, first: str) -> None:
    b = Block("clip")
    b.name(value="r5")
    w = Writer("m")
    w.function(isa, b, "ek_clip_s8")
    (text,) = assembly_texts("m", [w])
    about = " ".join(text["about"])
    assert about.startswith("As ek_clip_s8: int8 clamp in the tensor's own scale. ")
    assert f"Arguments: size {first}, low " in about
    assert ("y on the stack" in about) == (isa is ARMV7E_M)
    assert about.endswith("Registers: value r5.")

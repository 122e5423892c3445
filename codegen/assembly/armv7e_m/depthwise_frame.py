"""Registers, local variables and jumps of the depthwise function: what its parts write with."""

from __future__ import annotations

from codegen.assembly.block import Block

SLOTS = 4
"""Column pairs in one turn of the inner loop."""
PAIR_BYTES = 64
"""A pair of columns in scratch: four words for each of four channels."""
OUTPUT_BYTES = 16
"""Outputs of one pair: two rows, two columns, four channels."""
FIELDS = (
    "filters", "channels", "in_row", "out_row", "in_h", "out_h", "out_w", "pairs", "half", "odd",
    "left", "right", "pad_top", "pad", "band", "step", "bands", "shift",
)  # fmt: skip
"""The words of an ``ek_depthwise3x3``."""
FRAME = (
    "args", "x", "y", "tile", "span", "end", "outputs", "half", "back", "pad", "whole", "enter_a",
    "enter_b", "enter_whole", "leave_a", "leave_b", "filter", "channel", "band", "bands", "middle",
    "top", "bottom", "out", "is_top", "is_bottom",
)  # fmt: skip
"""Local variables, a word each, from SP up."""


class Writer:
    """A function under construction.

    Attributes:
        b: its text.
        at: labels that one part places and another jumps to.
    """

    def __init__(self, symbol: str) -> None:
        self.b = Block(symbol)
        self.op = self.b.op
        names = ("loop_a", "loop_b", "pad_a", "pad_b", "after_a", "after_b", "skip_a")
        self.at = {name: self.b.label() for name in names}

    def get(self, register: str, variable: str) -> None:
        """Load a local variable into a register."""
        self.op(f"ldr {register}, [sp, #{4 * FRAME.index(variable)}]")

    def put(self, register: str, variable: str) -> None:
        """Store a register as a local variable."""
        self.op(f"str {register}, [sp, #{4 * FRAME.index(variable)}]")

    def field(self, register: str, name: str, args: str) -> None:
        """Load a field of the arguments, ``args`` holding their address."""
        self.op(f"ldr {register}, [{args}, #{4 * FIELDS.index(name)}]")

    def address(self, register: str, label: str) -> None:
        """The address of code, to be jumped to."""
        self.jump(f"adr.w {register},", self.at[label])
        self.op(f"add {register}, {register}, #1")

    def jump(self, instruction: str, label: str) -> None:
        """An instruction whose last operand is a label."""
        self.op(instruction + " {label}", label=label)

"""Registers, local variables and jumps of the depthwise function: what its parts write with."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.assembly.block import Block, noted

SLOTS = 4
"""Column pairs in one turn of the inner loops."""
FIELDS = (
    "filters", "channels", "in_row", "out_row", "in_h", "out_h", "out_w", "pairs", "half", "odd",
    "left", "right", "pad_top", "pad", "band", "step", "bands", "stride", "shift",
)  # fmt: skip
"""The words of an ``ek_depthwise3x3``."""
FRAME = (
    "args", "x", "y", "tile", "span", "outputs", "half", "back", "pad", "whole", "enter_a",
    "enter_b", "enter_whole", "turn_a", "turn_b", "leave_a", "leave_b", "filter", "channel",
    "band", "bands", "middle", "top", "bottom", "out", "is_top", "is_bottom", "expand",
)  # fmt: skip
"""Local variables, a word each, from SP up."""


class Writer:
    """A function under construction.

    Attributes:
        b: its text.
        at: labels that one part places and another jumps to.
        channel: bytes of one channel's words of a pair of columns in scratch.
        pair: bytes of four channels of it.
    """

    def __init__(self, symbol: str, words: int, labels: Sequence[str]) -> None:
        self.b = Block(symbol)
        self.op = self.b.op
        self.at = {name: self.b.label(name) for name in labels}
        self.channel = 4 * words
        self.pair = 4 * self.channel

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

    @noted
    def enter(self) -> None:
        """The function's head: arguments become variables, and so do sizes of the scratch."""
        self.op("push {{r4-r11, lr}}")
        self.op(f"sub sp, sp, #{4 * len(FRAME)}")
        for number, name in enumerate(("args", "x", "y", "tile")):
            self.put(f"r{number}", name)
        self.field("r4", "pairs", "r0")
        self.op(f"mov r6, #{self.pair}")
        self.op("mul r5, r4, r6")
        self.put("r5", "span")
        self.op("add r5, r3, r5")
        self.put("r5", "outputs")
        self.field("r7", "odd", "r0")
        self.op("mls r5, r7, r6, r5")
        self.put("r5", "whole")
        for name in ("half", "pad", "band", "bands"):
            self.field("r5", name, "r0")
            self.put("r5", name)

    @noted
    def choose_slot(self, slot_bytes: int) -> None:
        """Code bytes before the first of ``r4`` slots, so that whole turns remain, in r6."""
        self.op("rsb r5, r4, #0")
        self.op(f"and r5, r5, #{SLOTS - 1}")
        self.op(f"mov r6, #{slot_bytes}")
        self.op("mul r6, r5, r6")

    @noted
    def choose_turn(self, row: str) -> None:
        """Where the last slot goes: with one turn of ``r4`` slots there is nothing to compare.
        ``r5``: where the row is left to."""
        self.put("r5", f"leave_{row}")
        self.address("r7", f"check_{row}")
        self.op(f"cmp r4, #{SLOTS}")
        self.op("it gt")
        self.op("movgt r5, r7")
        self.put("r5", f"turn_{row}")

    def go(self, variable: str) -> None:
        """Jump to the address in a local variable."""
        self.get("pc", variable)

    @noted
    def turn(self, row: str, free: str) -> None:
        """The end of an inner loop, where a register is free."""
        self.go(f"turn_{row}")
        self.b.place(self.at[f"check_{row}"])
        self.get(free, "outputs")  # behind the last pair
        self.op(f"cmp lr, {free}")
        self.jump("blo", self.at[f"loop_{row}"])
        self.go(f"leave_{row}")

    @noted
    def finish(self, sum: str, shift: int) -> None:
        """Requantize and store an output."""
        self.op(f"smmulr {sum}, {sum}, r6")
        self.op(f"ssat {sum}, #8, {sum}, asr #{shift}")
        self.op(f"strb {sum}, [r12], #4")

    @noted
    def rewind(self, further: int) -> None:
        """Back to the first pair, of this channel or of the next."""
        self.get("r9", "span")
        self.op("sub lr, lr, r9")
        if further:
            self.op(f"add lr, lr, #{further}")

    @noted
    def copy_words(self) -> None:
        """One row's words of four outputs, from r2 to pixels from r3 on, which are r12 apart."""
        pair, test = self.b.labels("pair test")
        self.field("r9", "out_w", "r0")
        self.jump("b", test)
        self.b.place(pair)
        self.op("ldrd r4, r5, [r2], #8")
        self.op("str r4, [r3]")
        self.op("str r5, [r3, r12]")
        self.op("add r3, r3, r12, lsl #1")
        self.b.place(test)
        self.op("subs r9, r9, #2")
        self.jump("bge", pair)
        self.op("adds r9, r9, #1")
        self.op("itt eq")
        self.op("ldreq r4, [r2]")
        self.op("streq r4, [r3]")

    @noted
    def next_quad(self, quad: str, last: str) -> None:
        """The next four channels; the last four may have been met in part."""
        self.get("r0", "args")
        self.field("r1", "channels", "r0")
        self.get("r2", "channel")
        self.op("sub r1, r1, #4")
        self.op("cmp r2, r1")
        self.jump("beq", last)
        self.op("add r2, r2, #4")
        self.op("cmp r2, r1")
        self.op("it gt")
        self.op("movgt r2, r1")
        self.put("r2", "channel")
        self.jump("b", quad)

    @noted
    def next_band(self, band: str) -> None:
        """The next rows; then the function's end."""
        self.get("r0", "args")
        self.field("r1", "step", "r0")
        self.get("r2", "band")
        self.op("add r2, r2, r1")
        self.put("r2", "band")
        self.get("r1", "bands")
        self.op("subs r1, r1, #1")
        self.put("r1", "bands")
        self.jump("bne", band)
        self.op(f"add sp, sp, #{4 * len(FRAME)}")
        self.op("pop {{r4-r11, pc}}")

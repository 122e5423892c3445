"""The text of one assembly function: instructions with named registers, labels, literals.

Registers get names once (`Block.name`), so that a block can be read and its allocation changed in
one place::

    b = Block("conv1x1_k64")
    b.name(x="r10", w="lr", sum="r0")
    b.op("ldr {sum}, [{x}], #4")
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from codegen.assembly.cost import Cost

WORD = 4


def offsets(names: Sequence[str]) -> dict[str, int]:
    """Byte offsets of consecutive words."""
    return {name: WORD * i for i, name in enumerate(names)}


class Block:
    """One function under construction.

    Attributes:
        symbol: the function's name; the model's prefix is put before it when it is emitted.
        lines: instructions, labels and comments so far.
    """

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.lines: list[str] = []
        self._names: dict[str, str] = {}
        self._labels = 0
        self._parts: list[tuple[int, int, str]] = []

    def name(self, **registers: str) -> None:
        """Give registers names for the `op`s that follow; a name may move to another register."""
        self._names.update(registers)

    def reg(self, name: str) -> str:
        """The register behind a name."""
        return self._names[name]

    def op(self, text: str, **more: object) -> None:
        """Append one instruction; ``{name}`` stands for a named register or for one of ``more``.

        Raises:
            KeyError: a name is unknown.
        """
        self.lines.append("    " + text.format_map({**self._names, **more}))

    def note(self, text: str) -> None:
        """Append a comment line."""
        self.lines.append(f"    /* {text} */")

    def label(self) -> str:
        """A new label of this function, to be placed with `place`."""
        self._labels += 1
        return f".L{{symbol}}_{self._labels}"

    def place(self, label: str) -> None:
        """The label stands here."""
        self.lines.append(f"{label}:")

    @contextmanager
    def loop(self, *closing: str) -> Iterator[str]:
        """Repeat what is written inside: gives the label at its head; ``closing`` are the
        instructions at its end, ``{head}`` in the branch standing for the label."""
        head = self.label()
        self.place(head)
        yield head
        for text in closing:
            self.op(text, head=head)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What is written inside is spent on this part of a `Cost`."""
        start = len(self.lines)
        yield
        self._parts.append((start, len(self.lines), name))

    def cost(self) -> Cost:
        """Instructions so far, each counted once; those in no part are control."""
        of_line = ["control"] * len(self.lines)
        for start, stop, name in reversed(self._parts):  # inner parts end first
            of_line[start:stop] = [name] * (stop - start)
        counts = dict.fromkeys(of_line, 0)
        for line, name in zip(self.lines, of_line, strict=True):
            counts[name] += line.startswith("    ") and "/*" not in line
        return Cost(**counts)

    def text(self) -> tuple[str, ...]:
        """The lines; ``{symbol}`` in labels still to be replaced by the function's full name."""
        return tuple(self.lines)

"""The text of one assembly function: instructions with named registers, labels, literals.

Registers get names once (`Block.name`), so that a block can be read and its allocation changed in
one place::

    b = Block("conv1x1_k64")
    b.name(x="r10", w="lr", sum="r0")
    b.op("ldr {sum}, [{x}], #4")
"""

from __future__ import annotations

import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from codegen.assembly.cost import Cost

WORD = 4
LINE = 84
"""Characters of a comment before it goes on in another."""

F = TypeVar("F", bound=Callable[..., None])


def offsets(names: Sequence[str]) -> dict[str, int]:
    """Byte offsets of consecutive words."""
    return {name: WORD * i for i, name in enumerate(names)}


Pieces = frozenset[str | int]
"""What of a function that several layers share the layers need."""


class Block:
    """One function under construction.

    Attributes:
        symbol: the function's name; the model's prefix is put before it when it is emitted.
        lines: instructions, labels and comments so far.
        pieces: which of its pieces it has, where layers need different ones.
        write: makes the function with other pieces.
    """

    def __init__(
        self,
        symbol: str,
        pieces: Pieces = frozenset(),
        write: Callable[[Pieces], Block] | None = None,
    ) -> None:
        self.symbol = symbol
        self.pieces, self.write = pieces, write
        self.lines: list[str] = []
        self._names: dict[str, str] = {}
        self._registers: dict[str, list[str]] = {}
        self._labels: dict[str, int] = {}
        self._part = ""
        self._parts: list[tuple[int, int, str]] = []

    def name(self, **registers: str) -> None:
        """Give registers names for the `op`s that follow; a name may move to another register."""
        self._names.update(registers)
        for name, register in registers.items():
            known = self._registers.setdefault(name, [])
            known += [register] * (register not in known)

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
        """Append a comment, a line or several."""
        self.lines += [f"    /* {line} */" for line in textwrap.wrap(text, LINE)]

    def label(self, name: str) -> str:
        """A new label of this function, to be placed with `place`; of equal names the later ones
        get numbers. No C name has a dot, so that the labels of two functions differ."""
        count = self._labels[name] = self._labels.get(name, 0) + 1
        return f".L{{symbol}}.{name}" + (f".{count}" if count > 1 else "")

    def labels(self, names: str) -> tuple[str, ...]:
        """New labels, one for each of the names, which spaces separate."""
        return tuple(map(self.label, names.split()))

    def place(self, label: str) -> None:
        """The label stands here."""
        self.lines.append(f"{label}:")

    @contextmanager
    def loop(self, *closing: str, name: str = "loop") -> Iterator[str]:
        """Repeat what is written inside: gives the label at its head; ``closing`` are the
        instructions at its end, ``{head}`` in the branch standing for the label."""
        head = self.label(name)
        self.place(head)
        yield head
        for text in closing:
            self.op(text, head=head)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What is written inside is spent on this part of a `Cost`."""
        if name != self._part:
            self.note(name)
        start, outer, self._part = len(self.lines), self._part, name
        yield
        self._part = outer
        self._parts.append((start, len(self.lines), name))

    def legend(self) -> str:
        """What the registers are called, in words; empty where none has a name."""
        first = {name: f"{name} {found[0]}" for name, found in self._registers.items()}
        kept = [text for name, text in first.items() if len(self._registers[name]) == 1]
        moved = [text for name, text in first.items() if len(self._registers[name]) > 1]
        ways = (("", kept), ("at first, later in others: ", moved))
        return "; ".join(how + ", ".join(texts) for how, texts in ways if texts)

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


def noted(write: F) -> F:
    """What this function writes has the first paragraph of its docstring as a comment.

    Of its first two arguments one is the `Block`, or the first holds it as ``b``.
    """
    paragraph = inspect.cleandoc(write.__doc__ or "").split("\n\n")[0]
    text = re.sub("[`{}]", "", paragraph)

    @functools.wraps(write)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        block: Block = next((a for a in args[:2] if isinstance(a, Block)), None) or args[0].b
        block.note(text)
        write(*args, **kwargs)

    return cast(F, wrapped)

"""Registers and the frame of a function for RV32."""

from __future__ import annotations

from codegen.assembly.block import Block, noted

SAVED = ("ra", *(f"s{i}" for i in range(12)))
"""What a function has to keep, the return address included."""
STACK_ALIGN = 16


class Function(Block):
    """A function that uses every register and keeps some words in its frame.

    Attributes:
        words: names of the words in the frame; `load` and `store` refer to them.
    """

    def __init__(self, symbol: str, words: tuple[str, ...]) -> None:
        super().__init__(symbol)
        self.words = {name: 4 * index for index, name in enumerate(words)}
        self.frame = -(-4 * (len(words) + len(SAVED)) // STACK_ALIGN) * STACK_ALIGN
        self.op("addi sp, sp, -{frame}", frame=self.frame)
        for index, register in enumerate(SAVED):
            self.op("sw {r}, {at}(sp)", r=register, at=self._saved(index))

    @noted
    def finish(self) -> None:
        """Give every register back and return."""
        for index, register in enumerate(SAVED):
            self.op("lw {r}, {at}(sp)", r=register, at=self._saved(index))
        self.op("addi sp, sp, {frame}", frame=self.frame)
        self.op("ret")

    def load(self, register: str, word: str) -> None:
        """Read a word of the frame."""
        self.op("lw {r}, {at}(sp)", r=register, at=self.words[word])

    def store(self, register: str, word: str) -> None:
        """Write a word of the frame."""
        self.op("sw {r}, {at}(sp)", r=register, at=self.words[word])

    def _saved(self, index: int) -> int:
        return 4 * (len(self.words) + index)

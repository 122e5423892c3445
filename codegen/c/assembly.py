"""Assembly functions as file-scope assembly of one C file, the portable kernels beside them.

File-scope assembly needs no further source file and no assembler in the user's build, and a
compiler treats its functions as any external one: it assumes nothing about registers.

Models in one program share equal functions. A symbol tells the content, so a linker may keep any of
the equal ones: they are in a section group of that name (COMDAT). Link-time optimization puts the
assembly of several files into one, hence `.ifndef`, and clang's knows no groups of assembly, hence
weak symbols.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Any

from codegen.c import kernels
from codegen.c.writer import LINE, Assembly, Writer


def is_assembly(writers: Sequence[Writer]) -> bool:
    """True where any writer calls an assembly function."""
    return any(w.blocks for w in writers)


def assembly_texts(name: str, writers: Sequence[Writer]) -> list[dict[str, Any]]:
    """Every assembly function that the writers call, each once, with the pieces that all need.

    Raises:
        ValueError: two different functions have one symbol.
    """
    found: dict[str, Assembly] = {}
    for block in (b for w in writers for b in w.blocks):
        found[block.symbol] = found.get(block.symbol, block).joined(block)
    return [_text(name, block) for block in found.values()]


def functions(text: str) -> set[str]:
    """Symbols of the functions in an emitted file."""
    return set(re.findall(r"\.weak (\w+)", text))


def _text(name: str, block: Assembly) -> dict[str, Any]:
    symbol = block.linked
    head = [f'.section .text.{symbol}, "axG", %progbits, {symbol}, comdat', *block.isa.directives]
    head += [".balign 4", f".weak {symbol}", f".hidden {symbol}"]
    head += [d.replace("{symbol}", symbol) for d in block.isa.function]
    body = [line.replace("{symbol}", symbol) for line in block.lines]
    tail = [f".size {symbol}, . - {symbol}", ".previous"]
    return {
        "name": f"{name}_{block.symbol}",
        "symbol": symbol,
        "kernel": block.kernel,
        "condition": block.isa.condition,
        "parameters": parameters(block.kernel),
        "about": _about(block),
        "lines": [f".ifndef {symbol}", *head, f"{symbol}:", *body, *tail, ".endif"],
    }


def _about(block: Assembly) -> list[str]:
    """What a reader of the instructions wants to know first, as lines of a comment."""
    said = re.match(r"/\*\s(.*?)\*/", kernels.source(f"{block.kernel}.c"), re.DOTALL)
    words = " ".join(said.group(1).replace("\n *", " ").split()).split(". ")[0] if said else ""
    names = [p.split()[-1].strip("*") for p in parameters(block.kernel).split(", ")]
    places = [*block.isa.arguments, *["on the stack"] * len(names)]
    texts = [
        f"As {block.kernel}: {words.rstrip('.') or 'see there'}.",
        f"Arguments: {', '.join(f'{n} {p}' for n, p in zip(names, places, strict=False))}.",
        *([f"Registers: {block.registers}."] if block.registers else []),
    ]
    return [line for text in texts for line in textwrap.wrap(text, LINE)]


def parameters(kernel: str) -> str:
    """The parameters of a kernel, as its own definition spells them.

    Raises:
        ValueError: the kernel's file does not define it.
    """
    found = re.search(rf"EK_KERNEL void {kernel}\(([^)]*)\)", kernels.source(f"{kernel}.c"))
    if found is None:
        raise ValueError(f"{kernel}.c does not define EK_KERNEL void {kernel}(...)")
    return " ".join(found.group(1).split())

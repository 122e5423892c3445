"""The kernel library: C sources, read as text and placed into generated files once each."""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
_INCLUDE = re.compile(r'^#include "(ek_\w+\.h)"\n', re.MULTILINE)
_INDENT: dict[str, Any] = {"subsequent_indent": "    ", "break_long_words": False}


@functools.cache
def locate() -> dict[str, Path]:
    """File name -> path of every kernel source and header."""
    return {p.name: p for p in sorted(_FOLDER.glob("*/ek_*.[ch]"))}


def add(files: Mapping[str, Path]) -> None:
    """Make further kernel files known, by name (those of a plugin)."""
    locate().update(files)


@functools.cache
def source(name: str) -> str:
    """Text of a kernel file without its includes of other kernel files."""
    return _INCLUDE.sub("", locate()[name].read_text(encoding="utf-8")).strip() + "\n"


@functools.cache
def includes(name: str) -> tuple[str, ...]:
    """Kernel headers that a kernel file includes."""
    return tuple(_INCLUDE.findall(locate()[name].read_text(encoding="utf-8")))


def closure(names: list[str]) -> list[str]:
    """The files and everything that they include, each once, includes first."""
    done: list[str] = []

    def visit(name: str) -> None:
        for header in includes(name):
            visit(header)
        if name not in done:
            done.append(name)

    for name in names:
        visit(name)
    return done


def variant(kernel: str, rule: str) -> str:
    """C text of ``KERNEL_RULE``: the kernel with its last parameter, the rounding rule, fixed.

    The parameters are read from the kernel's own definition, so that they stand in one place.
    """
    text = source(f"{kernel}.c")
    found = re.search(rf"EK_INLINE void {kernel}\(([^)]*),\s+int rule\)", text)
    if found is None:
        raise ValueError(f"{kernel} takes no rounding rule")
    parameters = " ".join(found.group(1).split())
    names = [re.findall(r"\w+", p.split("[")[0])[-1] for p in parameters.split(",")]
    head = textwrap.fill(f"EK_KERNEL void {kernel}_{rule}({parameters})", 96, **_INDENT)
    call = textwrap.fill(f"{kernel}({', '.join(names)}, EK_{rule.upper()});", 92, **_INDENT)
    return f"{head}\n{{\n{textwrap.indent(call, '    ')}\n}}\n"

"""What runners and memory figures need from a linked firmware image."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.artefact import Manifest
from edgekit.errors import ToolError


@dataclass(frozen=True)
class Segment:
    """A loaded piece of memory."""

    address: int
    data: bytes


@dataclass(frozen=True)
class Section:
    """An output section with its address and size in bytes."""

    name: str
    address: int
    size: int


@dataclass(frozen=True)
class Symbol:
    """A named address; ``kind`` is ``function``, ``object`` or empty."""

    name: str
    address: int
    size: int
    kind: str


@dataclass(frozen=True)
class Firmware:
    """A linked image: what is loaded where, and the names of it."""

    path: Path
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]

    def section(self, name: str) -> Section:
        """The section called ``name``; an empty one where the image has none."""
        return next((s for s in self.sections if s.name == name), Section(name, 0, 0))

    def symbol(self, name: str) -> Symbol:
        """The symbol called ``name``.

        Raises:
            ToolError: the image has none.
        """
        found = next((s for s in self.symbols if s.name == name), None)
        if found is None:
            raise ToolError(f"{self.path.name} has no symbol '{name}': build it again")
        return found

    def describe(self, address: int) -> str:
        """``function+0x1a`` for an address, as debuggers print it."""
        functions = sorted((f for f in self.symbols if f.kind == "function"), key=_address)
        index = bisect.bisect_right(functions, address, key=_address) - 1
        if index >= 0:
            symbol = functions[index]
            if address < symbol.address + max(symbol.size, 1):
                return f"{symbol.name}+{address - symbol.address:#x}"
        return "no function"

    def step_entries(self, manifest: Manifest) -> tuple[int, ...]:
        """Entry address of each step's function, whatever suffix the compiler gave it.

        Raises:
            ToolError: a step has no function of its own (it was inlined or merged).
        """
        functions = {s.name: s.address for s in self.symbols if s.kind == "function"}
        plain: dict[str, int] = {}
        for name, address in functions.items():
            if ".cold" not in name:
                plain.setdefault(name.split(".")[0], address)
        lost = [s.symbol for s in manifest.steps if s.symbol not in plain]
        entries = tuple(plain[s.symbol] for s in manifest.steps if s.symbol in plain)
        if lost or len(set(entries)) != len(entries):
            what = ", ".join(lost) if lost else "two steps share one function"
            raise ToolError(f"{self.path.name}: steps without a function of their own: {what}")
        return entries

    def code(self) -> Segment:
        """All loaded bytes below RAM as one piece, gaps filled with zeros: for decoding."""
        low = self.section(".ek_vectors").address
        loaded = [s for s in self.segments if s.data]
        text = self.section(".ek_text")
        high = text.address + text.size
        if high - low > 1 << 26:  # vectors and code lie far apart: decode the code alone
            low = self.section(".text").address
        image = bytearray(max(high - low, 0))
        for segment in loaded:
            if low <= segment.address < high:
                data = segment.data[: high - segment.address]
                image[segment.address - low : segment.address - low + len(data)] = data
        return Segment(low, bytes(image))


def load_firmware(path: Path) -> Firmware:
    """Read a linked ELF.

    Raises:
        ToolError: the file is missing or is no ELF.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with path.open("rb") as file:
            elf = ELFFile(file)
            thumb = elf["e_machine"] == "EM_ARM"
            return Firmware(path, _segments(elf), _sections(elf), _symbols(elf, thumb))
    except (OSError, ELFError, KeyError, ValueError) as error:
        raise ToolError(f"{path} is not a readable firmware image: {error}") from error


def _segments(elf: Any) -> tuple[Segment, ...]:
    loads = [s for s in elf.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_filesz"]]
    return tuple(Segment(s["p_vaddr"], s.data()) for s in loads)


def _sections(elf: Any) -> tuple[Section, ...]:
    return tuple(
        Section(s.name, s["sh_addr"], s["sh_size"])
        for s in elf.iter_sections()
        if s["sh_flags"] & 2  # SHF_ALLOC
    )


def _symbols(elf: Any, thumb: bool) -> tuple[Symbol, ...]:
    table = elf.get_section_by_name(".symtab")
    kinds = {"STT_FUNC": "function", "STT_OBJECT": "object"}
    found = []
    for symbol in table.iter_symbols() if table else ():
        kind = kinds.get(symbol["st_info"]["type"], "")
        if symbol.name and not symbol.name.startswith("$"):
            address = symbol["st_value"]
            if thumb and kind == "function":
                address &= ~1  # the lowest bit marks Thumb code
            found.append(Symbol(symbol.name, address, symbol["st_size"], kind))
    return tuple(found)


def _address(symbol: Symbol) -> int:
    return symbol.address

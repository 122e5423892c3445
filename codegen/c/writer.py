"""What C is written with: statements, constants, kernels and assembly functions of one function."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.block import Block, Pieces
from codegen.assembly.isa import Isa
from codegen.c.literals import array_literal, identifier
from edgekit.ir import DType

COPIED = "weights"
"""The parameter of generated functions that points to copied constants."""
PARAMETERS = re.compile(rf"\b({COPIED}|arena|state)(\[\d+\])? = ")
"""The declaration of a variable that would hide a parameter that functions have or may have."""
WEIGHTS = "w"
TABLE = "q"
FILLER = "c"
LINE = 96
"""Characters of a statement before it is wrapped (four more are indentation)."""


@dataclass(frozen=True)
class Constant:
    """A constant array of the generated code.

    Attributes:
        symbol: C identifier; ``NAME_w_...`` for weights, ``NAME_q_...`` for quantization tables,
            ``NAME_c_...`` for what counts as code.
        c_type: element type.
        data: the elements.
        table_bytes: how much of it is quantization tables (bias, multipliers, shifts).
    """

    symbol: str
    c_type: str
    data: NDArray[Any]
    table_bytes: int = 0

    @property
    def text(self) -> str:
        """The definition."""
        return (
            f"static const {self.c_type} {self.symbol}[{self.data.size}] = {{\n"
            f"    {array_literal(self.data)},\n}};\n"
        )


@dataclass(frozen=True)
class Assembly:
    """An assembly function of the generated code.

    Attributes:
        isa: its instruction set.
        symbol: its name, without the model's prefix.
        lines: instructions and labels; ``{symbol}`` stands for `linked`.
        kernel: the portable kernel that computes the same from the same arguments.
        registers: what its registers are called, in words.
        pieces, write: as those of a `Block`.
    """

    isa: Isa
    symbol: str
    lines: tuple[str, ...]
    kernel: str
    registers: str = ""
    pieces: Pieces = frozenset()
    write: Callable[[Pieces], Block] | None = field(default=None, compare=False)

    @classmethod
    def of(cls, isa: Isa, block: Block, kernel: str) -> Assembly:
        """The function that a block is."""
        parts = block.legend(), block.pieces, block.write
        return cls(isa, block.symbol, block.text(), kernel, *parts)

    @property
    def linked(self) -> str:
        """What linkers call it: its symbol and a digest of its text, comments included, so
        that models that were written apart have one name for equal functions only."""
        text = repr((self.isa, self.kernel, self.lines))
        return f"ek_{self.symbol}_{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def joined(self, other: Assembly) -> Assembly:
        """The function that does for both, which have one symbol.

        Raises:
            ValueError: they are not the same function.
        """
        if self == other:
            return self
        both = self.pieces | other.pieces
        made = [
            Assembly.of(one.isa, one.write(both), one.kernel)
            for one in (self, other)
            if one.write is not None and self.pieces != other.pieces
        ]
        if len(made) < 2 or made[0] != made[1]:
            raise ValueError(f"two assembly functions are called {self.symbol}")
        return made[0]


@dataclass
class Writer:
    """Collects C statements and what they need.

    Attributes:
        name: symbol prefix of the model.
        lines: statements of a function's body.
        kernels: kernel files used, and ``(kernel, rule)`` variants.
        constants: arrays defined for the function.
        blocks: assembly functions that it calls.
        shared: symbols of arrays that were defined before, by `key`.
        used: symbols of the arrays that the function reads.
        copies: where the caller's memory holds copies of arrays, in bytes by symbol.
        computed: pointers to structs whose fields are only known when the function runs.
        common: names of small constants that several functions declare, by what they hold.
        contents: what the declared ones hold (a digest), by name.
        definitions: those of ``common`` that this function is the first to use.
    """

    name: str
    lines: list[str] = field(default_factory=list, kw_only=True)
    kernels: list[str] = field(default_factory=list, kw_only=True)
    variants: list[tuple[str, str]] = field(default_factory=list, kw_only=True)
    constants: list[Constant] = field(default_factory=list, kw_only=True)
    blocks: list[Assembly] = field(default_factory=list, kw_only=True)
    shared: dict[tuple[str, ...], str] = field(default_factory=dict, kw_only=True)
    used: list[str] = field(default_factory=list, kw_only=True)
    copies: Mapping[str, int] = field(default_factory=dict, kw_only=True)
    computed: set[str] = field(default_factory=set, kw_only=True)
    common: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    contents: dict[str, str] = field(default_factory=dict, kw_only=True)
    definitions: list[str] = field(default_factory=list, kw_only=True)

    @property
    def tag(self) -> str:
        """Tells the function's constants from those of others."""
        raise NotImplementedError

    def key(self, data: NDArray[Any], kind: str) -> tuple[str, ...]:
        """What constants have in common that are stored once; by default nothing."""
        return (self.tag, str(len(self.constants)))

    def weights(self, data: NDArray[Any], suffix: str, table_bytes: int = 0) -> str:
        """Symbol of a constant that counts as weights, but for bytes of quantization tables that
        lie between them."""
        return self._constant(data, suffix, WEIGHTS, table_bytes)

    def table(self, data: NDArray[Any], suffix: str) -> str:
        """Symbol of a constant that counts as a quantization table."""
        return self._constant(data, suffix, TABLE, data.nbytes)

    def filler(self, data: NDArray[Any], suffix: str) -> str:
        """Symbol of a constant that stands for what lies outside an input; it counts as code."""
        return self._constant(data, suffix, FILLER)

    def declare(self, c_type: str, variable: str, **fields: object) -> str:
        """Declare a constant struct with designated initialisers; returns a pointer to it."""
        if not any(self._is_computed(str(value)) for value in fields.values()):
            return f"&{self._declare(c_type, variable, '', _designated(fields))}"
        self.computed.add(f"&{variable}")
        return self.struct(c_type, variable, **fields)

    def struct(self, c_type: str, variable: str, **fields: object) -> str:
        """`declare` for a struct whose fields are only known when the step runs (pointers)."""
        self._statement(f"const {c_type} {variable} = {{", _designated(fields), "};")
        return f"&{variable}"

    def declare_array(self, c_type: str, variable: str, values: Sequence[object]) -> str:
        """Declare a small constant array; returns its name."""
        return self._declare(c_type, variable, f"[{len(values)}]", list(map(str, values)))

    def _declare(self, c_type: str, variable: str, extent: str, items: list[str]) -> str:
        """Declare a small constant, in front of the first function that uses it where several have
        the same; returns its name."""
        said = re.sub(r"(?<![.\w])\w+", lambda m: self.contents.get(m[0], m[0]), ", ".join(items))
        key = hashlib.sha256(f"{c_type}{extent} {said}".encode()).hexdigest()
        name = self.common.get(key, variable)
        self.contents[name] = key
        start = len(self.lines)
        self._statement(f"static const {c_type} {name}{extent} = {{", items, "};")
        if key in self.common:
            if (key,) not in self.shared:
                self.shared[key,] = name
                self.definitions += self.lines[start:]
            del self.lines[start:]
        return name

    def call(
        self, kernel: str, *arguments: object, rule: str | None = None, result: str = ""
    ) -> None:
        """Call a kernel; with a rule, its variant for that rounding rule; with the declaration of a
        result, keep what it returns."""
        self.kernels.append(f"{kernel}.c")
        function = kernel
        if rule is not None:
            self.variants.append((kernel, rule))
            function = f"{kernel}_{rule}"
        head = f"{result} = {function}(" if result else f"{function}("
        self._statement(head, list(map(str, arguments)), ");")

    def assemble(self, isa: Isa, block: Block, kernel: str, *arguments: object) -> None:
        """Call an assembly function, or the portable kernel beside it where it does not run.

        Both take the same arguments, whose types are those of the kernel's definition. Functions
        of one symbol must be equal, or pieces of one function: the model holds each once.
        """
        self._statement(f"{self.function(isa, block, kernel)}(", list(map(str, arguments)), ");")

    def function(self, isa: Isa, block: Block, kernel: str) -> str:
        """Name of an assembly function as in `assemble`, for a kernel in C that calls it."""
        self.kernels.append(f"{kernel}.c")
        self.blocks.append(Assembly.of(isa, block, kernel))
        return f"{self.name}_{block.symbol}"

    def macro(self, name: str, *arguments: object) -> None:
        """Use a macro of a kernel header (the header is listed by the caller)."""
        self._statement(f"{name}(", list(map(str, arguments)), ");")

    @contextmanager
    def loop(self, variable: str, count: int) -> Iterator[None]:
        """Repeat what is written inside, with the variable from 0 up."""
        self.lines.append(f"for (int32_t {variable} = 0; {variable} < {count}; ++{variable}) {{")
        start = len(self.lines)
        yield
        self.lines[start:] = [f"    {line}" for line in self.lines[start:]]
        self.lines.append("}")

    def _constant(self, data: NDArray[Any], suffix: str, kind: str, table_bytes: int = 0) -> str:
        """Define an array, or find an equal one; the expression that points to it."""
        c_type = "double" if data.dtype == np.float64 else DType.from_numpy(data.dtype).c_name
        symbol = self._define(data, suffix, kind, c_type, table_bytes)
        self.used.append(symbol)
        if symbol not in self.copies:
            return symbol
        return f"((const {c_type} *)({COPIED} + {self.copies[symbol]}))"

    def _is_computed(self, value: str) -> bool:
        return value in self.computed or f"({COPIED} + " in value

    def _define(
        self, data: NDArray[Any], suffix: str, kind: str, c_type: str, table_bytes: int
    ) -> str:
        stem = f"{self.name}_{kind}_{self.tag}_{identifier(suffix)[-40:]}"
        taken = {c.symbol: c.data for c in self.constants}
        symbol = stem
        while symbol in taken:
            if taken[symbol] is data:
                return symbol
            symbol = f"{stem}_{len(taken)}"
        known = self.shared.setdefault(self.key(data, kind), symbol)
        if known != symbol:
            return known
        self.constants.append(Constant(symbol, c_type, data, table_bytes))
        return symbol

    def _statement(self, head: str, items: list[str], tail: str) -> None:
        """One statement, its comma-separated items wrapped where a line would grow too long."""
        assert not PARAMETERS.search(head), f"{head} hides a parameter"
        line = head
        for i, item in enumerate(items):
            text = item if i == len(items) - 1 else f"{item}, "
            if len(line) + len(text.rstrip()) + len(tail) > LINE and line.strip() != head:
                self.lines.append(line.rstrip())
                line = "    "
            line += text
        self.lines.append(line + tail)


def _designated(fields: Mapping[str, object]) -> list[str]:
    return [f".{name} = {value}" for name, value in fields.items()]

"""C spellings of identifiers, numbers and arrays."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import DType

_KEYWORDS = frozenset(
    """auto break case char class const continue default delete do double else enum extern float for
    goto if inline int long new private public register restrict return short signed sizeof static
    struct switch template this typedef union unsigned void volatile while""".split()
)

_RESERVED = frozenset(
    """all assert clean complex ctype edit_cache errno fenv float help inttypes install iso646
    limits locale main math memory new package package_source rebuild_cache setjmp signal stdalign
    stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string test tgmath threads time
    uchar vectors wchar wctype""".split()
)


def identifier(text: str) -> str:
    """A C and C++ identifier made from any text: lower case, digits and single underscores."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "x"
    return f"m_{name}" if name[0].isdigit() or name in _KEYWORDS else name


def is_prefix(text: str) -> bool:
    """True where ``text`` can be the prefix of a model's symbols and the name of its files.

    Names that start with ``ek`` belong to the kernels; headers of the C library and targets that
    CMake reserves would be hidden.
    """
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{,63}", text) is not None
    taken = text in _KEYWORDS or text.lower() in _RESERVED or text.lower().split("_")[0] == "ek"
    return plain and not taken


def prefix(text: str) -> str:
    """A symbol prefix made from any text."""
    name = identifier(text)[:48].rstrip("_")
    return name if is_prefix(name) else f"{name}_model" if name[:2] != "ek" else f"m_{name}"


def comment(text: str, limit: int = 90) -> str:
    """Text that is safe inside a C comment, on one line, at most ``limit`` characters."""
    clean = re.sub(r"[^\x20-\x7e]", "?", text).replace("*/", "* /").replace("/*", "/ *")
    return clean if len(clean) <= limit else clean[: limit - 3] + "..."


def float_literal(value: float, dtype: DType = DType.FLOAT32) -> str:
    """A literal that reads back as exactly this value (NaN, infinities by the kernels' macros)."""
    if math.isnan(value):
        return "EK_NAN"
    if math.isinf(value):
        return "EK_INFINITY" if value > 0 else "-EK_INFINITY"
    if dtype is DType.FLOAT32:
        limit = float(np.finfo(np.float32).max)
        single = np.float32(min(max(value, -limit), limit))
        text = np.format_float_scientific(single, unique=True, trim="0")
        return f"{text}f"
    return repr(float(value))


def string_literal(text: str) -> str:
    """A string literal of the UTF-8 bytes of any text."""
    plain = {i: chr(i) for i in range(32, 127) if chr(i) not in '"\\?'}
    return '"' + "".join(plain.get(b, f"\\{b:03o}") for b in text.encode()) + '"'


def array_literal(data: NDArray[Any], columns: int = 16) -> str:
    """The elements of ``data`` in C order, as lines of a brace initialiser without the braces."""
    flat = np.asarray(data).ravel()
    if flat.dtype.kind == "f":
        kind = DType.FLOAT32 if flat.dtype == np.float32 else DType.INT64
        words = [float_literal(float(v), kind) for v in flat]
        columns = min(columns, 6)
    else:
        words = list(map(_integer, flat.tolist()))
    rows = (", ".join(words[i : i + columns]) for i in range(0, len(words), columns))
    return ",\n    ".join(rows)


def _integer(value: int) -> str:
    # -2147483648 is an expression of a wider type in C.
    if value in (-(2**31), -(2**63)):
        return f"({value + 1} - 1)"
    return f"{int(value)}u" if value >= 2**63 else str(int(value))

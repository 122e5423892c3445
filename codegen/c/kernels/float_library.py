"""What the float functions below ``math/`` are, read from the headers themselves.

Each header's comment ends with ``Error: ek_expf 1.0 ULP, ...``: the tests measure against these
bounds and docs/float-library.md lists them, so that a bound stands in one place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from codegen.c import kernels

_COMMENT = re.compile(r"/\*(.*?)\*/", re.DOTALL)
_BOUND = re.compile(r"(ek_\w+) ([\d.]+) ULP")


@dataclass(frozen=True)
class FloatFunction:
    """One float32 function of the library.

    Attributes:
        name: C function, such as ``ek_expf``.
        header: the file that an operator's kernel includes.
        arguments: how many floats it takes, 1 or 2.
        ulp: its largest error in units in the last place of the exact result; 0.5 means correctly
            rounded, 0 that the exact result is always a float32.
        digest: first paragraph of the header's comment.
    """

    name: str
    header: str
    arguments: int
    ulp: float
    digest: str


def float_functions() -> tuple[FloatFunction, ...]:
    """Every function with an error bound, by name.

    Raises:
        ValueError: a header gives a bound for a function that it does not define.
    """
    headers = [n for n, path in kernels.locate().items() if path.parent.name == "math"]
    return tuple(sorted((f for h in headers for f in _functions(h)), key=lambda f: f.name))


def _functions(header: str) -> list[FloatFunction]:
    text = kernels.source(header)
    lines = [line.strip(" *") for line in _COMMENT.findall(text)[0].splitlines()]
    about, _, bounds = "\n".join(lines).partition("Error:")
    digest = " ".join(about.split("\n\n")[0].split())
    found = []
    for name, bound in _BOUND.findall(bounds):
        definition = re.search(rf"^EK_\w+ float {name}\(([^)]*)\)", text, re.MULTILINE)
        if definition is None:
            raise ValueError(f"{header} gives a bound for {name}, which it does not define")
        arguments = len(definition.group(1).split(","))
        found.append(FloatFunction(name, header, arguments, float(bound), digest))
    return found

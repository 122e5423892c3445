"""Counted and fitted instruction counts of one core: TOML data, loaded once."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.errors import InternalError, Problem
from profiles.cost.features import FEATURES

FOLDER = Path(__file__).parent.parent / "data" / "costs"
ALONE = "alone"
"""Suffix of families whose kernel is called once in its program."""
Key = tuple[int, ...]


@dataclass(frozen=True)
class Family:
    """One kernel with one rounding rule, compiled by one compiler.

    Attributes:
        unroll: elements that the innermost loop takes at a time (see `profiles.cost.features`).
        coefficients: instructions per feature; non-negative.
        shapes: number of shapes that were fitted.
        median_error, worst_error: relative, of the model at those shapes.
        measured: counted instructions by key.
    """

    unroll: int
    coefficients: Mapping[str, float]
    shapes: int
    median_error: float
    worst_error: float
    measured: Mapping[Key, int]

    def modelled(self, kernel: str, key: Key) -> int:
        """Instructions by the fitted model."""
        features = FEATURES[kernel](key, self.unroll)
        return round(sum(features[n] * c for n, c in self.coefficients.items()))


@dataclass(frozen=True)
class Images:
    """What one compiler makes of the kernels.

    Attributes:
        compiler: its name and version.
        families: by ``kernel`` or ``kernel.rule``; with ``.alone`` for a kernel called only once.
    """

    compiler: str
    families: Mapping[str, Family]


@dataclass(frozen=True)
class Table:
    """All figures of one core.

    Attributes:
        core: its name.
        emulator: where the instructions were counted.
        kernels: digest of the kernel sources that were compiled.
        preferred: the toolchain with fewer instructions over all int8 layers counted.
        toolchains: figures by toolchain.
    """

    core: str
    emulator: str
    kernels: str
    preferred: str
    toolchains: Mapping[str, Images]


@functools.cache
def load_table(core: str) -> Table | None:
    """The table of a core; None where there is none (the host).

    Raises:
        InternalError: the file is damaged.
    """
    path = FOLDER / f"{core}.toml"
    if not path.is_file():
        return None
    try:
        return _table(tomllib.loads(path.read_text(encoding="utf-8")))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        hint = f"Make it again: python -m profiles.cost.fit --core {core}"
        problem = Problem(f"{type(error).__name__}: {error}", path.name, "", hint)
        raise InternalError("a cost table is damaged", [problem]) from error


def _table(raw: dict[str, Any]) -> Table:
    toolchains = {
        name: Images(t["compiler"], {k: _family(f) for k, f in t["families"].items()})
        for name, t in raw["toolchains"].items()
    }
    if raw["preferred"] not in toolchains:
        raise ValueError(f"preferred toolchain '{raw['preferred']}' has no figures")
    return Table(raw["core"], raw["emulator"], raw["kernels"], raw["preferred"], toolchains)


def _family(raw: dict[str, Any]) -> Family:
    return Family(
        unroll=raw["unroll"],
        coefficients=raw["coefficients"],
        shapes=len(raw["measured"]),
        median_error=raw["median_error"],
        worst_error=raw["worst_error"],
        measured={tuple(row[:-1]): row[-1] for row in raw["measured"]},
    )


def to_toml(table: Table) -> str:
    """The table as deterministic TOML text."""
    lines = [
        "# Written by: python -m profiles.cost.fit",
        f'core = "{table.core}"',
        f'emulator = "{table.emulator}"',
        f'kernels = "{table.kernels}"',
        f'preferred = "{table.preferred}"',
    ]
    for name, images in sorted(table.toolchains.items()):
        lines += ["", f"[toolchains.{name}]", f'compiler = "{images.compiler}"']
        for family, found in sorted(images.families.items()):
            lines += _family_lines(f'toolchains.{name}.families."{family}"', found)
    return "\n".join(lines) + "\n"


def _family_lines(where: str, family: Family) -> list[str]:
    terms = ", ".join(f"{n} = {c:.6g}" for n, c in family.coefficients.items())
    return [
        "",
        f"[{where}]",
        f"unroll = {family.unroll}",
        f"shapes = {family.shapes}",
        f"median_error = {family.median_error:.4f}",
        f"worst_error = {family.worst_error:.4f}",
        f"coefficients = {{ {terms} }}",
        "measured = [ # sizes (see profiles/cost/features.py), then counted instructions",
        *(f"    [{', '.join(map(str, k))}, {n}]," for k, n in sorted(family.measured.items())),
        "]",
    ]

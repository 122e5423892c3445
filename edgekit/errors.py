"""One error tree. User errors carry an exit code and every problem found, not only the first.

Exit codes (stable, documented in docs/exit-codes.md):
0 ok, 1 a check failed, 2 usage, 3 model or data refused, 4 toolchain or emulator missing or failed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One finding: what is wrong, where, what is allowed, what to do next.

    Attributes:
        what: the fact, e.g. ``operator 'Loop' is not supported``.
        where: node name, tensor name, file or option the fact belongs to.
        allowed: what would have been accepted.
        hint: the next thing to do.
    """

    what: str
    where: str = ""
    allowed: str = ""
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        return f"{text}. {self.hint}" if self.hint else text


def convert_again(folder: object) -> str:
    """What to do about a converted model that is damaged, as a hint."""
    return f"Convert again: edgekit convert MODEL --target T -o {folder} --force"


def damage(error: Exception) -> str:
    """What is wrong with a JSON file of ours that could not be read, in words."""
    if isinstance(error, UnicodeDecodeError):
        return "not text"
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON ({error})"
    return "damaged: entries are missing or not what they should be"


def other_version(found: object, wanted: int) -> str:
    """Why a JSON file of ours with this ``schema_version`` is not read, in words."""
    if found is None:
        return "is damaged: it has no schema_version"
    return f"has schema_version {found}; this edgekit reads {wanted}"


class EdgekitError(Exception):
    """Base of everything edgekit raises on purpose.

    Args:
        summary: one sentence.
        problems: every problem found, in the order in which a user meets them.
    """

    exit_code = 1
    kind = "error"

    def __init__(self, summary: str, problems: Sequence[Problem] = ()) -> None:
        self.summary = summary
        self.problems = tuple(problems)
        super().__init__("\n".join([summary, *(f"  - {p}" for p in self.problems)]))


class CheckFailed(EdgekitError):
    """A verification found a difference (results that must be identical are not)."""

    exit_code = 1
    kind = "check failed"


class UsageError(EdgekitError):
    """An option or an argument is wrong."""

    exit_code = 2
    kind = "usage"


class ModelError(EdgekitError):
    """The model is refused: unreadable, unsupported, or inconsistent."""

    exit_code = 3
    kind = "model refused"


class DataError(EdgekitError):
    """Calibration, input or labelled data is refused."""

    exit_code = 3
    kind = "data refused"


class FitError(EdgekitError):
    """The model does not fit the chosen board."""

    exit_code = 3
    kind = "does not fit"


class ToolError(EdgekitError):
    """A compiler or an emulator is missing or failed."""

    exit_code = 4
    kind = "tool"


class InternalError(EdgekitError):
    """A bug in edgekit: a pass or a planner broke a promise. Names the part to blame."""

    exit_code = 1
    kind = "internal error"

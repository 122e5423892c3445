"""What pydantic found in a file, as problems with what is allowed and what to do."""

from __future__ import annotations

import dataclasses
import difflib

from pydantic_core import ErrorDetails

from edgekit.config.sections import Config, command_sections
from edgekit.errors import Problem
from edgekit.processing import KINDS, Ranking
from edgekit.processing.settings import SettingsError

UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
"""What pydantic calls a key that a section does not have."""


def problems_of(error: ErrorDetails) -> list[Problem]:
    """What one finding of pydantic says: one thing, or every rule that a section breaks."""
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, SettingsError):
        where = ".".join(map(str, _section(error["loc"])))
        return [dataclasses.replace(p, where=f"{where}.{p.where}") for p in cause.problems]
    return [_problem(error["loc"], error["type"], error["msg"], error["input"])]


def _section(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """A place in the file: pydantic puts the kind of a processing section into it."""
    return (*loc[:2], *loc[3:]) if loc[:1] == ("processing",) and len(loc) > 2 else loc


def _problem(loc: tuple[int | str, ...], kind: str, message: str, given: object) -> Problem:
    loc, full = _section(loc), loc
    where = ".".join(map(str, loc))
    if kind not in UNKNOWN:
        return Problem(f"{message} (given: {given!r})", where)
    known = list(Config.model_fields)
    if len(loc) > 1:
        known = _keys(full)
    close = difflib.get_close_matches(str(loc[-1]), known, 1)
    what = "unknown section" if len(loc) == 1 else "unknown key"
    hint = f"Did you mean '{close[0]}'?" if close else ""
    return Problem(what, where, ", ".join(known), hint)


def _keys(loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the section at a place may have."""
    if loc[0] == "processing":
        return [f.name for f in dataclasses.fields(KINDS[str(loc[2])])]
    if loc[0] == "postprocessing":
        return [f.name for f in dataclasses.fields(Ranking)]
    return list(command_sections()[str(loc[0])].model_fields)

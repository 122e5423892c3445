"""Reads a TOML table into a frozen dataclass, strictly: every unknown, missing or mistyped key."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")


class TableError(ValueError):
    """A table does not describe the dataclass; ``findings`` holds every reason."""

    def __init__(self, findings: list[str]) -> None:
        self.findings = findings
        super().__init__("; ".join(findings))


def from_table(cls: type[T], table: dict[str, Any], where: str = "") -> T:
    """Make a ``cls`` from a parsed table; nested tables become nested dataclasses.

    Raises:
        TableError: with everything that is wrong with the table.
    """
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    findings = [f"{where}{key}: unknown key" for key in table if key not in fields]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in table:
            if field.default is dataclasses.MISSING and not _optional(hints[name]):
                findings.append(f"{where}{name}: missing")
            elif field.default is dataclasses.MISSING:
                values[name] = None
            continue
        try:
            values[name] = _convert(hints[name], table[name], f"{where}{name}")
        except TableError as error:
            findings += error.findings
    if findings:
        raise TableError(findings)
    try:
        return cls(**values)
    except ValueError as error:
        raise TableError([f"{where}{error}"]) from None


def _optional(hint: Any) -> bool:
    return isinstance(hint, types.UnionType) and type(None) in typing.get_args(hint)


def _convert(hint: Any, value: Any, where: str) -> Any:
    if _optional(hint):
        (hint,) = (a for a in typing.get_args(hint) if a is not type(None))
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return from_table(typing.cast(type, hint), value, f"{where}.")
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        if dataclasses.is_dataclass(inner) and isinstance(value, list):
            return tuple(_convert(inner, v, f"{where}[{i}]") for i, v in enumerate(value))
        if isinstance(value, list) and all(isinstance(v, str) for v in value):
            return tuple(value)
        raise TableError([f"{where}: needs a list of strings, found {value!r}"])
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise TableError([f"{where}: needs {hint.__name__}, found {value!r}"])
    return value

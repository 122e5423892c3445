"""The JSON formats in words and as JSON Schema, both from the dataclasses that define them."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from typing import Any

from edgekit.report.codec import json_fields

_ENTRY = re.compile(r"^(\w+(?:, \w+)*): (.*)$")
_NAMES = {int: "integer", float: "number", str: "string", bool: "boolean", type(None): "null"}


def attribute_docs(cls: type) -> dict[str, str]:
    """The texts of the ``Attributes:`` section of a class's docstring, by field."""
    found: dict[str, str] = {}
    names: tuple[str, ...] = ()
    _, _, section = (inspect.getdoc(cls) or "").partition("\nAttributes:\n")
    for line in section.splitlines():
        if line and not line.startswith(" "):
            break
        entry = _ENTRY.match(line[4:]) if line[4:5] != " " else None
        if entry:
            names = tuple(entry[1].split(", "))
        for name in names:
            text = entry[2] if entry else line.strip()
            found[name] = f"{found.get(name, '')} {text.replace('``', '`')}".strip()
    return found


def used_classes(root: type) -> list[type]:
    """``root`` and every dataclass that its fields reach, each once, outermost first."""
    order = [root]
    for cls in order:
        hints = typing.get_type_hints(cls)
        for field in json_fields(cls):
            order += [c for c in _dataclasses_in(hints[field.name]) if c not in order]
    return order


def markdown(root: type, title: str, known: set[type]) -> str:
    """Tables of ``root`` and of the classes it reaches that are not in ``known`` yet."""
    parts = []
    for cls in used_classes(root):
        if cls in known:
            continue
        known.add(cls)
        heading = f"## {title}" if cls is root else f"### {cls.__name__}"
        summary = _summary(cls)
        rows = ["| key | type | meaning |", "|---|---|---|"]
        docs, hints = attribute_docs(cls), typing.get_type_hints(cls)
        rows += [
            f"| `{f.name}` | {type_text(hints[f.name])} | {docs.get(f.name, '')} |"
            for f in json_fields(cls)
        ]
        parts.append("\n".join([heading, "", summary, "", *rows, ""]))
    return "\n".join(parts)


def json_schema(root: type) -> dict[str, Any]:
    """JSON Schema of a dataclass, with the fields' texts as descriptions."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(root).json_schema()
    for cls in used_classes(root):
        part = schema if cls is root else schema["$defs"][cls.__name__]
        part["description"] = _summary(cls)
        for name, text in attribute_docs(cls).items():
            part["properties"][name]["description"] = text
    return schema


def type_text(hint: Any) -> str:
    """A type as a reader of JSON knows it."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(dict.fromkeys(type_text(a) for a in args))
    if origin is tuple:
        return f"list of {type_text(args[0])}"
    if origin is dict:
        return f"object of {type_text(args[1])}"
    if dataclasses.is_dataclass(hint):
        name = getattr(hint, "__name__", "")
        return f"[{name}](#{name.lower()})"
    return _NAMES.get(hint, str(getattr(hint, "__name__", hint)))


def _summary(cls: type) -> str:
    paragraph = (inspect.getdoc(cls) or "").split("\n\n")[0]
    return paragraph.replace("\n", " ").replace("``", "`")


def _dataclasses_in(hint: Any) -> list[type]:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return [hint]
    return [c for a in typing.get_args(hint) for c in _dataclasses_in(a)]

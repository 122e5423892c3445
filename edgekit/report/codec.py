"""Between dataclasses and JSON text."""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.artefact import MANIFEST_NAME, made_again
from edgekit.errors import DataError, Problem, damage, other_version
from edgekit.report.model import SCHEMA_VERSION, Report

if TYPE_CHECKING:
    from pydantic import TypeAdapter

REPORT_NAME = "report.json"


def plain(value: Any) -> Any:
    """Dataclasses, tuples, paths, enums and numpy scalars as what ``json`` can write.

    A float that is not finite becomes None: JSON has no such number.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in json_fields(type(value))}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, Path):
        return value.as_posix()
    if hasattr(value, "item"):  # a numpy scalar
        return plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_fields(cls: type) -> tuple[dataclasses.Field[Any], ...]:
    """The fields of a dataclass that JSON carries: all without ``metadata={"json": False}``."""
    assert dataclasses.is_dataclass(cls)
    return tuple(f for f in dataclasses.fields(cls) if f.metadata.get("json", True))


def to_json(value: Any) -> str:
    """Deterministic JSON text of a report or a result, ``schema_version`` first."""
    raw = plain(value)
    if isinstance(raw, dict) and "schema_version" in raw:
        raw = {"schema_version": raw.pop("schema_version"), **raw}
    return json.dumps(raw, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str | bytes, where: str = REPORT_NAME) -> Report:
    """Read a report.

    Args:
        text: what `to_json` wrote.
        where: file name for messages.

    Raises:
        DataError: it is no report, or a newer edgekit wrote it; with every problem found.
    """
    again = _again(where)
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is {damage(error)}. {again}") from None
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA_VERSION:
        raise DataError(f"{where} {other_version(version, SCHEMA_VERSION)}. {again}")
    from pydantic import ValidationError

    try:
        return report_adapter().validate_python(raw)
    except ValidationError as error:
        problems = [
            Problem(e["msg"], ".".join(map(str, e["loc"])) or where) for e in error.errors()
        ]
        raise DataError(f"{where} is damaged. {again}", problems) from None


def load_report(path: Path) -> Report:
    """Read ``report.json``, given as the file or as the folder that holds it.

    Raises:
        DataError: there is none, or it is damaged.
    """
    path = path / REPORT_NAME if path.is_dir() else path
    try:
        return from_json(path.read_bytes(), str(path))
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"there is no report at {path}. {_again(str(path))}") from None


def _again(where: str) -> str:
    """What to do about a report that cannot be read."""
    path = Path(where)
    if path.name != REPORT_NAME:
        return "A report is the folder that convert made, or the report.json in it"
    if (path.parent / MANIFEST_NAME).is_file():
        return made_again(path.parent)
    return "Make one with: edgekit convert MODEL --target cortex-m4 -o OUT"


@functools.cache
def report_adapter() -> TypeAdapter[Report]:
    """Pydantic's view of `Report`; built once, since building it takes a moment."""
    from pydantic import TypeAdapter

    return TypeAdapter(Report)

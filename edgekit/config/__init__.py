"""``edgekit.toml``: the options of the commands in a file. The command line wins over it.

One section for each command, keys as the options are called with ``_`` for ``-``. Relative paths
are relative to the file. Importing this module imports pydantic; the command line does so only
when a file is given.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edgekit.config.problems import problems_of
from edgekit.config.sections import Config, Section, command_sections
from edgekit.errors import UsageError
from edgekit.processing import Processing

PROCESSING_EXAMPLE = """\
## What comes before an input and after an output of the model, by its name; see docs/processing.md.
# [processing.image]
# kind = "image"
# height = 240
# width = 320
# scale = [0.00392156862745098]
# [postprocessing.scores]
# labels = ["nobody", "person"]
"""

PATH_KEYS = frozenset(
    {"model", "out", "calibration", "folder", "input", "output", "path", "data", "plan", "save"}
)


def load_config(path: Path) -> Config:
    """Read and check a file.

    Raises:
        UsageError: it is missing, no TOML, or has wrong keys or values; with every problem found.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the config file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from None
    try:
        # as JSON: there strict means numbers and strings, not Python's own tuples and dataclasses
        return Config.model_validate_json(json.dumps(raw, default=str))
    except ValidationError as error:
        problems = [p for e in error.errors() for p in problems_of(e)]
        hint = "print every key with: edgekit config"
        what = f"{path} is wrong in {len(problems)} of its entries"
        raise UsageError(f"{what}; {hint}", problems) from None


def load_processing(path: Path) -> Processing:
    """What the file says of the model's inputs and outputs.

    Raises:
        UsageError: as `load_config`.
    """
    config = load_config(path)
    return Processing(config.processing, config.postprocessing)


def section_values(path: Path, command: str) -> dict[str, Any]:
    """What the file says for one command, only the keys that it gives.

    Args:
        path: the file.
        command: the command's name; one without a section gives an empty dict.

    Returns:
        Values by key, relative paths made relative to the file's folder.

    Raises:
        UsageError: as `load_config`.
    """
    section = getattr(load_config(path), command, None)
    values: dict[str, Any] = {} if section is None else section.model_dump(exclude_unset=True)
    return {
        key: str(path.parent / value) if key in PATH_KEYS and value is not None else value
        for key, value in values.items()
    }


def schema_json() -> str:
    """JSON Schema of the file."""
    return json.dumps(Config.model_json_schema(), indent=2) + "\n"


def template() -> str:
    """A file with every key, its meaning and its default or an example, all commented out."""
    lines = ["# edgekit.toml: use it with --config edgekit.toml; the command line wins.", ""]
    for name, kind in command_sections().items():
        lines.append(f"[{name}]")
        for key, info in kind.model_fields.items():
            # what has no default gets an example, so that every line holds once uncommented
            default = (info.examples or [None])[0] if info.default is None else info.default
            value = json.dumps(default)
            choices = _choices(kind, key)
            note = f" ({', '.join(choices)})" if choices else ""
            lines.append(f"# {key} = {value}  # {info.description}{note}")
        lines.append("")
    return "\n".join([*lines, PROCESSING_EXAMPLE])


def _choices(section: type[Section], key: str) -> list[str]:
    schema = section.model_json_schema()["properties"][key]
    return [c for part in (schema, *schema.get("anyOf", ())) for c in part.get("enum", ())]


__all__ = [
    "Config",
    "command_sections",
    "load_config",
    "load_processing",
    "schema_json",
    "section_values",
    "template",
]

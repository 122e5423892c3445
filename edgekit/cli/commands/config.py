"""``edgekit config``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgekit.cli.command import FILE, Command, common
from edgekit.cli.ui import Ui
from edgekit.errors import UsageError

if TYPE_CHECKING:
    from edgekit.config import Config


@click.command(
    cls=Command,
    examples=[
        ("edgekit config > edgekit.toml", "a file to fill in, with every option explained"),
        ("edgekit config --schema", "the JSON Schema of that file, for an editor"),
        ("edgekit config --check edgekit.toml", "whether a file is right, without running it"),
    ],
)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of edgekit.toml.")
@click.option("--check", type=FILE, metavar="FILE", help="Check a file instead.")
@common
def config(ui: Ui, schema: bool, check: object) -> None:
    """Print a template of edgekit.toml, or its schema."""
    from edgekit import config as file

    if isinstance(check, Path):
        found = file.load_config(check)
        _check_targets(check, found)
        values = found.model_dump(exclude_unset=True)
        ui.result({"schema_version": 1, "config": values}, lambda: f"{check} is right")
    elif schema:
        text = file.schema_json()
        _give(ui, {"schema_version": 1, **json.loads(text)}, text)
    else:
        text = file.template()
        _give(ui, {"schema_version": 1, "template": text}, text)


def _give(ui: Ui, value: dict[str, Any], text: str) -> None:
    """A file's text as it is: lines that a terminal wraps would no longer be one."""
    if ui.json:
        ui.result(value, lambda: "")
    else:
        ui.text(text.rstrip("\n"))


def _check_targets(path: Path, config: Config) -> None:
    """Raises:
    UsageError: a section names a target that does not exist.
    """
    from targets.load import resolve

    problems = []
    for section in ("inspect", "convert"):
        target = getattr(config, section).target
        try:
            if target is not None:
                resolve(target)
        except UsageError as error:
            problems += [replace(p, where=f"{section}.target") for p in error.problems]
    if problems:
        raise UsageError(f"{path} names targets that do not exist", problems)

"""``edgekit config``."""

from __future__ import annotations

import click

from edgekit.cli.command import FILE, Command, common
from edgekit.cli.ui import Ui


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
    from pathlib import Path

    from edgekit import config as file

    if isinstance(check, Path):
        values = file.load_config(check).model_dump(exclude_unset=True)
        ui.result({"schema_version": 1, "config": values}, lambda: f"{check} is right")
    elif schema:
        ui.text(file.schema_json().rstrip())
    else:
        text = file.template()
        ui.result({"schema_version": 1, "template": text}, lambda: text)

"""``edgekit diff``."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.command import FILE, Command, common
from edgekit.cli.ui import Ui


@click.command(
    cls=Command,
    examples=[
        ("edgekit diff out_before out_after", "what grew, what shrank, what changed"),
        ("edgekit diff old/report.json new/report.json --json", "the same for a script"),
    ],
)
@click.argument("first", metavar="OUT_A", type=FILE)
@click.argument("second", metavar="OUT_B", type=FILE)
@common
def diff(ui: Ui, first: Path, second: Path) -> None:
    """Compare two conversions.

    Memory, instructions per layer, accuracy, verification and versions. Each of OUT_A and OUT_B
    is a folder that convert made, or a report.json."""
    from edgekit.report.codec import load_report
    from edgekit.report.diff import compare, diff_view

    names = (str(first), str(second))
    found = compare(load_report(first), load_report(second), names)
    ui.result(found, lambda: diff_view(found))

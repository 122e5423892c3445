"""``edgekit report``."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.command import FILE, Command, common
from edgekit.cli.params import folder_argument, force_option
from edgekit.cli.paths import check_file
from edgekit.cli.ui import Ui


@click.command(
    cls=Command,
    examples=[
        ("edgekit report out", "the report of a conversion, with every layer"),
        ("edgekit report out --html report.html", "and as one self-contained HTML file"),
        ("edgekit report out --json", "and for a script"),
    ],
)
@folder_argument
@click.option("--html", type=FILE, metavar="FILE", help="Write the report as HTML, too.")
@force_option
@common
def report(ui: Ui, folder: Path, html: Path | None, force: bool) -> None:
    """Show the report of a conversion.

    OUT is the folder that convert made, or a report.json."""
    from edgekit.report import terminal
    from edgekit.report.codec import load_report

    if html is not None:
        check_file(html, "--html", force=force, reads=(folder,))
    found = load_report(folder)
    if html is not None:
        from edgekit.files import write_atomic
        from edgekit.report.html import render_html

        write_atomic(html, render_html(found))
        ui.note(f"wrote {html}")
    ui.result(found, lambda: terminal.report_view(found))

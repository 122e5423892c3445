"""``edgekit combine``."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.command import FILE, Command, common
from edgekit.cli.params import emulator_option, force_option, plugin_option, toolchain_option
from edgekit.cli.paths import check_folder
from edgekit.cli.ui import Ui
from edgekit.options import EmulatorChoice, ToolchainChoice


@click.command(
    cls=Command,
    examples=[
        ("edgekit combine kws vww -o both", "two converted models in one firmware and one arena"),
    ],
)
@click.argument("folders", metavar="OUT_A OUT_B...", type=FILE, nargs=-1, required=True)
@click.option("-o", "--out", type=FILE, required=True, help="Folder to make.")
@click.option("--name", help="Prefix of its C symbols.  [default: from those of the models]")
@toolchain_option
@emulator_option
@force_option
@plugin_option
@common
def combine(
    ui: Ui,
    folders: tuple[Path, ...],
    out: Path,
    name: str | None,
    toolchain: ToolchainChoice,
    emulator: EmulatorChoice,
    force: bool,
) -> None:
    """Put converted models into one firmware that runs them in turn.

    Each OUT is a folder that convert made. They share one arena, as large as the largest needs;
    their states lie side by side, and assembly functions that are equal are linked once. The
    firmware is built and checked as a conversion is: each output must equal the reference of its
    model.
    """
    from edgekit import api
    from edgekit.report.answers import combination_view

    check_folder(out, "-o")
    with ui.progress() as step:
        found = api.combine(
            folders, out, name=name, toolchain=toolchain, emulator=emulator, force=force,
            progress=step,
        )  # fmt: skip
    ui.summary(found, lambda: combination_view(found))

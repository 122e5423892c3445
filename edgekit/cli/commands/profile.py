"""``edgekit profile``."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.command import Command, common, config_option
from edgekit.cli.params import (
    folder_argument,
    image_emulator_option,
    image_toolchain_option,
    place_option,
    plugin_option,
)
from edgekit.cli.ui import Ui
from edgekit.options import EmulatorChoice, Place, ToolchainChoice


@click.command(
    cls=Command,
    examples=[
        ("edgekit profile out", "instructions per layer on the emulated core"),
        (
            "edgekit profile out --toolchain gcc --emulator qemu --json",
            "with one compiler and one emulator, for a script",
        ),
    ],
)
@folder_argument
@place_option("emulator", "Where to count; only the emulator can.")
@image_toolchain_option
@image_emulator_option
@plugin_option
@config_option("profile")
@common
def profile(
    ui: Ui, folder: Path, on: Place, toolchain: ToolchainChoice, emulator: EmulatorChoice
) -> None:
    """Count the instructions of one inference, layer by layer.

    Instruction counts are exact and repeatable; cycles are an estimate with a range."""
    from edgekit import api
    from edgekit.report.answers import profile_view

    deployment = api.load(folder)
    with ui.progress() as step:
        step(f"profiling {folder.name} on {on}")
        result = deployment.profile(on=on, toolchain=toolchain, emulator=emulator)
    ui.result(result, lambda: profile_view(result, tables=not ui.quiet))

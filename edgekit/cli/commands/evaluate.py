"""``edgekit evaluate``."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import exits
from edgekit.cli.command import FILE, Command, common, config_option
from edgekit.cli.params import (
    image_emulator_option,
    image_toolchain_option,
    place_option,
    plugin_option,
)
from edgekit.cli.ui import Ui
from edgekit.errors import UsageError
from edgekit.options import EmulatorChoice, Place, ToolchainChoice


@click.command(
    cls=Command,
    examples=[
        ("edgekit evaluate model.onnx --data test.npz", "accuracy of the float model"),
        (
            "edgekit evaluate out --on emulator --data test.npz",
            "accuracy of the converted model on the emulated core",
        ),
    ],
)
@click.argument("path", metavar="OUT|MODEL", type=FILE)
@place_option("reference")
@click.option(
    "--data", type=FILE, required=True, metavar="LABELLED.npz", help="Inputs, and labels in y."
)
@click.option(
    "--compare/--no-compare",
    default=False,
    help="Also count the samples whose outputs equal the reference bit for bit.",
)
@image_toolchain_option
@image_emulator_option
@plugin_option
@config_option("evaluate")
@common
def evaluate(
    ui: Ui,
    path: Path,
    on: Place,
    data: Path,
    compare: bool,
    toolchain: ToolchainChoice,
    emulator: EmulatorChoice,
) -> None:
    """Measure accuracy on labelled data.

    Top-1 for a classifier; MSE and AUC for a model that reconstructs its input.

    With --compare the exit code is 1 where an int8 output differs from the reference.
    """
    from edgekit import api
    from edgekit.npz import load_arrays
    from edgekit.report.answers import evaluation_view

    if compare and path.is_file():
        raise UsageError(
            f"--compare has no effect on a model file: only a converted model (OUT) can differ "
            f"from the reference, and {path} is a file"
        )
    labelled = load_arrays(data)
    with ui.progress() as step:
        step(f"evaluating {path.name} on {on}")
        result = api.evaluate(path, labelled, on, compare, toolchain=toolchain, emulator=emulator)
    ui.result(result, lambda: evaluation_view(result))
    different = 0 if result.identical is None else result.samples - result.identical
    # float32 results are right within a tolerance; integers must be equal
    if different and api.load(path).manifest.precision == "int8":
        ui.fail(f"{different:,} of {result.samples:,} samples differ from the reference")
        raise click.exceptions.Exit(exits.CHECK_FAILED)

"""``edgekit evaluate``."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.command import FILE, Command, common, config_option
from edgekit.cli.params import place_option
from edgekit.cli.ui import Ui
from edgekit.options import Place


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
@config_option("evaluate")
@common
def evaluate(ui: Ui, path: Path, on: Place, data: Path, compare: bool) -> None:
    """Measure accuracy on labelled data.

    Top-1 for a classifier; MSE and AUC for a model that reconstructs its input."""
    from edgekit import api
    from edgekit.npz import load_arrays
    from edgekit.report.answers import evaluation_view

    labelled = load_arrays(data)
    with ui.progress() as step:
        step(f"evaluating {path.name} on {on}")
        result = api.evaluate(path, labelled, on, compare)
    ui.result(result, lambda: evaluation_view(result))

"""``edgekit convert``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgekit.cli.command import CONFIG, FILE, Command, common, complete_targets, config_option
from edgekit.cli.params import (
    calibration_option,
    emulator_option,
    force_option,
    kernels_option,
    memory_option,
    model_argument,
    names_option,
    observer_option,
    optimize_option,
    percentile_option,
    plan_time_option,
    plugin_option,
    ram_option,
    refuse_idle,
    refuse_idle_percentile,
    shape_option,
    signature_option,
    toolchain_option,
    weights_option,
)
from edgekit.cli.paths import check_folder
from edgekit.cli.ui import Ui
from edgekit.errors import UsageError
from edgekit.options import Precision, Rounding, allowed

if TYPE_CHECKING:
    from edgekit.processing import Processing


@click.command(
    cls=Command,
    examples=[
        (
            "edgekit convert model_int8.tflite --target cortex-m4 -o out",
            "a quantized model to verified C",
        ),
        (
            "edgekit convert model.onnx --target nucleo-l4r5zi --calibration calib.npz -o out",
            "a float model, quantized on the way, for a board",
        ),
        ("edgekit convert --config edgekit.toml", "every option from a file"),
    ],
)
@model_argument
@click.option(
    "--target",
    required=True,
    shell_complete=complete_targets,
    help="Core or board; see: edgekit targets.",
)
@click.option("-o", "--out", type=FILE, required=True, help="Folder to make.")
@calibration_option(required=False)
@click.option(
    "--precision",
    type=click.Choice(allowed(Precision)),
    help="Arithmetic of the generated code.  [default: int8 where the model is quantized or "
    "--calibration is given]",
)
@click.option(
    "--rounding",
    type=click.Choice(allowed(Rounding)),
    help="Whose rounding the integers follow.  [default: onnx or litert where the model came "
    "quantized, fast where edgekit quantizes it]",
)
@toolchain_option
@emulator_option
@click.option(
    "--require-emulator/--no-require-emulator",
    default=False,
    help="Exit 4 where no emulator can run the target.",
)
@click.option("--name", help="Prefix of every C symbol.  [default: from the file name]")
@names_option("--outputs", help="Tensors to give as outputs.")
@shape_option()
@signature_option
@observer_option
@percentile_option
@click.option(
    "--vectors",
    type=click.IntRange(1, 1000),
    default=4,
    show_default=True,
    help="Test vectors to store and compare.",
)
@plan_time_option
@kernels_option
@optimize_option
@memory_option
@ram_option
@weights_option
@click.option(
    "--plan", type=FILE, help="Follow this plan file of edgekit plan --save; nothing is planned."
)
@force_option
@plugin_option
@config_option("convert")
@common
def convert(
    ui: Ui,
    model: Path,
    out: Path,
    calibration: Path | None,
    shape: dict[str, tuple[int, ...]],
    memory: dict[str, int | None],
    **options: Any,
) -> None:
    """Turn MODEL into verified C for a target.

    The code is built, run on this machine and on an emulated core, checked and measured.
    OUT gets the code, a test with stored vectors, a README and the report.

    Sections [processing.INPUT] and [postprocessing.OUTPUT] of the config file add helpers that
    make inputs from pixels or samples and rank outputs.

    Integer results of every run must equal the reference bit for bit, float32 ones within a stated
    tolerance; otherwise the exit code is 1.
    """
    from edgekit import api
    from edgekit.report import terminal

    check_folder(out, "-o")
    refuse_idle_percentile(options["observer"])
    refuse_idle(options["plan"] is not None, "plan_time", "with --plan")
    refuse_idle(options["plan"] is not None, "memory", "with --plan")
    refuse_idle(options["plan"] is not None, "ram", "with --plan")
    refuse_idle(bool(memory), "ram", "with --memory")
    refuse_idle(calibration is None, "observer", "without --calibration")
    if options["kernels"] == "portable" and options["optimize"] in ("fastest", "balanced"):
        raise UsageError(
            f"--optimize {options['optimize']} chooses kernels in assembly and has no effect "
            "with --kernels portable"
        )
    if options["rounding"] is not None and options["precision"] == "float32":
        raise UsageError("--rounding is for integers and has no effect with --precision float32")
    with ui.progress() as step:
        deployment = api.convert(
            model,
            out,
            api.ConvertOptions(**options, shapes=shape, memories=memory),
            calibration=calibration,
            processing=_processing(),
            progress=step,
        )
    report = deployment.report
    if ui.json or ui.quiet:
        for text in report.warnings:
            ui.warn(text)
    ui.summary(report, lambda: terminal.report_view(report, layers=False))
    if not ui.json:
        layers = shlex.join(["edgekit", "report", str(out)])
        ui.note(f"\n{out}/report.html has the whole report; per layer: {layers}")


def _processing() -> Processing | None:
    """The sections of the config file that the command line has no options for."""
    path = click.get_current_context().meta.get(CONFIG)
    if path is None:
        return None
    from edgekit.config import load_processing

    return load_processing(path)

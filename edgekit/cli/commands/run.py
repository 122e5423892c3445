"""``edgekit run``."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.command import FILE, Command, common, config_option
from edgekit.cli.params import (
    folder_argument,
    force_option,
    image_emulator_option,
    image_toolchain_option,
    place_option,
    plugin_option,
)
from edgekit.cli.paths import check_file
from edgekit.cli.ui import Ui
from edgekit.options import EmulatorChoice, Place, ToolchainChoice


@click.command(
    cls=Command,
    examples=[
        ("edgekit run out --input x.npz --output y.npz", "run samples on the emulated core"),
        (
            "edgekit run out --on host --input x.npz --output y.npz --carry-state",
            "run a sequence through a model with state, on this machine",
        ),
        (
            "edgekit run out --raw --input images.npz --output y.npz",
            "run the helpers before the model too, on the emulated core",
        ),
    ],
)
@folder_argument
@place_option("emulator")
@click.option("--input", type=FILE, required=True, metavar="X.npz", help="Samples to run.")
@click.option("--output", type=FILE, required=True, metavar="Y.npz", help="File to write.")
@click.option(
    "--carry-state/--no-carry-state",
    default=False,
    help="Keep state from sample to sample instead of resetting it.",
)
@click.option(
    "--raw/--no-raw",
    default=False,
    help="Samples are images or sound, as the helpers of [processing.INPUT] take them.",
)
@image_toolchain_option
@image_emulator_option
@force_option
@plugin_option
@config_option("run")
@common
def run(
    ui: Ui,
    folder: Path,
    on: Place,
    input: Path,
    output: Path,
    carry_state: bool,
    raw: bool,
    toolchain: ToolchainChoice,
    emulator: EmulatorChoice,
    force: bool,
) -> None:
    """Run samples through the converted model in OUT.

    Arrays are named as the model's inputs (or one array x), samples on the first axis, in the
    model's own layout and type; outputs likewise. With --raw they are bytes of images or int16
    samples of sound, and the helpers run before the model.
    """
    from edgekit import api
    from edgekit.npz import load_arrays, save_arrays
    from edgekit.report.answers import run_view
    from edgekit.report.results import RunSummary, TensorInfo

    check_file(output, "--output", force=force, reads=(input, folder))
    deployment = api.load(folder)
    inputs = load_arrays(input)
    with ui.progress() as step:
        step(f"running {input.name} on {on}")
        outputs = deployment.run(
            inputs, on=on, carry_state=carry_state, raw=raw, toolchain=toolchain, emulator=emulator
        )
    save_arrays(output, outputs)
    written = tuple(TensorInfo(n, str(a.dtype), a.shape) for n, a in outputs.items())
    samples = len(next(iter(outputs.values())))
    summary = RunSummary(str(output), on, samples, written)
    ui.summary(summary, lambda: run_view(summary))

"""``edgekit debug``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgekit.cli import exits
from edgekit.cli.command import FILE, Command, common, config_option
from edgekit.cli.params import (
    calibration_option,
    force_option,
    image_emulator_option,
    image_toolchain_option,
    names_option,
    place_option,
    plugin_option,
    refuse_idle,
)
from edgekit.cli.paths import check_file
from edgekit.cli.ui import Ui
from edgekit.errors import Problem, UsageError
from edgekit.options import EmulatorChoice, Place, Precision, ToolchainChoice, allowed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgekit.report.results import DebugResult


@click.command(
    cls=Command,
    examples=[
        ("edgekit debug out --on emulator", "first layer that differs from the reference, if any"),
        ("edgekit debug model_int8.onnx", "the same for a model whose conversion is refused"),
        (
            "edgekit debug out --on host --input x.npz --tensors conv1,conv2 --output dump.npz",
            "write tensors of the first sample to a file",
        ),
    ],
)
@click.argument("folder", metavar="OUT|MODEL", type=FILE)
@place_option("host")
@click.option("--target", default="host", show_default=True, help="Core or board of a MODEL.")
@click.option(
    "--precision",
    type=click.Choice(allowed(Precision)),
    help="Arithmetic of a MODEL.  [default: int8 where it is quantized or --calibration is given]",
)
@calibration_option(required=False)
@click.option(
    "--input", type=FILE, metavar="X.npz", help="Use its first sample.  [default: a stored vector]"
)
@click.option("--output", type=FILE, metavar="DUMP.npz", help="Write tensors to this file.")
@names_option("--tensors", help="Layers or tensors to write.  [default: all]")
@image_toolchain_option
@image_emulator_option
@force_option
@plugin_option
@config_option("debug")
@common
def debug(
    ui: Ui,
    folder: Path,
    on: Place,
    target: str,
    precision: Precision | None,
    calibration: Path | None,
    input: Path | None,
    output: Path | None,
    tensors: tuple[str, ...],
    toolchain: ToolchainChoice,
    emulator: EmulatorChoice,
    force: bool,
) -> None:
    """Compare every tensor of one sample with the reference.

    OUT is a converted model. A MODEL file is converted here first and kept even where its outputs
    differ. Any tensor can be written to a file. The exit code is 1 where a tensor differs.
    """
    from edgekit import api
    from edgekit.npz import load_arrays, save_arrays
    from edgekit.report.answers import debug_view

    if tensors and output is None:
        raise UsageError("--tensors says what to write; --output says where, and is missing")
    if output is not None:
        check_file(output, "--output", force=force, reads=(input, folder))
    for name in ("target", "precision", "calibration"):
        refuse_idle(not folder.is_file(), name, "with a converted model")
    inputs = None if input is None else load_arrays(input)
    with ui.progress() as step:
        if folder.is_file():
            options = api.ConvertOptions(target, precision)
            deployment = api.convert(
                folder, None, options, calibration=calibration, progress=step, refuse=False
            )
        else:
            deployment = api.load(folder)
        step(f"tracing {folder.name} on {on}")
        result = deployment.debug(inputs, on=on, toolchain=toolchain, emulator=emulator)
    if output is not None:
        save_arrays(output, _chosen(result, tensors, folder))
    ui.result(result, lambda: debug_view(result, tables=not ui.quiet))
    if result.first_difference is not None:
        raise click.exceptions.Exit(exits.CHECK_FAILED)


def _chosen(result: DebugResult, names: tuple[str, ...], folder: Path) -> dict[str, NDArray[Any]]:
    """Tensors by their own name or by that of the layer that writes them; all without names."""
    if not names:
        return result.tensors
    of_layer = {step.name: step.tensor for step in result.steps}
    wanted = [name if name in result.tensors else of_layer.get(name, name) for name in names]
    hint = f"`edgekit debug {folder}` lists them."
    unknown = [
        Problem("is neither a layer nor a tensor of the model", f"'{name}'", hint=hint)
        for name in wanted
        if name not in result.tensors
    ]
    if unknown:
        raise UsageError("--tensors names what the model does not have", unknown)
    return {name: result.tensors[name] for name in wanted}

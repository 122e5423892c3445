"""``edgekit quantize``."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.command import FILE, Command, common, config_option
from edgekit.cli.params import (
    calibration_option,
    force_option,
    model_argument,
    observer_option,
    percentile_option,
    refuse_idle_percentile,
    shape_option,
    signature_option,
)
from edgekit.cli.paths import check_file
from edgekit.cli.ui import Ui
from edgekit.errors import UsageError


@click.command(
    cls=Command,
    examples=[
        (
            "edgekit quantize model.onnx --calibration calib.npz -o model_int8.onnx",
            "float model in, int8 model out",
        ),
        (
            "edgekit quantize model.tflite --calibration calib.npz --observer percentile "
            "--percentile 99.9 -o model_int8.onnx",
            "leave the largest 0.1 % of activations out of the ranges",
        ),
    ],
)
@model_argument
@calibration_option(required=True)
@click.option("-o", "--out", type=FILE, required=True, help="int8 ONNX file to write.")
@observer_option
@percentile_option
@shape_option()
@signature_option
@force_option
@config_option("quantize")
@common
def quantize(
    ui: Ui,
    model: Path,
    calibration: Path,
    out: Path,
    observer: str,
    percentile: float,
    shape: dict[str, tuple[int, ...]],
    signature: str,
    force: bool,
) -> None:
    """Quantize the float MODEL to int8 and write it as ONNX."""
    from edgekit import api
    from edgekit.report.answers import quantize_view

    if out.suffix.lower() != ".onnx":
        raise UsageError(f"-o {out}: the quantized model is written as ONNX; name it *.onnx")
    check_file(out, "-o", force=force, reads=(model, calibration))
    refuse_idle_percentile(observer)
    with ui.progress() as step:
        step(f"quantizing {model.name}")
        summary = api.quantize(
            model,
            calibration,
            out,
            observer=observer,
            percentile=percentile,
            shapes=shape,
            signature=signature,
        )
    ui.summary(summary, lambda: quantize_view(summary))

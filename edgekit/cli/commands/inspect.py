"""``edgekit inspect``."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.command import Command, common, complete_targets, config_option
from edgekit.cli.params import model_argument, plugin_option, shape_option, signature_option
from edgekit.cli.ui import Ui


@click.command(
    cls=Command,
    examples=[
        ("edgekit inspect model.tflite", "what is in a model, and the least RAM of its layers"),
        ("edgekit inspect model.onnx --target cortex-m4", "and what the target supports"),
    ],
)
@model_argument
@click.option("--target", shell_complete=complete_targets, help="Core or board to ask about.")
@shape_option()
@signature_option
@plugin_option
@config_option("inspect")
@common
def inspect(
    ui: Ui, model: Path, target: str | None, shape: dict[str, tuple[int, ...]], signature: str
) -> None:
    """Show what MODEL consists of and the least RAM of its layers.

    Operators, shapes, MACs, parameters, and the bytes that no arena of whole layers can undercut.

    With --target also what that target supports and what each layer is expected to cost.
    """
    from edgekit import api
    from edgekit.report.answers import inspection_view

    found = api.inspect(model, target, shapes=shape, signature=signature)
    ui.result(found, lambda: inspection_view(found))

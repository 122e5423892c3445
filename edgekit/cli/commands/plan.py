"""``edgekit plan``."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli.command import FILE, Command, common, complete_targets, config_option
from edgekit.cli.params import (
    force_option,
    levers_option,
    memory_option,
    model_argument,
    plan_time_option,
    plugin_option,
    ram_option,
    shape_option,
    signature_option,
)
from edgekit.cli.paths import check_file
from edgekit.cli.ui import Ui
from edgekit.options import Lever


@click.command(
    cls=Command,
    examples=[
        ("edgekit plan model.tflite", "how much RAM the arena takes, and the proof"),
        ("edgekit plan model.tflite --levers order", "the same without results over their inputs"),
        (
            "edgekit plan model.tflite --memory dtcm=16KiB --memory sram",
            "an arena over two memories, the fast one first",
        ),
        ("edgekit plan model.tflite --ram 32KiB", "what it costs to fit into 32 KiB"),
        (
            "edgekit plan model.tflite --target cortex-m4 --save plan.json",
            "keep the plan, for convert --plan with the same target",
        ),
    ],
)
@model_argument
@click.option("--target", shell_complete=complete_targets, help="Core or board to plan for.")
@shape_option()
@signature_option
@plan_time_option
@levers_option
@memory_option
@ram_option
@click.option("--save", type=FILE, help="Write the plan to this file, for convert --plan.")
@force_option
@plugin_option
@config_option("plan")
@common
def plan(
    ui: Ui,
    model: Path,
    target: str | None,
    shape: dict[str, tuple[int, ...]],
    signature: str,
    plan_time: float,
    levers: tuple[Lever, ...],
    memory: dict[str, int | None],
    ram: int | None,
    save: Path | None,
    force: bool,
) -> None:
    """Place every tensor of MODEL in RAM, and prove how good it is.

    The arena, the bound that no plan with the same levers can undercut, the step that needs most,
    and the place of every result. With --ram the cheapest plan that fits, and the front of RAM
    against extra work.
    """
    from edgekit import api
    from edgekit.report.answers import plan_view

    if save is not None:
        check_file(save, "--save", force=force, reads=(model,))
    found = api.plan(
        model,
        target,
        shapes=shape,
        signature=signature,
        plan_time=plan_time,
        levers=levers,
        save=save,
        memories=memory,
        ram=ram,
    )
    ui.result(found, lambda: plan_view(found, tables=not ui.quiet))

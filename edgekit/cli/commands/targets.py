"""``edgekit targets``."""

from __future__ import annotations

import click

from edgekit.cli.command import CommandGroup, common, complete_targets
from edgekit.cli.ui import Ui


@click.group(
    cls=CommandGroup,
    invoke_without_command=True,
    examples=[
        ("edgekit targets", "every core and board"),
        ("edgekit targets show nucleo-l4r5zi", "everything known about one of them"),
    ],
)
@click.pass_context
@common
def targets(ui: Ui, ctx: click.Context) -> None:
    """List the cores and boards that --target takes."""
    if ctx.invoked_subcommand is not None:
        return
    from edgekit.report.places import targets_view
    from edgekit.report.results import TargetList
    from targets.load import board_names, core_names, load_board, load_core

    found = TargetList(
        cores=tuple(load_core(n) for n in core_names()),
        boards=tuple(load_board(n) for n in board_names()),
    )
    ui.result(found, lambda: targets_view(found))


@targets.command(
    examples=[("edgekit targets show cortex-m4", "everything known about a core")],
)
@click.argument("target", shell_complete=complete_targets)
@common
def show(ui: Ui, target: str) -> None:
    """Show everything known about TARGET, a core or a board."""
    from edgekit.report.places import target_view
    from edgekit.report.results import TargetFacts
    from targets.load import resolve

    resolved = resolve(target)
    found = TargetFacts(resolved.core, resolved.board)
    ui.result(found, lambda: target_view(found))

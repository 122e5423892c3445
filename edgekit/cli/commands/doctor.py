"""``edgekit doctor``."""

from __future__ import annotations

import click

from edgekit.cli.command import Command, common
from edgekit.cli.ui import Ui


@click.command(
    cls=Command,
    examples=[("edgekit doctor", "what is installed, what is missing, and how to install it")],
)
@common
def doctor(ui: Ui) -> None:
    """Say which tools are present and how to install the others."""
    from edgekit.report.places import doctor_view
    from edgekit.report.results import Diagnosis
    from targets.doctor import diagnose

    found = Diagnosis(tuple(diagnose()))
    ui.result(found, lambda: doctor_view(found))

"""``edgekit completion``."""

from __future__ import annotations

import click

from edgekit.cli.command import Command, common
from edgekit.cli.ui import Ui
from edgekit.errors import ToolError

_VARIABLE = "_EDGEKIT_COMPLETE"


@click.command(
    cls=Command,
    examples=[
        ('eval "$(edgekit completion bash)"', "completion in this shell; put it in ~/.bashrc"),
        ('eval "$(edgekit completion zsh)"', "the same in ~/.zshrc"),
        ("edgekit completion fish > ~/.config/fish/completions/edgekit.fish", "for fish"),
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common
def completion(ui: Ui, shell: str) -> None:
    """Print the completion script of SHELL."""
    from click.shell_completion import get_completion_class

    from edgekit.cli.app import cli

    kind = get_completion_class(shell)
    assert kind is not None
    try:
        script = kind(cli, {}, "edgekit", _VARIABLE).source()
    except RuntimeError as error:  # click asks bash for its version
        raise ToolError(f"no completion for {shell}: {error}") from None
    ui.result({"schema_version": 1, "shell": shell, "script": script}, lambda: script)

"""What every command shares: examples in its help, and the common options."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from edgekit.cli.ui import Ui

CONFIG = "edgekit.config"
"""Where a command's context keeps the path of its config file."""
FILE = click.Path(path_type=Path)
QUIET = (
    "Print only warnings, errors and the answer that was asked for: no progress, no tables beside "
    "it, no summary of what was written."
)


class Command(click.Command):
    """A command whose help ends with examples.

    Attributes:
        examples: (command line, what it does) pairs.
    """

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on its own lines."""
        write_examples(self.examples, formatter)


class CommandGroup(click.Group):
    """The same for a command with commands of its own."""

    command_class = Command

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on its own lines."""
        write_examples(self.examples, formatter)


def write_examples(examples: Sequence[tuple[str, str]], formatter: click.HelpFormatter) -> None:
    """Write examples unwrapped, so that they can be copied."""
    with formatter.section("Examples"):
        for line, meaning in examples:
            formatter.write(f"  # {meaning}\n  {line}\n")


def common(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``--json``, ``--quiet`` and ``--debug``; the function gets a `Ui` first."""

    @click.option("--json", "json_", is_flag=True, help="Print one JSON document to stdout.")
    @click.option("-q", "--quiet", is_flag=True, help=QUIET)
    @click.option("--debug", is_flag=True, help="Show tracebacks (also EDGEKIT_DEBUG=1).")
    @functools.wraps(function)
    def wrapper(*args: Any, json_: bool, quiet: bool, debug: bool, **kwargs: Any) -> None:
        # --debug is read by App.main, which also sees failures before a command starts
        function(Ui(json=json_, quiet=quiet), *args, **kwargs)

    return wrapper


def config_option(command: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add ``--config FILE``: its section for ``command`` gives what the command line does not."""

    def read(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
        if value is None:
            return
        from edgekit.config import section_values

        ctx.meta[CONFIG] = value
        ctx.default_map = {**(ctx.default_map or {}), **section_values(value, command)}

    return click.option(
        "--config",
        type=FILE,
        is_eager=True,  # before every option that it can give
        expose_value=False,
        callback=read,
        help="Read options from this edgekit.toml; the command line wins.",
    )


def complete_targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of cores and boards for shell completion."""
    from targets.load import board_names, core_names

    return [n for n in (*core_names(), *board_names()) if n.startswith(incomplete)]

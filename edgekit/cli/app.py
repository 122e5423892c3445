"""The command group: commands are imported when they are used, errors end in one place."""

from __future__ import annotations

import difflib
import importlib
import json
import sys
from collections.abc import Sequence
from typing import Any

import click

import edgekit
from edgekit.cli import exits, failures
from edgekit.shadowing import check_siblings

COMMANDS: dict[str, str] = {
    "inspect": "edgekit.cli.commands.inspect:inspect",
    "plan": "edgekit.cli.commands.plan:plan",
    "quantize": "edgekit.cli.commands.quantize:quantize",
    "convert": "edgekit.cli.commands.convert:convert",
    "combine": "edgekit.cli.commands.combine:combine",
    "run": "edgekit.cli.commands.run:run",
    "evaluate": "edgekit.cli.commands.evaluate:evaluate",
    "profile": "edgekit.cli.commands.profile:profile",
    "debug": "edgekit.cli.commands.debug:debug",
    "report": "edgekit.cli.commands.report:report",
    "diff": "edgekit.cli.commands.diff:diff",
    "targets": "edgekit.cli.commands.targets:targets",
    "doctor": "edgekit.cli.commands.doctor:doctor",
    "config": "edgekit.cli.commands.config:config",
    "completion": "edgekit.cli.commands.completion:completion",
}


class App(click.Group):
    """A group whose commands are named in `COMMANDS` and whose failures all end in `main`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of use, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown name gets the nearest known one."""
        close = difflib.get_close_matches(args[0], COMMANDS, 1)
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = f" Did you mean '{close[0]}'?" if close else ""
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that went away is no error worth a message."""
        check_siblings()  # here and not at import: help and completion need no other package
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            failures.drop_output(sys.stdout)
            raise click.exceptions.Exit(exits.PIPE_CLOSED) from None

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "edgekit",
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and exit; no exception passes, except to callers without ``standalone_mode``."""
        arguments = list(sys.argv[1:] if args is None else args)
        try:
            outcome = super().main(
                args=arguments,
                prog_name=prog_name,
                complete_var=complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except (Exception, KeyboardInterrupt) as error:
            if not standalone_mode:
                raise
            sys.exit(
                failures.show(
                    error,
                    json="--json" in failures.options(arguments),
                    debug=failures.debug_wanted(arguments),
                )
            )
        if not standalone_mode:
            return outcome
        sys.exit(outcome if isinstance(outcome, int) else exits.OK)


@click.group(
    name="edgekit",
    cls=App,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: docs/exit-codes.md; JSON: docs/json-schema.md.",
)
@click.option("--version", is_flag=True, help="Show the version (with --json as JSON) and exit.")
@click.option("--json", "json_", is_flag=True, hidden=True)
@click.pass_context
def cli(ctx: click.Context, version: bool, json_: bool) -> None:
    """Trained neural networks to verified firmware.

    edgekit reads a trained model, quantizes it, writes readable C for a microcontroller, builds
    it, runs it on an emulated core and checks it bit for bit against a reference.
    """
    if version:
        body = json.dumps({"schema_version": 1, "edgekit": edgekit.__version__}, indent=2)
        click.echo(body if json_ else f"edgekit {edgekit.__version__}")
        ctx.exit(exits.OK)
    if json_:
        raise click.UsageError("--json goes after the command", ctx)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(exits.USAGE)

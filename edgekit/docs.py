"""Documents that are made from code, so that they cannot be wrong: ``python -m edgekit.docs``.

``--check`` (the default) fails where a document is stale, ``--write`` writes them all. To add one,
add a function to `DOCUMENTS`.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from edgekit.cli.command import QUIET
from edgekit.docs_figures import readme_document
from edgekit.docs_operators import operators_document
from edgekit.docs_tables import float_library_document, targets_document

DOCS = Path(__file__).resolve().parent.parent / "docs"
_COMMON = ("json_", "quiet", "debug")
_COMMON_TEXT = f"""Every command also takes:

| option | meaning |
|---|---|
| `--json` | Print one JSON document to stdout, see [json-schema.md](json-schema.md). |
| `-q`, `--quiet` | {QUIET} |
| `--debug` | Show tracebacks; `EDGEKIT_DEBUG=1` in the environment does the same. |
| `-h`, `--help` | Show help with examples. |

Exit codes: [exit-codes.md](exit-codes.md).
"""
_MADE = "<!-- made by: python -m edgekit.docs --write -->\n\n"


def cli_document() -> str:
    """docs/cli.md: every command with its options and examples.

    Made from the commands themselves, not from their help text, whose layout differs between
    versions of click.
    """
    from edgekit.cli.app import cli

    parts = [_MADE + "# The command line\n"]
    for path, command in _commands(cli, "edgekit"):
        text = inspect.cleandoc(command.help or "")
        parts.append(f"## `{path}`\n\n{text}\n")
        arguments = [p for p in command.params if isinstance(p, click.Argument)]
        inner = ["COMMAND"] if isinstance(command, click.Group) else []
        usage = " ".join([path, *inner, *(_metavar(p) for p in arguments), "[OPTIONS]"])
        parts.append(f"```\n{usage}\n```\n")
        options = [p for p in command.params if isinstance(p, click.Option)]
        rows = [_option_row(p) for p in options if p.name not in _COMMON]
        if rows:
            parts.append("\n".join(["| option | meaning |", "|---|---|", *rows, ""]))
        examples = getattr(command, "examples", ())
        if examples:
            lines = [f"# {meaning}\n{line}" for line, meaning in examples]
            parts.append("\n".join(["```", *lines, "```", ""]))
        if command is cli:
            parts.append(_COMMON_TEXT)
    return "\n".join(parts)


def _option_row(option: click.Option) -> str:
    flags = ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" `{_metavar(option)}`"
    notes = ["required"] if option.required else []
    if option.show_default:
        shown = option.show_default
        notes.append(f"default: {shown if isinstance(shown, str) else option.default}")
    note = f" [{'; '.join(notes)}]" if notes else ""
    return f"| {flags}{value} | {option.help}{note} |".replace("  [", " [")


def _metavar(param: click.Parameter) -> str:
    if param.metavar:
        return param.metavar
    if isinstance(param.type, click.Choice):
        return ", ".join(map(str, param.type.choices))
    if isinstance(param, click.Argument):
        return (param.name or "").upper()
    return {"integer range": "N", "float range": "X", "path": "PATH"}.get(param.type.name, "TEXT")


def exit_code_document() -> str:
    """docs/exit-codes.md: the table of `edgekit.cli.exits`."""
    from edgekit.cli.exits import MEANING
    from edgekit.cli.failures import kinds

    lines = ["# Exit codes", "", "| code | name | meaning |", "|---|---|---|"]
    lines += [f"| {code} | {name} | {text} |" for code, (name, text) in MEANING.items()]
    lines += [
        "",
        "An error is told on stderr: one sentence, then every problem found, each with what is "
        "wrong, where, what is allowed and what to do next. With `--json` the same stands on "
        "stdout:",
        "",
        "```json",
        '{"schema_version": 1, "error": {"kind": "...", "summary": "...", "problems": '
        '[{"what": "...", "where": "...", "allowed": "...", "hint": "..."}]}}',
        "```",
        "",
        "| kind | exit code |",
        "|---|---|",
        *(f"| `{kind}` | {code} |" for kind, code in kinds()),
        "",
        "Tracebacks are shown only with `--debug`, or with `EDGEKIT_DEBUG=1` in the environment.",
    ]
    return _MADE + "\n".join(lines) + "\n"


def json_document() -> str:
    """docs/json-schema.md: every JSON format, from its dataclass."""
    from edgekit.report.answers import ANSWERS
    from edgekit.report.schema import markdown

    known: set[type] = set()
    head = (
        "# JSON formats\n\nEvery command takes `--json` and then prints one of these documents to "
        "stdout; logs go to stderr. `convert` and `report` print `report.json`.\n\n"
        "`schema_version` grows when a key changes its meaning or goes away; new keys may come "
        "without that, so ignore keys you do not know. `null` means *not known*: it never stands "
        "for zero. Numbers that JSON cannot write (infinities) are `null` too.\n\n"
        "The report as JSON Schema: [report.schema.json](report.schema.json). An error has the "
        "form shown in [exit-codes.md](exit-codes.md).\n"
    )
    parts = [markdown(cls, title, known) for title, cls in ANSWERS.items()]
    return _MADE + "\n".join([head, *parts])


def report_schema_document() -> str:
    """docs/report.schema.json: JSON Schema of ``report.json``."""
    from edgekit.report.model import Report
    from edgekit.report.schema import json_schema

    return json.dumps(json_schema(Report), indent=1) + "\n"


DOCUMENTS: dict[str, Callable[[], str]] = {
    "../README.md": readme_document,
    "cli.md": cli_document,
    "exit-codes.md": exit_code_document,
    "float-library.md": lambda: _MADE + float_library_document(),
    "json-schema.md": json_document,
    "report.schema.json": report_schema_document,
    "supported-operators.md": lambda: _MADE + operators_document(),
    "targets.md": lambda: _MADE + targets_document(),
}


def stale(folder: Path = DOCS) -> list[str]:
    """Names of the documents whose file differs from what the code says, or is missing."""
    return [
        name
        for name, make in DOCUMENTS.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != make()
    ]


def write(folder: Path = DOCS) -> None:
    """Write every document."""
    from edgekit.files import write_atomic

    for name, make in DOCUMENTS.items():
        write_atomic(folder / name, make())


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        ctx = click.Context(command, info_name=path)
        for name in command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            if inner is not None:
                yield from _commands(inner, f"{path} {name}")


@click.command()
@click.option("--write", "write_", is_flag=True, help="Write the documents.")
@click.option("--check", is_flag=True, help="Fail where one is stale (the default).")
def main(write_: bool, check: bool) -> None:
    """Make the documents that are made from code, or check that they are fresh."""
    if write_:
        write()
    names = stale()
    for name in names:
        click.echo(f"docs/{name} is stale; run: python -m edgekit.docs --write", err=True)
    sys.exit(1 if names else 0)


if __name__ == "__main__":
    main()

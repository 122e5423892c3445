"""Help: every command has examples and explains each option, and stays light."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from edgekit import __version__
from edgekit.cli.app import COMMANDS, cli
from tests.cli.conftest import Runner

HEAVY = ("numpy", "onnx", "onnxruntime", "rich", "jinja2", "pydantic", "unicorn", "ai_edge_litert")


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        yield (*path, name)
        inner = group.get_command(ctx, name)
        if isinstance(inner, click.Group):
            yield from commands(inner, (*path, name))


def find(path: tuple[str, ...]) -> click.Command:
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    return command


EVERY = list(commands(cli))


def test_the_commands() -> None:
    assert ("targets", "show") in EVERY
    assert {path[0] for path in EVERY} == set(COMMANDS)


def test_summaries_fit_their_lines(edgekit_cli: Runner) -> None:
    assert "..." not in edgekit_cli("--help").stdout.partition("Commands:\n")[2]


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_help_has_an_example(path: tuple[str, ...], edgekit_cli: Runner) -> None:
    result = edgekit_cli(*path, "--help")
    assert result.exit_code == 0
    examples = result.stdout.partition("Examples:\n")[2]
    assert f"edgekit {' '.join(path[:1])}" in examples


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_option_is_explained(path: tuple[str, ...]) -> None:
    options = [p for p in find(path).params if isinstance(p, click.Option)]
    assert {"--json", "--debug", "--quiet"} <= {flag for p in options for flag in p.opts}
    assert [p.name for p in options if not p.help] == []


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_examples_can_be_parsed(path: tuple[str, ...]) -> None:
    """A renamed option must not survive in an example."""
    for line, _ in getattr(find(path), "examples", ()):
        if not line.startswith("edgekit ") or ">" in line or "--config" in line:
            continue
        words = line.split()[1:]
        command: click.Command = cli
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            inner = command.get_command(click.Context(command), words[0])
            assert inner is not None, line
            command, words = inner, words[1:]
        command.make_context("x", words)


def test_no_command_shows_help(edgekit_cli: Runner) -> None:
    result = edgekit_cli()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Usage: edgekit")


def test_near_miss(edgekit_cli: Runner) -> None:
    result = edgekit_cli("conver", "m.onnx")
    assert result.exit_code == 2
    assert "No such command 'conver'. Did you mean 'convert'?" in result.stderr


def test_version(edgekit_cli: Runner) -> None:
    assert edgekit_cli("--version").stdout == f"edgekit {__version__}\n"
    for line in (("--version", "--json"), ("--json", "--version")):
        raw = json.loads(edgekit_cli(*line).stdout)
        assert raw == {"schema_version": 1, "edgekit": __version__}


def test_json_belongs_to_a_command(edgekit_cli: Runner) -> None:
    result = edgekit_cli("--json", "targets")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["kind"] == "usage"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from edgekit.cli.app import cli\n"
        "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell: str, edgekit_cli: Runner) -> None:
    result = edgekit_cli("completion", shell)
    assert result.exit_code == 0, result.stderr
    assert "_EDGEKIT_COMPLETE" in result.stdout


def test_completion_offers_commands_and_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(words: str) -> str:
        code = "from edgekit.cli.main import main; main()"
        environment = {
            "_EDGEKIT_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
            "PYTHONPATH": ":".join(filter(None, sys.path)),
        }
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert "plain,convert" in ask("edgekit con")
    assert "plain,cortex-m4" in ask("edgekit convert --target cortex-m")

"""What a command says and where: results to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_LEAST_WIDTH = 20
_PLAIN_WIDTH = 100  # columns where there is no terminal to ask


def plain_wanted() -> bool:
    """True where the environment asks for text without escapes: ``NO_COLOR``, ``TERM=dumb``."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def echo(text: str, *, err: bool = False) -> None:
    """Print; escapes only go to a terminal that wants them."""
    click.echo(text, err=err, color=False if plain_wanted() else None)


@dataclass(frozen=True)
class Ui:
    """The voice of one command.

    Attributes:
        json: stdout carries exactly one JSON document.
        quiet: no progress, no tables and no summary; warnings and answers remain.
    """

    json: bool = False
    quiet: bool = False

    def result(self, value: Any, view: Callable[[], RenderableType]) -> None:
        """Give the result: as JSON where that was asked for, else as ``view()`` for people."""
        if self.json:
            from edgekit.report.codec import to_json

            self.text(to_json(value).rstrip("\n"))
        else:
            self.show(view())

    def summary(self, value: Any, view: Callable[[], RenderableType]) -> None:
        """Give the result of a command that was asked to write files: JSON, or in passing."""
        if self.json or not self.quiet:
            self.result(value, view)

    def show(self, view: RenderableType) -> None:
        """Print a rich renderable to stdout."""
        console = _console(sys.stdout)
        with console.capture() as capture:
            console.print(view)
        lines = (line.rstrip() for line in capture.get().splitlines())
        self.text("\n".join(lines))

    def text(self, text: str) -> None:
        """Print text to stdout; a closed pipe or a full disk shows here, not at exit."""
        stream = sys.stdout
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that lacks block characters
        echo(text)
        stream.flush()

    def note(self, text: str) -> None:
        """Say something by the way, on stderr."""
        if not self.quiet:
            echo(text, err=True)

    def warn(self, text: str) -> None:
        """Say something that must not be overlooked, on stderr."""
        echo(click.style("warning: ", fg="yellow", bold=True) + text, err=True)

    def fail(self, text: str) -> None:
        """Say on stderr why a command that gave its result ends badly all the same."""
        echo(click.style("edgekit: ", fg="red", bold=True) + text, err=True)

    @contextmanager
    def progress(self) -> Iterator[Callable[[str], None]]:
        """A function that takes what is being done now; shows it on stderr with its time."""
        if self.quiet:
            yield lambda text: None
            return
        steps = _Steps()
        if not sys.stderr.isatty() or plain_wanted():
            yield lambda text: echo(text, err=True)
            return
        with _console(sys.stderr).status("starting", spinner="dots") as status:

            def step(text: str) -> None:
                steps.finish()
                steps.begin(text)
                status.update(text)

            yield step
        steps.finish()


class _Steps:
    """Prints each step with its time once it is over."""

    def __init__(self) -> None:
        self._text = ""
        self._start = 0.0

    def begin(self, text: str) -> None:
        self._text, self._start = text, time.monotonic()

    def finish(self) -> None:
        if self._text:
            seconds = time.monotonic() - self._start
            echo(click.style(f"  {self._text}  {seconds:.1f} s", dim=True), err=True)
        self._text = ""


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    columns = os.environ.get("COLUMNS", "")
    width = max(_LEAST_WIDTH, int(columns)) if columns.isdigit() else None
    if width is None and not stream.isatty():
        width = _PLAIN_WIDTH
    # names come from models: no markup, no emoji codes, no colouring of numbers
    return Console(
        file=stream,
        markup=False,
        emoji=False,
        highlight=False,
        width=width,
        color_system=None if plain_wanted() else "auto",
    )

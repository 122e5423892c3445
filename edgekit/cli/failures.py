"""Every way in which a command can end badly, as one readable block and one exit code."""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TextIO

import click

from edgekit.cli import exits
from edgekit.cli.ui import echo
from edgekit.errors import EdgekitError, Problem

DEBUG_VARIABLE = "EDGEKIT_DEBUG"
SCHEMA_VERSION = 1
_PLACES = 8  # named for one finding; JSON has them all
_STAGED = re.compile(r"^\.(.+)\.\w{8}\.(?:part|old)$")
_OS_HINTS = {
    errno.ENOSPC: "Free some space or write to another disk.",
    errno.EDQUOT: "Free some space or write to another disk.",
    errno.EACCES: "Choose a place you may write to, or change its permissions.",
    errno.EPERM: "Choose a place you may write to, or change its permissions.",
    errno.EROFS: "The file system is read-only; write somewhere else.",
    errno.ENOENT: "Check the path; a folder on the way to it may be missing.",
}


@dataclass(frozen=True)
class Failure:
    """How a command ended.

    Attributes:
        kind: short class of the failure, stable for scripts.
        summary: one sentence.
        exit_code: the process's exit code.
        problems: every problem found.
        usage: usage lines to show first.
    """

    kind: str
    summary: str
    exit_code: int
    problems: tuple[Problem, ...] = ()
    usage: str = ""


def describe(error: BaseException) -> Failure:
    """The failure that an exception stands for."""
    if isinstance(error, EdgekitError):
        return Failure(error.kind, error.summary, error.exit_code, error.problems)
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return Failure("interrupted", "interrupted", exits.INTERRUPTED)
    if isinstance(error, click.ClickException):
        usage = _usage(error.ctx) if isinstance(error, click.UsageError) else ""
        return Failure("usage", error.format_message(), exits.USAGE, usage=usage)
    if isinstance(error, MemoryError):
        text = "this machine has too little memory for the model or the data"
        return Failure("memory", text, exits.REFUSED)
    if isinstance(error, ModuleNotFoundError) and not _is_ours(error.name):
        hint = "Install edgekit with its dependencies, or see: edgekit doctor"
        text = f"the Python package '{error.name}' is missing"
        return Failure("tool", text, exits.TOOL, (Problem(text, hint=hint),))
    if isinstance(error, OSError):
        return _os_failure(error)
    text = f"internal error: {type(error).__name__}: {error}".rstrip(": ")
    return Failure("internal error", f"{text} (run again with --debug)", exits.CHECK_FAILED)


def kinds() -> list[tuple[str, int]]:
    """Every ``kind`` of failure with its exit code, for the documentation."""
    found = {cls.kind: cls.exit_code for cls in EdgekitError.__subclasses__()}
    found |= {f.kind: f.exit_code for f in map(describe, _EXAMPLES)}
    return list(found.items())


_EXAMPLES = (OSError(errno.ENOSPC, "full"), MemoryError(), KeyboardInterrupt())


def show(error: BaseException, *, json: bool, debug: bool) -> int:
    """Tell a failure on stderr, and as JSON on stdout where that was asked for.

    Returns:
        The exit code.
    """
    failure = describe(error)
    if debug:
        traceback.print_exception(error)
    lines = [failure.usage] if failure.usage else []
    lines.append(click.style("edgekit: ", fg="red", bold=True) + failure.summary)
    lines += [f"  - {line}" for line in _grouped(failure.problems)]
    _write("\n".join(lines), err=True)
    if json:
        from edgekit.report.codec import to_json

        problems = failure.problems
        body = {"kind": failure.kind, "summary": failure.summary, "problems": problems}
        _write(to_json({"schema_version": SCHEMA_VERSION, "error": body}).rstrip())
    for stream in (sys.stdout, sys.stderr):
        _settle(stream)
    return failure.exit_code


def _grouped(problems: Sequence[Problem]) -> list[str]:
    """One line for each finding, with the places where it was made."""
    places: dict[Problem, list[str]] = {}
    for problem in problems:
        places.setdefault(replace(problem, where=""), []).append(problem.where)
    return [
        str(replace(problem, where=_list(list(dict.fromkeys(filter(None, where))))))
        for problem, where in places.items()
    ]


def _list(names: Sequence[str]) -> str:
    rest = len(names) - _PLACES
    return ", ".join(names[:_PLACES]) + (f" and {rest} more" if rest > 0 else "")


def debug_wanted(arguments: Sequence[str]) -> bool:
    """True where ``--debug`` or the environment variable asks for tracebacks."""
    return "--debug" in options(arguments) or os.environ.get(DEBUG_VARIABLE, "0") not in ("", "0")


def options(arguments: Sequence[str]) -> Sequence[str]:
    """The arguments before ``--``, among which options are looked for."""
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def _write(text: str, *, err: bool = False) -> None:
    try:
        echo(text, err=err)
    except OSError:  # nobody reads any more; the exit code still tells
        drop_output(sys.stderr if err else sys.stdout)


def _settle(stream: TextIO) -> None:
    """Flush a stream, or drop what a full disk did not take: the interpreter would try it again at
    exit and end with a code of its own."""
    try:
        stream.flush()
    except (OSError, ValueError):
        drop_output(stream)


def drop_output(stream: object) -> None:
    """Send a stream nowhere, so that the interpreter's last flush stays silent."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[attr-defined]
    except (OSError, ValueError, AttributeError):
        return


def _usage(ctx: click.Context | None) -> str:
    if ctx is None:
        return ""
    return f"{ctx.get_usage()}\nTry '{ctx.command_path} --help'."


def _os_failure(error: OSError) -> Failure:
    place = f"{_asked_for(str(error.filename))}: " if error.filename is not None else ""
    text = f"{place}{error.strerror or error}"
    hint = _OS_HINTS.get(error.errno or 0, "")
    return Failure("file", f"{text}. {hint}".rstrip(), exits.REFUSED)


def _asked_for(path: str) -> str:
    """A path with the names that files and folders have while they are written undone."""
    parts = (_STAGED.sub(r"\1", part) for part in path.split(os.sep))
    return os.sep.join(parts)


def _is_ours(name: str | None) -> bool:
    ours = {"edgekit", "quantize", "codegen", "targets", "profiles"}
    return (name or "").partition(".")[0] in ours

"""Runs compilers and emulators, and turns what they print into one clear error."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from edgekit.errors import Problem, ToolError

_FIRST_ERROR = re.compile(
    r"^.*\b(?:error|undefined reference|overflowed)\b.*$", re.IGNORECASE | re.M
)


def run_tool(
    command: Sequence[str], cwd: Path, what: str, timeout_seconds: float = 300.0
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    Args:
        command: program and arguments.
        cwd: working folder.
        what: the action for messages, e.g. ``compile digits.c``.
        timeout_seconds: wall time after which it is stopped.

    Raises:
        ToolError: it cannot be started, takes too long or fails; with its first error line.
    """
    env = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
            check=False,
        )
    except FileNotFoundError:
        raise ToolError(f"{command[0]} is not installed. See: edgekit doctor") from None
    except subprocess.TimeoutExpired:
        raise ToolError(f"could not {what}: stopped after {timeout_seconds:g} s") from None
    if done.returncode != 0:
        raise ToolError(f"could not {what}", [Problem(first_error(done.stderr), command[0])])
    return done


def first_error(text: str) -> str:
    """The first line that reports an error, else the first line."""
    found = _FIRST_ERROR.search(text)
    line = found.group(0) if found else next(iter(text.strip().splitlines()), "no message")
    return line.strip()[:400]

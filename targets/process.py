"""Runs compilers and emulators, also side by side; what they print becomes one clear error."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from edgekit.errors import Problem, ToolError

T = TypeVar("T")

GLANCE = 0.1
"""Seconds that a wait for jobs lasts: a signal that comes just before it does not end it."""
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


def run_parallel(jobs: Sequence[Callable[[], T]], workers: int | None = None) -> list[T]:
    """Run jobs in a few threads.

    After an interrupt or a failure no job begins any more, and those that run are awaited: none
    may write into a folder that is being removed. (`ThreadPoolExecutor` would run every job to its
    end, and can lose sight of a thread that is just starting.)

    Args:
        jobs: what to run; they begin in this order.
        workers: number of threads; None: one for each processor.

    Returns:
        The jobs' results in their order.

    Raises:
        BaseException: what the first job raised that failed.
    """
    results: dict[int, T] = {}
    errors: dict[int, BaseException] = {}
    waiting = list(enumerate(jobs))
    stop = threading.Event()

    def work(ended: threading.Event) -> None:
        while waiting and not stop.is_set():
            try:
                index, job = waiting.pop(0)
            except IndexError:  # another thread was faster
                break
            try:
                results[index] = job()
            except BaseException as error:
                errors[index] = error
                stop.set()
        ended.set()

    # Not Thread.join: before Python 3.13 one that was interrupted takes the thread for ended.
    threads: list[tuple[threading.Thread, threading.Event]] = []
    for _ in range(min(len(jobs), workers or os.cpu_count() or 1)):
        ended = threading.Event()
        threads.append((threading.Thread(target=work, args=[ended], daemon=True), ended))
    try:
        for thread, _ in threads:
            thread.start()
        for _, ended in threads:
            while not ended.wait(GLANCE):
                pass
    finally:
        stop.set()
        for thread, ended in threads:
            if thread.ident is not None:  # one that has not begun yet will see `stop`
                ended.wait()
    if errors:
        raise errors[min(errors)]
    return [results[index] for index in range(len(jobs))]


def first_error(text: str) -> str:
    """The first line that reports an error, else the first line."""
    found = _FIRST_ERROR.search(text)
    line = found.group(0) if found else next(iter(text.strip().splitlines()), "no message")
    return line.strip()[:400]

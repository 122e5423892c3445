"""Many cases at a time: one compiler call for all of them, then each is run by itself."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgekit.errors import EdgekitError, ToolError
from profiles.runners.host import HostRunner
from targets.load import load_core
from targets.process import run_tool
from targets.toolchains import get_toolchain
from targets.toolchains.base import Image
from targets.toolchains.build import MODEL_FLAGS
from tests.conformance.cases import Case
from tests.conformance.emitted import Emitted, emit_case

State = Literal["passed", "unsupported", "wrong"]

FLAGS = (
    *MODEL_FLAGS, "-O1", "-fPIC", "-shared",
    "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror",
)  # fmt: skip
"""As users' builds, with less optimisation; a warning counts as wrong."""

LONGEST_SECONDS = 60
"""A case whose code runs longer hangs."""


@dataclass(frozen=True)
class Outcome:
    """What became of a case; ``reason`` is empty where it passed."""

    name: str
    operator: str
    state: State
    reason: str = ""


def try_cases(cases: Sequence[Case]) -> list[Outcome]:
    """Import, compile and run cases; one outcome for each, in order."""
    done: dict[str, Outcome] = {}
    emitted = []
    with tempfile.TemporaryDirectory(prefix="edgekit-conformance-") as scratch:
        for case in cases:
            try:
                if case.refusal:
                    done[case.name] = _outcome(case, "unsupported", case.refusal)
                else:
                    emitted.append(emit_case(case, Path(scratch) / case.name))
            except EdgekitError as error:
                done[case.name] = _outcome(case, "unsupported", _reason(error))
            except Exception as error:
                text = f"{type(error).__name__}: {error}"
                done[case.name] = _outcome(case, "wrong", text)
        for outcome in _compile_and_run(emitted, Path(scratch)):
            done[outcome.name] = outcome
    return [done[c.name] for c in cases]


def _compile_and_run(emitted: Sequence[Emitted], scratch: Path) -> Iterator[Outcome]:
    if not emitted:
        return
    library = scratch / f"{emitted[0].case.name}.so"
    command = [*get_toolchain("gcc").host_command(), *FLAGS]
    command += [str(e.source) for e in emitted]
    try:
        run_tool([*command, "-o", str(library)], scratch, "compile node cases")
    except ToolError as error:
        if len(emitted) == 1:
            yield _outcome(emitted[0].case, "wrong", str(error))
            return
        for one in emitted:
            yield from _compile_and_run([one], scratch)
        return
    yield from _run(emitted, library)


def _run(emitted: Sequence[Emitted], library: Path) -> Iterator[Outcome]:
    """Each case's outcome. The code runs in a process of its own: it may crash or hang, and then
    the next process goes on with the case after it."""
    left = list(emitted)
    while left:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(
            target=_serve, args=(left, library, theirs), daemon=False
        )
        process.start()
        theirs.close()
        while left:
            reason = _receive(ours)
            case = left.pop(0).case
            if reason is None:
                process.kill()
                yield _outcome(case, "wrong", "its code crashes or hangs")
                break
            yield _outcome(case, "wrong" if reason else "passed", reason)
        process.join()


def _receive(connection: multiprocessing.connection.Connection) -> str | None:
    try:
        return str(connection.recv()) if connection.poll(LONGEST_SECONDS) else None
    except EOFError:
        return None


def _serve(
    emitted: Sequence[Emitted],
    library: Path,
    connection: multiprocessing.connection.Connection,
) -> None:
    for one in emitted:
        image = Image(library, "gcc", "", load_core("host"), trace=False)
        try:
            found = HostRunner().run(image, one.manifest, one.inputs()).outputs
            connection.send(one.differences(found))
        except Exception as error:
            connection.send(f"{type(error).__name__}: {error}")


def _outcome(case: Case, state: State, reason: str) -> Outcome:
    return Outcome(case.name, case.operator, state, " ".join(reason.split()))


def _reason(error: EdgekitError) -> str:
    problems = getattr(error, "problems", ())
    if not problems:
        return str(error)
    return "; ".join(dict.fromkeys(p.what for p in problems))

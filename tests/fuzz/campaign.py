"""A run of many mutants in worker processes that may be killed."""

from __future__ import annotations

import multiprocessing
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.fuzz import onnx_mutants, tflite_mutants
from tests.fuzz.seeds import Seed, seeds
from tests.fuzz.target import SECONDS, Outcome, attempt, limit_memory

BYTE_LEVEL = 0.1
"""Share of the mutants whose bytes are changed instead of their fields."""
SILENCE = 3 * SECONDS
"""Seconds without an answer after which a worker hangs in native code."""


@dataclass
class Result:
    """What a campaign found.

    Attributes:
        tried: mutants given to the importers.
        parsed: those that the container's parser accepts.
        accepted: those that became graphs.
        failures: (number, seed's name, what went wrong, the mutant).
    """

    tried: int = 0
    parsed: int = 0
    accepted: int = 0
    failures: list[tuple[int, str, str, bytes]] = field(default_factory=list)


def mutant(number: int, pool: list[Seed], master: int) -> tuple[Seed, bytes]:
    """Mutant ``number`` of the campaign with seed ``master``: the same in every run."""
    rng = random.Random(master * 1_000_003 + number)
    seed = rng.choice(pool)
    if rng.random() < BYTE_LEVEL:
        return seed, tflite_mutants.flip(seed.data, rng)
    if seed.kind == "tflite":
        return seed, tflite_mutants.mutate(seed.data, rng)
    donors = [s.data for s in pool if s.kind == "onnx" and len(s.data) < 20_000]
    return seed, onnx_mutants.mutate(seed.data, donors, rng)


def run(
    count: int, master: int, jobs: int, progress: Callable[[Result], None], start: int = 0
) -> Result:
    """Try mutants ``start`` to ``start + count`` in ``jobs`` processes."""
    result = Result()
    share = -(-count // jobs)
    spans = [(start + i * share, min(start + count, start + (i + 1) * share)) for i in range(jobs)]
    workers = [_Worker(a, b, master) for a, b in spans if a < b]
    while any(w.busy for w in workers):
        time.sleep(0.2)
        for worker in workers:
            for number, name, outcome, data in worker.answers():
                result.tried += 1
                result.parsed += outcome.parsed
                result.accepted += outcome.accepted
                if outcome.failure:
                    result.failures.append((number, name, outcome.failure, data))
        progress(result)
    return result


def summary(result: Result) -> str:
    """Counts and kinds of failures in a few lines."""
    share = result.parsed / max(result.tried, 1)
    lines = [
        f"{result.tried:,} mutants: {result.parsed:,} pass the container's parser ({share:.0%}), "
        f"{result.accepted:,} became graphs, {len(result.failures)} failures"
    ]
    kinds = Counter(text.strip().splitlines()[-1] for _, _, text, _ in result.failures)
    lines += [f"  {n} x {what}" for what, n in kinds.most_common()]
    return "\n".join(lines)


class _Worker:
    """A process that tries a span of mutants; a new one goes on after a crash or a hang."""

    def __init__(self, start: int, stop: int, master: int) -> None:
        self._next, self._stop, self._master = start, stop, master
        self._begin()

    @property
    def busy(self) -> bool:
        """True until the whole span has been answered."""
        return self._next < self._stop

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, end = context.Pipe(duplex=False)
        arguments = (self._next, self._stop, self._master, end)
        self._process = context.Process(target=_work, args=arguments, daemon=True)
        self._process.start()
        end.close()
        self._heard = time.monotonic()

    def answers(self) -> Iterator[tuple[int, str, Outcome, bytes]]:
        """Whatever has been answered since the last call."""
        if not self.busy:
            return
        try:
            while self._pipe.poll():
                number, name, outcome, data = self._pipe.recv()
                self._heard = time.monotonic()
                self._next = number + 1
                yield number, name, outcome, data
        except (EOFError, OSError):
            pass
        silent = time.monotonic() - self._heard > SILENCE
        if self.busy and (silent or not self._process.is_alive()) and not self._pipe_has_more():
            what = "hangs in native code" if silent else f"killed it ({self._process.exitcode})"
            seed, data = mutant(self._next, seeds(), self._master)
            yield self._next, seed.name, Outcome(False, False, f"the process: {what}"), data
            self._process.kill()
            self._next += 1
            if self.busy:
                self._begin()

    def _pipe_has_more(self) -> bool:
        try:
            return self._pipe.poll() and self._process.is_alive()
        except (EOFError, OSError):
            return False


def _work(start: int, stop: int, master: int, pipe: Connection[Any, Any]) -> None:
    limit_memory()
    pool = seeds()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(start, stop):
            seed, data = mutant(number, pool, master)
            outcome = attempt(data, Path(folder) / f"mutant.{seed.kind}")
            pipe.send((number, seed.name, outcome, data if outcome.failure else b""))

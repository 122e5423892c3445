"""Many random models: on the host in batches, some of them on emulated cores."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError
from tests.random_models.batch import Case, run_batch
from tests.random_models.check import inputs_of, prepare, verdict
from tests.random_models.generate import make
from tests.random_models.shrink import shrink

BATCH = 12
CORES = ("cortex-m4", "cortex-m0plus", "rv32imc")


@dataclass
class Result:
    """What a campaign found.

    Attributes:
        models: models computed and compared.
        operators: nodes in them.
        failures: (number, integer, what went wrong).
    """

    models: int = 0
    operators: int = 0
    failures: list[tuple[int, bool, str]] = field(default_factory=list)

    def add(self, other: Result) -> None:
        """Count another result too."""
        self.models += other.models
        self.operators += other.operators
        self.failures += other.failures


def run_host(count: int, master: int, jobs: int, progress: Callable[[Result], None]) -> Result:
    """Models 0 to ``count`` on the host under both sanitizers; every second one in integers."""
    return _run(_host, [(s, min(s + BATCH, count), master) for s in range(0, count, BATCH)],
                jobs, progress)  # fmt: skip


def run_emulated(count: int, master: int, jobs: int, progress: Callable[[Result], None]) -> Result:
    """Models 0 to ``count`` on each of `CORES`."""
    return _run(_emulated, [(n, n + 1, master) for n in range(count)], jobs, progress)


def _run(
    work: Callable[[tuple[int, int, int]], Result],
    spans: list[tuple[int, int, int]],
    jobs: int,
    progress: Callable[[Result], None],
) -> Result:
    total = Result()
    with ProcessPoolExecutor(jobs) as pool:
        for part in pool.map(work, spans):
            total.add(part)
            progress(total)
    return total


def _host(span: tuple[int, int, int]) -> Result:
    start, stop, master = span
    result, cases = Result(), dict[str, tuple[int, Case]]()
    with tempfile.TemporaryDirectory(prefix="edgekit-random-") as folder:
        for number in range(start, stop):
            integer = bool(number % 2)
            model = make(number, master, integer)
            result.models += 1
            result.operators += len(model.graph.node)
            case = prepare(model, f"g{number}", integer, Path(folder) / "model.onnx")
            if isinstance(case, str):
                result.failures.append((number, integer, case))
            else:
                cases[case.name] = (number, case)
        wrong = run_batch([c for _, c in cases.values()], Path(folder) / "build") if cases else {}
    for name, (number, _) in cases.items():
        if wrong[name]:
            result.failures.append((number, bool(number % 2), wrong[name]))
    return result


def _emulated(span: tuple[int, int, int]) -> Result:
    import onnx

    from edgekit import api

    number, _, master = span
    integer = bool(number % 2)
    model = make(number, master, integer)
    result = Result(1, len(model.graph.node))
    calibration = inputs_of(model, 8, 12) if integer else None
    with tempfile.TemporaryDirectory(prefix="edgekit-random-") as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, path)
        for core in CORES:
            precision: Any = "int8" if integer else "float32"
            options = api.ConvertOptions(
                core, precision=precision, toolchain="zig", vectors=2, require_emulator=True
            )
            try:
                api.convert(path, Path(folder) / core, options, calibration=calibration)
            except EdgekitError as error:
                result.failures.append((number, integer, f"{core}: {error}"))
    return result


def keep_smallest(number: int, master: int, integer: bool, folder: Path) -> Path:
    """Shrink a failing model and write it to ``folder``; returns the file."""
    import onnx

    model = make(number, master, integer)
    with tempfile.TemporaryDirectory(prefix="edgekit-random-") as scratch:
        at = iter(range(10**6))

        def fails(candidate: Any) -> bool:
            return bool(verdict(candidate, integer, Path(scratch) / str(next(at))))

        small = shrink(model, fails) if fails(model) else model
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number}-{'int8' if integer else 'float32'}.onnx"
    onnx.save(small, path)
    return path

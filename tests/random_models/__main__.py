"""``python -m tests.random_models``: random valid graphs, reference against generated C."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from tests.random_models.campaign import CORES, Result, keep_smallest, run_emulated, run_host

MOST_KEPT = 12
"""Failures that are shrunk; more have the same cause more often than not."""


@click.command()
@click.option("--count", default=5_000, show_default=True, help="Models on the host.")
@click.option("--emulated", default=200, show_default=True, help="Of these, on emulated cores too.")
@click.option("--seed", default=1, show_default=True, help="Another seed gives other models.")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
@click.option("--keep", type=click.Path(path_type=Path), default=Path("build/random"),
              show_default=True, help="Folder for shrunk failures.")  # fmt: skip
def main(count: int, emulated: int, seed: int, jobs: int, keep: Path) -> None:
    """Random models of 1 to 30 operators, half of them float32 and half calibrated to int8: the
    float reference against ONNX Runtime, generated C under both sanitizers against the reference,
    some on emulated cores. Failures are shrunk to a model file for `edgekit debug`."""
    begun = last = time.monotonic()

    def progress(result: Result) -> None:
        nonlocal last
        if time.monotonic() - last > 30:
            last = time.monotonic()
            print(f"{last - begun:.0f} s: {_summary(result)}", file=sys.stderr, flush=True)

    host = run_host(count, seed, jobs, progress)
    print(f"host, ASan and UBSan: {_summary(host)}, {time.monotonic() - begun:.0f} s")
    far = run_emulated(emulated, seed, jobs, progress)
    print(f"emulated {', '.join(CORES)}: {_summary(far)}, {time.monotonic() - begun:.0f} s")
    failures = [*host.failures, *far.failures]
    for number, integer, what in failures[:MOST_KEPT]:
        first = " ".join(what.split())[:300]
        path = keep_smallest(number, seed, integer, keep)
        print(f"model {number} ({'int8' if integer else 'float32'}): {first}\n  kept as {path}")
    sys.exit(bool(failures))


def _summary(result: Result) -> str:
    return (
        f"{result.models:,} models, {result.operators:,} operators, "
        f"{len(result.failures)} differences"
    )


if __name__ == "__main__":
    main()

"""``python -m tests.conformance``: onnx's node cases, computed by generated C."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click

from tests.conformance.batch import Outcome, try_cases
from tests.conformance.cases import Case, collect
from tests.conformance.document import document

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "conformance"
DOCUMENT = ROOT / "docs" / "conformance.md"
BATCH = 24
"""Cases of one compiler call."""


def outcomes(cases: Sequence[Case], jobs: int) -> Iterator[Outcome]:
    """The outcome of each case, batch by batch."""
    batches = [cases[i : i + BATCH] for i in range(0, len(cases), BATCH)]
    if len(batches) == 1 or jobs == 1:
        for batch in batches:
            yield from try_cases(batch)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        try:
            for found in pool.map(try_cases, batches):
                yield from found
        finally:
            pool.shutdown(cancel_futures=True)


@click.command()
@click.option("--only", default="", metavar="PATTERN", help="Cases or an operator; writes nothing.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first wrong case.")
@click.option("--jobs", default=os.cpu_count() or 1, type=click.IntRange(1), help="Processes.")
@click.option("-v", "--verbose", is_flag=True, help="Also list what is unsupported, with reasons.")
def main(only: str, fail_fast: bool, jobs: int, verbose: bool) -> None:
    """Try the node cases; a whole run writes docs/conformance.md. Exit code 1: some are wrong."""
    import onnx

    found: list[Outcome] = []
    for outcome in outcomes(collect(CACHE, only), jobs):
        found.append(outcome)
        if outcome.state == "wrong" or (verbose and outcome.state == "unsupported"):
            click.echo(f"{outcome.state:12}{outcome.name}: {outcome.reason}")
        if fail_fast and outcome.state == "wrong":
            break
    totals = Counter(o.state for o in found)
    click.echo(", ".join(f"{totals[s]} {s}" for s in ("passed", "unsupported", "wrong")))
    if not only and not fail_fast:
        DOCUMENT.write_text(document(found, onnx.__version__), encoding="utf-8")
        click.echo(f"wrote {DOCUMENT.relative_to(ROOT)}")
    sys.exit(1 if totals["wrong"] else 0)


if __name__ == "__main__":
    main()

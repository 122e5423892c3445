"""``python -m tests.fuzz``: structure-aware mutants for both importers."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from tests.fuzz.campaign import Result, run, summary


@click.command()
@click.option("--count", default=50_000, show_default=True, help="Mutants.")
@click.option("--start", default=0, show_default=True, help="Number of the first mutant.")
@click.option("--seed", default=1, show_default=True, help="Another seed gives other mutants.")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
@click.option("--keep", type=click.Path(path_type=Path), default=Path("build/fuzz"),
              show_default=True, help="Folder for mutants that fail.")  # fmt: skip
def main(count: int, start: int, seed: int, jobs: int, keep: Path) -> None:
    """Give mutants of valid models to the importers: every one must be imported or refused with a
    message, within 10 s and 4 GiB. Exits with 1 where one is not, or where fewer than half of the
    mutants pass the container's parser."""
    begun = last = time.monotonic()

    def progress(result: Result) -> None:
        nonlocal last
        if time.monotonic() - last > 20:
            last = time.monotonic()
            print(f"{last - begun:.0f} s: {summary(result)}", file=sys.stderr, flush=True)

    result = run(count, seed, jobs, progress, start)
    print(f"{summary(result)}, {time.monotonic() - begun:.0f} s")
    for number, name, failure, data in result.failures:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{number}.bin").write_bytes(data)
        (keep / f"{number}.txt").write_text(f"mutant of {name}\n{failure}\n", encoding="utf-8")
    if result.failures:
        print(f"the failing mutants lie in {keep}")
    sys.exit(bool(result.failures) or 2 * result.parsed < result.tried)


if __name__ == "__main__":
    main()

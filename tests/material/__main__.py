"""``python -m tests.material [--only PATTERN]``: every model file of the material, converted for
this machine and compared with its oracle, or refused with the reason."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.material.files import find
from tests.material.verify import MATCH, REFUSED, UNKNOWN, WRONG, Row, verify

PROCESSES = 2
BAR = 0.95
"""Share of the counted files that must be converted and right."""
DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "material"


def main() -> int:
    """Entry point: 1 where something is wrong or, over all files, the bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.material", description=__doc__)
    parser.add_argument("--only", default="*", help="paths below the folder, e.g. 'tflm/*'")
    parser.add_argument("--jobs", type=int, default=PROCESSES, help="processes")
    given = parser.parse_args()
    folder = Path(os.environ.get("EDGEKIT_MATERIAL", DEFAULT))
    files = find(folder, given.only)
    if not files:
        print(f"no model files at {folder}; set EDGEKIT_MATERIAL to the material's folder")
        return 2
    rows = []
    width = max(len(str(p.relative_to(folder))) for p in files)
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        for row in pool.map(partial(verify, folder=folder), files):
            rows.append(row)
            aside = f"  [not counted: {row.not_counted}]" if row.not_counted else ""
            print(f"{row.status:9} {row.file:{width}} {row.detail}{aside}", flush=True)
    return summary(rows, whole=given.only == "*")


def summary(rows: list[Row], whole: bool) -> int:
    """Print the counts; the exit code."""
    counted = [r for r in rows if not r.not_counted]
    states = Counter(r.status for r in rows)
    share = sum(r.status == MATCH for r in counted) / max(len(counted), 1)
    texts = [f"{states[s]} {s}" for s in (MATCH, REFUSED, UNKNOWN, WRONG)]
    print(f"\n{len(rows)} files: {', '.join(texts)}")
    good = sum(r.status == MATCH for r in counted)
    print(f"{good} of the {len(counted)} that count convert and match: {share:.1%} (bar {BAR:.0%})")
    if states[WRONG]:
        print(f"{states[WRONG]} files are wrong", file=sys.stderr)
        return 1
    return 1 if whole and share < BAR else 0


if __name__ == "__main__":
    raise SystemExit(main())

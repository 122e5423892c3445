"""Largest errors of the float functions over a grid of all float32 numbers.

``python -m tests.codegen.float_sweep [--step 67] [NAME]...`` takes minutes; the bounds in the
headers below codegen/c/kernels/math stand a little above what it prints.
"""

from __future__ import annotations

import argparse

import numpy as np

from profiles.runners import HOST
from tests.codegen.batch import BOTH
from tests.codegen.float_oracles import ORACLES, errors
from tests.codegen.test_float_library import FUNCTIONS, build, compute

CHUNK = 1 << 20


def main() -> None:
    """Print one line for each function of one argument."""
    parser = argparse.ArgumentParser(prog="python -m tests.codegen.float_sweep")
    known = [f.name for f in FUNCTIONS if f.arguments == 1]
    parser.add_argument("--step", type=int, default=67, help="1 takes every float32")
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: every function")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(known))
    if given.step < 1 or unknown:
        parser.error(f"step below 1 or unknown functions {unknown}; known: {', '.join(known)}")
    names = given.names or known
    image = build("host", BOTH[0])
    worst = dict.fromkeys(names, (-1.0, np.float32(0)))
    for start in range(0, 1 << 32, given.step * CHUNK):
        bits = np.arange(start, min(start + given.step * CHUNK, 1 << 32), given.step)
        x = bits.astype(np.uint32).view(np.float32)
        found = compute(HOST, image, x, x)
        for name in names:
            with np.errstate(all="ignore"):
                error = errors(found[name], ORACLES[name](x.astype(np.float64)))
            at = int(np.argmax(error))
            worst[name] = max(worst[name], (float(error[at]), x[at]), key=lambda pair: pair[0])
    for name, (largest, argument) in worst.items():
        print(f"{name:14}{largest:8.4f} ULP at {argument!r}")


if __name__ == "__main__":
    main()

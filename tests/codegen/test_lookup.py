"""Functions of one int8 element: in assembly on Armv8.1-M, its portable equal elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.c.choice import KernelSet
from edgekit.ir import Graph
from edgekit.ir.ops import QLookup
from tests.codegen.batch import BOTH, compile_all
from tests.codegen.graphs import int8, single
from tests.codegen.on_core import at_limit, check, chosen, compare_counts, merged

CORE = "cortex-m55"
SIZES = (1, 2, 3, 4, 7, 15, 16, 17, 32, 301)


def lookups() -> list[Graph]:
    rng = np.random.default_rng(30)
    return [single(QLookup(), [int8(1, n), rng.permutation(256).astype(np.int8)]) for n in SIZES]


def test_every_element() -> None:
    everything = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    table = np.random.default_rng(31).permutation(256).astype(np.int8)
    (case,) = compile_all([single(QLookup(), [int8(1, 256), table])])
    assert case.run([everything])[0].tolist() == [table.tolist()]


@pytest.mark.parametrize("core", ["host", "cortex-m4", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_lookups(core: str, toolchain: str) -> None:
    graph, kernels = merged(lookups()), KernelSet("mve" if core != "cortex-m4" else "armv7e_m")
    assert set(chosen(graph, kernels)) == ({"lookup"} if core != "cortex-m4" else {""})
    run = check(graph, kernels, core, toolchain)
    if core == CORE:
        compare_counts(graph, kernels, run)


@pytest.mark.parametrize("core", ["host", CORE])
def test_in_place(core: str) -> None:
    check(merged(lookups()), KernelSet("mve"), core, planner=at_limit(False))

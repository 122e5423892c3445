"""Sums of Armv8.1-M: assembly on the emulated core, its equal on the host."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from codegen.c.choice import KernelSet
from edgekit.ir import Graph
from edgekit.ir.ops import QAdd, Rescale, Rounding
from quantize.requantize import make_requant
from tests.codegen import graphs
from tests.codegen.batch import BOTH
from tests.codegen.graphs import int8
from tests.codegen.on_core import at_limit, check, chosen, compare_counts, merged

CORE = "cortex-m55"
PAIR = [int8(1, 8), int8(1, 8)]


def additions() -> Iterator[Graph]:
    rng = np.random.default_rng(5)
    for size in (1, 2, 3, 4, 7, 8, 9, 15, 16, 64, 333):
        for rule in (Rounding.DOUBLE, Rounding.SINGLE):
            yield graphs.add(rng, int8(1, size), int8(1, size), rule)
    yield graphs.add(rng, int8(1, 3, 7), rng.integers(-128, 128, (1, 3, 7), np.int8), rule)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_additions(core: str, toolchain: str) -> None:
    graph, kernels = merged(list(additions())), KernelSet("mve")
    assert chosen(graph, kernels).count("affine") >= 0.8 * len(graph.nodes)
    run = check(graph, kernels, core, toolchain)
    if core == CORE:
        compare_counts(graph, kernels, run)


@pytest.mark.parametrize("core", ["host", CORE])
def test_additions_over_their_first_operand(core: str) -> None:
    check(merged(list(additions())), KernelSet("mve"), core, planner=at_limit(False))


def test_an_operand_that_repeats_stays_portable() -> None:
    graph = graphs.add(np.random.default_rng(6), int8(1, 4, 3), int8(1, 1, 3), Rounding.DOUBLE)
    assert chosen(graph, KernelSet("mve")) == [""]


def test_outputs_a_hundred_times_finer_than_operands_stay_portable() -> None:
    """A shift of less than a halfword leaves nothing for the second half of the narrowing."""
    same = Rescale(0, 2**30, 0)
    graph = graphs.single(QAdd(same, same, make_requant([100 * 2.0**-19], Rounding.SINGLE)), PAIR)
    assert chosen(graph, KernelSet("mve")) == [""]
    assert "factors" in KernelSet("mve").refusal(graph.nodes[0])

"""Sums of int8 tensors as an affine function: proven forms, on the host and on the core."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.assembly import sums
from edgekit.ir import Graph
from edgekit.ir.ops import QAdd, Rescale, Rounding
from quantize.requantize import make_requant, quantize_multiplier
from tests.codegen.batch import BOTH
from tests.codegen.cores import able, check_limits, check_on
from tests.codegen.graphs import int8, single
from tests.codegen.on_core import check, chosen, compare_counts, merged

CORES = ("cortex-m0plus", "cortex-m3")
RULES = (Rounding.DOUBLE, Rounding.SINGLE)


def add(rng: np.random.Generator, size: int, rule: Rounding, clamps: bool = False) -> Graph:
    """A sum by the recipe of TFLite, with scales as networks have them."""
    scales = rng.uniform(0.02, 0.2, 3)
    twice = 2 * max(scales[:2])
    pairs = [quantize_multiplier(float(s / twice)) for s in scales[:2]]
    signs = (1, -1 if rng.random() < 0.3 else 1)
    first, second = (
        Rescale(int(rng.integers(-128, 128)), sign * m, e)
        for sign, (m, e) in zip(signs, pairs, strict=True)
    )
    low, high = (-20, 100) if clamps else (-128, 127)
    zero = int(rng.integers(-128, 128))
    spec = make_requant([float(twice / (2**20 * scales[2]))], rule, zero, low, high)
    return single(QAdd(first, second, spec, 20), [int8(1, size), int8(1, size)])


def graphs(seed: int) -> list[Graph]:
    """Sums that have an affine form (nearly all have)."""
    rng = np.random.default_rng(seed)
    found = [add(rng, 1 + i, RULES[i % 2], i % 3 == 0) for i in range(24)]
    able = [g for g in found if not sums.refuse(g.nodes[0])]
    assert len(able) >= 20
    return able


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", CORES)
def test_sizes(core: str, toolchain: str) -> None:
    check_on(core, graphs(1), "affine", toolchain)


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize(
    ("core", "emulated"),
    [(core, "unicorn") for core in (*CORES, "rv32imc")] + [("cortex-m55", "qemu")],
)
def test_a_third_of_all_pairs(core: str, emulated: str, toolchain: str) -> None:
    """Forms are proven on all pairs of operands; what computes them has to be as exact."""
    rng = np.random.default_rng(3)
    found = [add(rng, 1 << 14, RULES[i % 2], i > 1) for i in range(4)]
    able = [g for g in found if not sums.refuse(g.nodes[0])]
    assert len(able) >= 3
    check_on(core, able, "affine", toolchain, emulated)


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("clamps", [False, True])
def test_counts(core: str, clamps: bool) -> None:
    """Of short sums and long ones; on Armv6-M saturated outputs take more, on average as here."""
    rng = np.random.default_rng(5)
    graph = merged([add(rng, size, RULES[0], clamps) for size in (5, 13, 90, 400)])
    kernels = able(core)
    assert set(chosen(graph, kernels)) == {"affine"}
    compare_counts(graph, kernels, check(graph, kernels, core))


@pytest.mark.parametrize("core", CORES)
def test_outputs_lie_over_inputs_as_far_as_declared(core: str) -> None:
    check_limits(core, graphs(2)[:6])


def test_other_shapes_are_refused() -> None:
    same = Rescale(0, 2**30, 0)
    wide = single(
        QAdd(same, same, make_requant([2.0**-20], RULES[0])), [int8(1, 4, 3), int8(1, 1, 3)]
    )
    assert "one shape" in sums.refuse(wide.nodes[0])

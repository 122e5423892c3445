"""Products of two int8 matrices: on the host, and on the emulated core."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.assembly.armv7e_m.matmul import MATMUL, scaling_of
from codegen.assembly.armv7e_m.scaling import CLAMP, SCALE, SHIFT, TWICE, Scaling
from codegen.assembly.mve import matmul as mve
from codegen.assembly.rv32 import matmul as rv32
from codegen.c.choice import PORTABLE, KernelSet
from edgekit.ir import Graph
from edgekit.ir.ops import QMatMul, Rounding
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH
from tests.codegen.graphs import int8, single
from tests.codegen.on_core import SCALAR, check, check_grid, chosen, compare_counts, merged

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m")
RULES = (Rounding.FLOAT, Rounding.DOUBLE, Rounding.HIGH, Rounding.SINGLE)


def matmul(
    rng: np.random.Generator,
    sizes: tuple[int, int, int],
    rule: Rounding = Rounding.DOUBLE,
    stacks: tuple[tuple[int, ...], tuple[int, ...]] = ((), ()),
    clamp: tuple[int, int] = (-128, 127),
) -> Graph:
    """A product of (rows, depth, columns); zero points at the ends or anywhere."""
    rows, depth, columns = sizes
    zeros = [int(rng.choice([-128, 127, 0, 5])) for _ in range(2)]
    scale = min(2 ** rng.uniform(-5, 1) / (40 * depth**0.5 * 40), 0.49)
    bounds = [255 * 255 * depth]
    spec = make_requant([scale], rule, int(rng.integers(-100, 100)), *clamp, bounds)
    types = int8(*stacks[0], rows, depth), int8(*stacks[1], depth, columns)
    return single(QMatMul(spec, *zeros), types)


def saturated(rng: np.random.Generator, zeros: tuple[int, int], rule: Rounding) -> Graph:
    """The deepest product that is packed, with zero points at the ends of their ranges."""
    depth = rv32.MOST_DEPTH
    spec = make_requant([2.0**-18], rule, int(rng.integers(-128, 128)), bounds=[255 * 255 * depth])
    return single(QMatMul(spec, *zeros), (int8(7, depth), int8(depth, 5)))


def products() -> Iterator[Graph]:
    """Every rest of elements and columns, stacks that repeat, each way to scale."""
    rng = np.random.default_rng(9)
    for index, depth in enumerate((4, 5, 6, 7, 8, 13, 16, 17, 18, 31, 64, 130)):
        yield matmul(rng, (2 + index % 4, depth, 4 + index % 5), RULES[index % len(RULES)])
    for stacks in (((1, 3), (1, 3)), ((2, 1), (2, 2)), ((2, 3, 2), (1,)), ((1,), (1, 2, 1, 2))):
        yield matmul(rng, (3, 9, 6), stacks=stacks)
    yield matmul(rng, (2, 20, 5), Rounding.SINGLE, clamp=(-20, 100))


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", ["host", CORE])
def test_every_shape(core: str, toolchain: str) -> None:
    graph = merged(list(products()))
    names = chosen(graph, KERNELS)
    assert names.count(MATMUL.name) >= len(names) - 1
    run = check(graph, KERNELS, core, toolchain)
    if core == CORE:
        compare_counts(graph, KERNELS, run)


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", ["host", "rv32imc"])
def test_every_shape_by_six_rows(core: str, toolchain: str) -> None:
    graph, kernels = merged(list(products())), KernelSet("rv32")
    names = chosen(graph, kernels)
    assert names.count(rv32.MATMUL.name) >= len(names) - 1
    run = check(graph, kernels, core, toolchain)
    if core != "host":
        compare_counts(graph, kernels, run)


@pytest.mark.parametrize("core", ["host", "rv32imc"])
def test_the_largest_sums_by_six_rows(core: str) -> None:
    rng = np.random.default_rng(6)
    graphs = [
        saturated(rng, zeros, rule)
        for zeros in ((127, 127), (-128, -128), (127, -128), (-128, 127))
        for rule in RULES
    ]
    kernels = KernelSet("rv32")
    assert chosen(merged(graphs), kernels).count(rv32.MATMUL.name) > 0.8 * len(graphs)
    check(merged(graphs), kernels, core)


def test_both_roundings_are_reached_by_six_rows() -> None:
    found = [rv32.scaling_of(n) for n in merged(list(products())).nodes]
    assert {s[0].is_signed for s in found if not isinstance(s, str)} == {False, True}


def products_by_vectors() -> Iterator[Graph]:
    """Every rest of elements, rows and columns too."""
    yield from products()
    rng = np.random.default_rng(10)
    for index, sizes in enumerate(((1, 1, 2), (1, 9, 3), (4, 8, 4), (5, 16, 2), (7, 24, 5))):
        yield matmul(rng, sizes, RULES[index % len(RULES)], clamp=(-128 + index, 127 - 9 * index))
    for seed in (49, 56, 60):  # their biases have fractions of a unit
        sizes = 3, 2 + seed % 40, 4
        yield matmul(np.random.default_rng(seed), sizes, Rounding.EVEN)
    yield matmul(rng, (3, 512, 2))
    yield matmul(rng, (9, 3, 300), stacks=((2,), (1,)))


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", ["host", "cortex-m55"])
def test_every_shape_by_vectors(core: str, toolchain: str) -> None:
    check_grid(products_by_vectors(), KernelSet("mve"), {mve.MATMUL.name}, core, toolchain)


def test_vectors_take_biases_early_and_late() -> None:
    found = [mve.scaling(n) for n in merged(list(products_by_vectors())).nodes]
    forms = {s.form.late for s in found if not isinstance(s, str)}
    assert forms == {False, True}


def test_what_vectors_do_not_suit_is_portable() -> None:
    rng = np.random.default_rng(4)
    graph = merged([matmul(rng, (5, 9, 1)), matmul(rng, (2, 513, 5))])
    assert chosen(graph, KernelSet("mve")) == ["", ""]


def test_the_grid_has_every_form() -> None:
    found = [scaling_of(n) for n in merged(list(products())).nodes]
    assert {s.tail for s in found if isinstance(s, Scaling)} == {SCALE, CLAMP, TWICE, SHIFT}


@pytest.mark.parametrize("core", ["host", CORE])
def test_portable(core: str) -> None:
    rng = np.random.default_rng(3)
    small = [matmul(rng, sizes) for sizes in ((1, 1, 1), (1, 3, 3), (3, 2, 7), (2, 600, 5))]
    check(merged([*products(), *small]), PORTABLE, core)
    assert set(chosen(merged(small), KERNELS)) == {""}


def tiled() -> Iterator[Graph]:
    """Every rest of rows and columns, one call and several, rows that are left, several panels."""
    rng = np.random.default_rng(19)
    depths = (8, 9, 16, 31, 62, 63, 64, 65, 66, 126, 127, 128, 130)
    for index, depth in enumerate(depths):
        yield matmul(rng, (5 + index, depth, 6 + index % 7), RULES[index % len(RULES)])
    for sizes in ((6, 300, 9), (7, 512, 7), (12, 33, 67), (5, 64, 33)):
        yield matmul(rng, sizes, RULES[sizes[0] % len(RULES)])
    for stacks in (((1, 3), (1, 3)), ((2, 1), (2, 2)), ((2, 3, 2), (1,)), ((1,), (1, 2, 1, 2))):
        yield matmul(rng, (5, 9, 6), stacks=stacks)
    yield matmul(rng, (5, 20, 7), Rounding.SINGLE, clamp=(-20, 100))
    yield matmul(rng, (5, 20, 7), Rounding.DOUBLE, clamp=(-100, 20))


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize(("isa", "core"), SCALAR)
def test_every_shape_by_tiles(isa: str, core: str, toolchain: str) -> None:
    check_grid(tiled(), KernelSet(isa), {"matmul tiles"}, core, toolchain)


@pytest.mark.parametrize("isa", ["armv7_m", "armv6_m"])
def test_small_and_deep_products_are_portable(isa: str) -> None:
    rng = np.random.default_rng(3)
    small = [matmul(rng, sizes) for sizes in ((4, 8, 6), (5, 8, 5), (5, 7, 6), (5, 513, 6))]
    assert set(chosen(merged(small), KernelSet(isa))) == {""}


@settings(max_examples=3, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.tuples(*(st.integers(1, n) for n in (6, 40, 12))), st.sampled_from(RULES),
            st.integers(0, 2**32 - 1),
        ),
        min_size=10, max_size=10,
    )
)  # fmt: skip
@pytest.mark.parametrize("isa", ["armv7e_m", "armv7_m", "armv6_m", "mve"])
def test_random(isa: str, cases: list[tuple[tuple[int, int, int], Rounding, int]]) -> None:
    made = [matmul(np.random.default_rng(seed), sizes, rule) for sizes, rule, seed in cases]
    check(merged(made), KernelSet(isa), "host")

"""Depthwise convolutions of any window on RV32IMC: on the emulated core and on the host."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from codegen.assembly.rv32.depthwise_windows import WINDOWS, Layer, layer_of
from codegen.c.choice import KernelSet
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, Rounding, Window
from tests.codegen.batch import BOTH
from tests.codegen.graphs import RULES
from tests.codegen.kernel_cases import EXTREMES, Extreme, conv
from tests.codegen.on_core import at_limit, check, check_grid, merged

CORE = "rv32imc"
KERNELS = KernelSet("rv32", frozenset({"depthwise3x3"}))
Pair = tuple[int, int]
ANY = Extreme(scale=0.5)


def depthwise(
    rng: np.random.Generator,
    size: Pair,
    channels: int,
    kernel: Pair,
    window: Window,
    filters: int = 1,
    rule: Rounding = Rounding.SINGLE,
    kind: Extreme = ANY,
) -> Graph:
    """A layer with some filters for each channel."""
    return conv(rng, size, (channels * filters, *kernel, 1), window, channels, rule, kind)


def layers(rng: np.random.Generator) -> Iterator[Graph]:
    """Every width of a window and of a row; strides, dilations, pads, filters for each channel."""
    wide = Window(padding=(2, 2, 2, 2))
    yield depthwise(rng, (1, 1), 2, (1, 1), Window())
    yield depthwise(rng, (1, 1), 3, (5, 5), wide)
    yield depthwise(rng, (2, 1), 3, (3, 3), Window(padding=(1, 1, 1, 1)))
    for columns in range(3, 16):
        filters = 1 + columns % 3
        yield depthwise(rng, (4, columns), 2 + columns % 4, (5, 3), wide, filters)
    for width in range(1, 20):  # two parts from ten taps on, three from nineteen
        pads = (0, width // 2, 1, width - 1)
        yield depthwise(rng, (2, 21), 2, (2, width), Window(padding=pads))
    for strides in ((1, 2), (2, 1), (2, 2), (3, 3), (1, 5)):
        yield depthwise(rng, (9, 12), 3, (3, 3), Window(strides, (1, 0, 2, 1)))
        yield depthwise(rng, (7, 11), 2, (5, 4), Window(strides, (2, 1, 1, 3)), 2)
    for dilations in ((1, 2), (2, 1), (3, 5)):
        yield depthwise(rng, (9, 13), 3, (3, 3), Window((1, 1), (2, 4, 3, 5), dilations))
        yield depthwise(rng, (9, 13), 3, (2, 3), Window((2, 2), (0, 3, 0, 4), dilations))
    yield depthwise(rng, (3, 40), 2, (1, 3), Window((1, 1), (0, 16, 0, 16), (1, 16)))
    for rows in (1, 2, 11, 12, 13, 25):  # columns of one pixel lie down
        yield depthwise(rng, (rows, 1), 3, (9, 1), Window((1, 1), (4, 0, 4, 0)))
        yield depthwise(rng, (rows, 1), 2, (2, 1), Window((2, 1), (2, 0, 1, 0), (3, 1)), 2)
    yield depthwise(rng, (7, 7), 4, (7, 7), Window())
    yield depthwise(rng, (6, 6), 2, (3, 3), Window(padding=(3, 3, 3, 3)), 5)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_every_shape(core: str, toolchain: str) -> None:
    check_grid(layers(np.random.default_rng(1)), KERNELS, {WINDOWS.name}, core, toolchain)


def rounded(rng: np.random.Generator) -> Iterator[Graph]:
    """Every rule with constants at the ends of their ranges."""
    for rule in RULES:
        for kind in EXTREMES:
            found = depthwise(
                rng, (3, 6), 4, (3, 5), Window(padding=(1, 2, 1, 2)), 2, rule=rule, kind=kind
            )
            if not WINDOWS.refuse(found.nodes[0]):
                yield found


@pytest.mark.parametrize("core", ["host", CORE])
def test_extremes(core: str) -> None:
    graphs = list(rounded(np.random.default_rng(2)))
    assert len(graphs) > 0.8 * len(RULES) * len(EXTREMES)
    found = [layer_of(g.nodes[0]) for g in graphs]
    assert {isinstance(f, Layer) and f.scaling.is_signed for f in found} == {False, True}
    check_grid(graphs, KERNELS, {WINDOWS.name}, core)


@pytest.mark.parametrize("backward", [False, True])
def test_output_over_input(backward: bool) -> None:
    graphs = layers(np.random.default_rng(3))
    check(merged(list(graphs)), KERNELS, CORE, planner=at_limit(backward))


def test_taps_beyond_a_load_are_portable() -> None:
    rng = np.random.default_rng(4)
    graph = depthwise(rng, (1, 600), 2, (1, 2), Window((1, 1), (0, 0, 0, 0), (1, 520)))
    assert "too far apart" in WINDOWS.refuse(graph.nodes[0])
    check(merged([graph]), KERNELS, "host")


Case = tuple[Pair, Pair, Pair, Pair, tuple[int, int, int, int], int, int, int]
sizes = st.tuples(st.integers(1, 9), st.integers(1, 17))
pads = st.tuples(*(st.integers(0, 3) for _ in range(4)))


@settings(max_examples=3, deadline=None)
@given(
    st.lists(
        st.tuples(
            sizes, st.tuples(st.integers(1, 6), st.integers(1, 11)),
            st.tuples(st.integers(1, 3), st.integers(1, 3)),
            st.tuples(st.integers(1, 2), st.integers(1, 3)), pads, st.integers(2, 9),
            st.integers(1, 3), st.integers(0, 2**32 - 1),
        ),
        min_size=8, max_size=8,
    )
)  # fmt: skip
def test_random(cases: list[Case]) -> None:
    made = []
    for size, kernel, strides, dilations, padding, channels, filters, seed in cases:
        rng = np.random.default_rng(seed)
        reach = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
        if size[0] + padding[0] + padding[2] < reach[0]:
            continue
        if size[1] + padding[1] + padding[3] < reach[1]:
            continue
        window = Window(strides, padding, dilations)
        rule = RULES[seed % len(RULES)]
        graph = depthwise(rng, size, channels, kernel, window, filters, rule)
        assert isinstance(graph.nodes[0].op, QConv2D)
        made.append(graph)
    assume(made)
    check(merged(made), KERNELS, "host")

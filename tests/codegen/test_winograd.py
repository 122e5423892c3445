"""Winograd convolutions: assembly on the emulated cores, its equals on the host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen.assembly import armv7_m, armv7e_m, rv32
from codegen.assembly.armv7_m.winograd_block import CLAMPED
from codegen.assembly.armv7e_m.conv import CONV
from codegen.assembly.armv7e_m.scaling import CLAMP, SCALE, SHIFT, TWICE
from codegen.assembly.armv7e_m.winograd_frame import TWICE_DIVIDED
from codegen.assembly.rv32.conv import PACKED
from codegen.assembly.winograd import Winograd
from codegen.assembly.winograd_parts import MEMORY, SIGNED
from codegen.c.choice import MARGIN, KernelSet
from codegen.c.step import Variant
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, Window
from tests.codegen import kernel_cases
from tests.codegen.batch import BOTH
from tests.codegen.graphs import RULES
from tests.codegen.kernel_cases import EXTREMES, Extreme
from tests.codegen.on_core import assert_counted, at_limit, check, chosen, merged
from tests.codegen.test_armv7e_m_conv import NONE, SAME, Size, conv

NAME = "conv winograd"


@dataclass(frozen=True)
class Case:
    """A core that has the kernel.

    Attributes:
        core: what is emulated.
        kernel: the kernel of its instruction set.
        variants: all for convolutions.
        rival: what takes such layers where flash is not paid.
        forms: every way in which sums become outputs.
        clamps: instructions that an output may take more or less than expected, by its value.
    """

    core: str
    kernel: Winograd
    variants: tuple[Variant, ...]
    rival: str
    forms: frozenset[int]
    clamps: int = 0

    @property
    def variant(self) -> Variant:
        """With filters left to portable C."""
        return next(v for v in self.variants if v.name == NAME)

    @property
    def fastest(self) -> KernelSet:
        """What pays with flash."""
        return KernelSet(self.kernel.isa.name, optimize="fastest")

    @property
    def alone(self) -> KernelSet:
        """What also takes layers that are too small to gain."""
        others = frozenset(v.name for v in self.variants if v.name != NAME)
        return replace(self.fastest, without=others)


CASES = (
    Case(
        "cortex-m4",
        armv7e_m.winograd.WINOGRAD,
        armv7e_m.VARIANTS[QConv2D],
        CONV.name,
        frozenset({SCALE, CLAMP, TWICE, TWICE_DIVIDED, SHIFT}),
    ),
    Case(
        "cortex-m3",
        armv7_m.winograd.WINOGRAD,
        armv7_m.VARIANTS[QConv2D],
        "tiles",
        frozenset({0, SIGNED, CLAMPED, SIGNED + CLAMPED}),
    ),
    Case(
        "rv32imc",
        rv32.winograd.WINOGRAD,
        rv32.VARIANTS[QConv2D],
        PACKED.name,
        frozenset({0, SIGNED}),
        clamps=2,
    ),
)
every_case = pytest.mark.parametrize("case", CASES, ids=lambda c: c.core)


def shapes() -> Iterator[tuple[Size, int, int, Window]]:
    """Odd sizes, rows and columns that are left, filters that are no multiple of 4, parts of the
    channels of equal and of different lengths, groups of filters, every padding."""
    same = Window(padding=SAME)
    for size in ((1, 2), (2, 3), (4, 2), (5, 4), (3, 7), (6, 6), (9, 5)):
        yield size, 4, 4, same
    for channels in (8, 12, 16, 20, 28, 32, 36, 44, 64, 92, 128):
        yield (4, 5), channels, 5 + channels % 3, same
    for filters in (6, 7, 11, 32, 33, 64):
        yield (5, 4), 8, filters, same
    yield (8, 8), 64, 64, same
    yield (4, 4), 40, 70, same
    yield (5, 5), 72, 9, Window()
    for padding in (NONE, (2, 0, 0, 2), (0, 1, 2, 0), (2, 2, 2, 2), (1, 0, 0, 1), (3, 3, 4, 3)):
        yield (6, 7), 12, 5, Window(padding=padding)
    yield (3, 4), 8, 4, Window()  # one row, two columns


def layers() -> list[Graph]:
    """Every shape with two random layers."""
    rng = np.random.default_rng(1)
    found = []
    for size, channels, filters, window in shapes():
        found += [conv(rng, size, channels, filters, (3, 3), window) for _ in range(2)]
    return found


def extremes() -> list[Graph]:
    """Every rule with constants at the ends of their ranges; parts of the channels too."""
    rng = np.random.default_rng(2)
    found = []
    for index, kind in enumerate((*EXTREMES, Extreme((-128, -128), x_zero=127, zero=-128))):
        for k, rule in enumerate(RULES):
            channels, filters = ((4, 4), (16, 6), (64, 5), (32, 8))[(index + k) % 4]
            shape = filters, 3, 3, channels
            found.append(kernel_cases.conv(rng, (5, 4), shape, Window(padding=SAME), 1, rule, kind))
    return found


def on(case: Case, place: str) -> str:
    """The case's core, or the host."""
    return "host" if place == "host" else case.core


everywhere = pytest.mark.parametrize("place", ["host", "core"])


@every_case
@everywhere
@pytest.mark.parametrize("toolchain", BOTH)
def test_every_shape(case: Case, place: str, toolchain: str) -> None:
    graph, kernels, variant = merged(layers()), case.alone, case.variant
    names = chosen(graph, kernels)
    assert names.count(NAME) >= 0.75 * len(names)
    run = check(graph, kernels, on(case, place), toolchain)
    if place == "core":
        nodes = [n for n in graph.nodes if n.op.name != "Reshape"]
        counted = [
            (node, layer.instructions)
            for node, layer in zip(nodes, run.layers, strict=True)
            if kernels.emitter(node) is variant and not variant.cost(node).fallback
        ]
        assert len(counted) >= 0.7 * len(names)  # what portable C costs is not this kernel's
        for node, instructions in counted:
            few = 45 + case.clamps * node.output.type.size
            assert_counted(variant, node, instructions, 0.015, few)


@every_case
@everywhere
def test_extremes(case: Case, place: str) -> None:
    graph = merged(extremes())
    names = chosen(graph, case.alone)
    assert names.count(NAME) >= 0.6 * len(names)
    check(graph, case.alone, on(case, place))


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@every_case
@everywhere
def test_over_its_input(case: Case, place: str, backward: bool) -> None:
    check(merged(layers()), case.alone, on(case, place), planner=at_limit(backward))


@every_case
def test_every_form_of_requantization(case: Case) -> None:
    """The grids reach all forms, and layers in parts and groups."""
    nodes = [n for g in (*layers(), *extremes()) for n in g.nodes if n.op.name == "QConv2D"]
    able = [n for n in nodes if not case.kernel.refuse(n)]
    assert {case.kernel.form(n).tail for n in able} == case.forms
    parts = [case.kernel.parts_of(n) for n in able]
    assert {p is not None and p.is_whole for p in parts} == {True, False}
    assert any(p is not None and len(p.groups) > 1 for p in parts)
    assert any(p is not None and len({*p.counts}) > 1 for p in parts)


@every_case
def test_memory(case: Case) -> None:
    """Scratch and stack together never pass 2 KiB."""
    rng = np.random.default_rng(4)
    for channels in (4, 16, 36, 64, 128, 512):
        for filters in (4, 30, 64, 130, 512):
            node = conv(rng, (5, 4), channels, filters, (3, 3), Window(padding=SAME)).nodes[0]
            if found := case.kernel.parts_of(node):
                assert found.nbytes + case.kernel.stack <= MEMORY == 2048
                assert sum(found.counts) == channels
                assert sum(found.groups) == found.blocks


OTHER = "not for other windows than 3x3 with stride 1"


@pytest.mark.parametrize(
    ("size", "channels", "filters", "kernel", "window", "reason"),
    [
        ((5, 5), 6, 4, (3, 3), Window(), "channels that are no multiple of 4"),
        ((5, 5), 8, 3, (3, 3), Window(), "few filters or columns"),
        ((5, 3), 8, 4, (3, 3), Window(), "few filters or columns"),
        ((5, 5), 8, 4, (3, 3), Window((2, 1)), OTHER),
        ((7, 7), 8, 4, (3, 3), Window(dilations=(1, 2)), OTHER),
        ((5, 5), 8, 4, (1, 3), Window(), OTHER),
        ((5, 5), 8, 4, (5, 5), Window(), OTHER),
    ],
)  # fmt: skip
def test_refusals(
    size: Size, channels: int, filters: int, kernel: Size, window: Window, reason: str
) -> None:
    layer = conv(np.random.default_rng(0), size, channels, filters, kernel, window)
    for case in CASES:
        assert case.kernel.refuse(layer.nodes[0]) == reason


@every_case
def test_only_for_those_who_pay(case: Case) -> None:
    """Never at ``speed``, where nothing is said of it; at ``fastest`` where it is cheaper."""
    rng, speed = np.random.default_rng(6), KernelSet(case.kernel.isa.name)
    same = Window(padding=SAME)
    large = conv(rng, (16, 16), 16, 16, (3, 3), same)
    small = conv(rng, (1, 6), 4, 4, (3, 3), same)
    for graph, name in ((large, NAME), (small, case.rival)):
        assert chosen(graph, case.fastest) == [name]
        assert chosen(graph, speed) == [case.rival]
    without = replace(case.alone, optimize="speed")
    assert chosen(large, without) == [""]
    assert NAME not in without.refusal(large.nodes[0])
    rival = next(v for v in case.variants if v.name == case.rival)
    node = large.nodes[0]
    assert 0.8 * rival.instructions(node) > case.variant.instructions(node)


@every_case
def test_flash_is_paid_where_a_twentieth_is_saved(case: Case) -> None:
    """Layers that save more, less and nothing; those that save a little stay as they are."""
    rng, same, saved = np.random.default_rng(6), Window(padding=SAME), []
    sizes = ((4, 4), (5, 5), (6, 6), (16, 16))
    for size, channels, filters in product(sizes, (8, 16, 32), (4, 6, 16)):
        graph = conv(rng, size, channels, filters, (3, 3), same)
        node = graph.nodes[0]
        able = {v.name: v.instructions(node) for v in case.variants if not v.refuse(node)}
        own = able.pop(NAME, None)
        if own is not None:
            saved.append(1 - own / min(able.values()))
            assert (chosen(graph, case.fastest) == [NAME]) == (MARGIN * own <= min(able.values()))
    assert min(saved) < 0
    assert max(saved) > 0.2
    assert any(0 < s < 0.05 for s in saved)


@st.composite
def random_layers(draw: st.DrawFn) -> Graph:
    """Any layer that the kernel is for, small enough to be one of many."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.integers(1, 9)), draw(st.integers(2, 9))
    channels, filters = 4 * draw(st.integers(1, 24)), draw(st.integers(4, 24))
    padding = [draw(st.integers(0, 2)) for _ in range(4)]
    for axis in (0, 1):  # some output
        padding[axis] += max(0, 3 + axis - size[axis] - padding[axis] - padding[axis + 2])
    window = Window(padding=(padding[0], padding[1], padding[2], padding[3]))
    if draw(st.booleans()):
        return conv(rng, size, channels, filters, (3, 3), window)
    rule, kind = draw(st.sampled_from(RULES)), draw(st.sampled_from(EXTREMES))
    return kernel_cases.conv(rng, size, (filters, 3, 3, channels), window, 1, rule, kind)


@every_case
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(random_layers(), min_size=8, max_size=8))
def test_random_layers(case: Case, many: list[Graph]) -> None:
    check(merged(many), case.alone, case.core)

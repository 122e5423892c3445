"""Convolutions and dense layers of int16 activations: on the host, and on the emulated core."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.assembly.armv7e_m.columns import COLUMNS
from codegen.assembly.armv7e_m.dense_words import DENSE_WORDS
from codegen.assembly.columns import PART, WORDS_PART, parts_of
from codegen.assembly.mve import columns as mve
from codegen.assembly.mve.taps import WIDE_TAPS
from codegen.assembly.mve.wide_dense import WIDE_DENSE
from codegen.assembly.rv32 import columns as rv32
from codegen.c.choice import PORTABLE, KernelSet
from edgekit.ir import DType, Graph, Node, TensorType
from edgekit.ir.ops import QConv2D, QDense, Reshape, Rounding, Window
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH
from tests.codegen.cores import able
from tests.codegen.graphs import single
from tests.codegen.on_core import (
    SCALAR,
    at_limit,
    check,
    check_grid,
    chosen,
    compare_counts,
    merged,
)

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m")


def conv(
    rng: np.random.Generator,
    size: tuple[int, int, int],
    filters: int,
    kernel: tuple[int, int],
    window: Window,
    clamp: tuple[int, int] = (-(2**15), 2**15 - 1),
    extreme: bool = False,
) -> Graph:
    """A convolution of (height, width, channels) in TFLite's 16x8 scheme."""
    weights = rng.integers(-128, 128, (filters, *kernel, size[2])).astype(np.int8)
    if extreme:
        weights = np.where(rng.random(weights.shape) < 0.5, np.int8(-128), np.int8(127))
    total = 2**15 * np.abs(weights.astype(np.int64)).reshape(filters, -1).sum(1)
    bias = np.minimum(2**31 - 1 - total, 2**24) * rng.choice([-1, 0, 1], filters)
    scales = np.clip(2 ** rng.uniform(10, 17, filters) / total, 2.0**-17.9, 0.49)
    spec = make_requant(scales.tolist(), Rounding.REDUCED, 0, *clamp)
    x = TensorType((1, *size), DType.INT16)
    return single(QConv2D(spec, 0, window), [x, weights, bias], DType.INT16)


def layers(more: int = 0) -> Iterator[Graph]:
    """Odd sizes, every rest of taps and pixels, pads, strides, parts by rows and by channels; so
    many filters more than one to nine."""
    rng = np.random.default_rng(11)
    plain = Window((1, 1), (0, 0, 0, 0), (1, 1))
    for channels in (1, 2, 3, 5, 8):
        yield conv(rng, (3, 1 + channels, channels), 1 + channels % 3 + more, (1, 1), plain)
        padded = Window((1 + channels % 2, 1), (1, 1, 1, 1), (1, 1))
        yield conv(rng, (5, 4, channels), 3 + more, (3, 3), padded)
    yield conv(
        rng, (7, 6, 3), 2 + more, (3, 2), Window((1, 2), (2, 1, 2, 1), (2, 1)), (0, 2**15 - 1)
    )
    yield conv(rng, (4, 3, 64), 5 + more, (3, 3), Window((1, 1), (1, 0, 1, 0), (1, 1)))
    yield conv(rng, (4, 4, 33), 4 + more, (3, 3), Window((1, 1), (0, 1, 1, 1), (1, 1)))
    yield conv(rng, (2, 3, 301), 3 + more, (1, 1), plain, (0, 2**15 - 1))
    yield conv(rng, (4, 3, 130), 2 + more, (2, 2), Window((1, 1), (0, 1, 0, 1), (1, 1)))
    yield conv(
        rng, (2, 5, 57), 2 + more, (3, 3), Window((1, 1), (1, 1, 1, 1), (1, 1)), extreme=True
    )
    yield conv(rng, (1, 1, 7), 9 + more, (1, 1), plain, extreme=True)


def dense(
    rng: np.random.Generator,
    rows: int,
    depth: int,
    filters: int,
    low: int = -(2**15),
    extreme: bool = False,
) -> Graph:
    """A dense layer in TFLite's 16x8 scheme."""
    weights = rng.integers(-128, 128, (filters, depth)).astype(np.int8)
    if extreme:
        weights = np.where(rng.random(weights.shape) < 0.5, np.int8(-128), np.int8(127))
    total = 2**15 * np.abs(weights.astype(np.int64)).sum(1)
    bias = np.minimum(2**31 - 1 - total, 2**24) * rng.choice([-1, 0, 1], filters)
    scales = np.clip(2 ** rng.uniform(10, 17, filters) / total, 2.0**-17.9, 0.49)
    spec = make_requant(scales.tolist(), Rounding.REDUCED, 0, low, 2**15 - 1)
    graph = Graph("dense")
    x = graph.add_input("x", TensorType((1, rows * depth), DType.INT16))
    kind = TensorType((rows, depth), DType.INT16)
    flat = graph.add_node(Reshape((rows, depth)), [x], kind).output
    constants = [graph.constant(weights), graph.constant(bias)]
    kind = TensorType((rows, filters), DType.INT16)
    graph.outputs = [graph.add_node(QDense(spec, 0), [flat, *constants], kind).output]
    return graph


def dense_layers() -> Iterator[Graph]:
    """Every rest of inputs and filters, all numbers of groups in a last loop."""
    rng = np.random.default_rng(12)
    for index, depth in enumerate((4, 5, 6, 7, 8, 12, 17, 31, 64, 90, 301)):
        low = 0 if index % 3 == 0 else -(2**15)
        yield dense(rng, 1 + index % 3, depth, 4 + index % 5, low)


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", ["host", CORE])
def test_dense_layers(core: str, toolchain: str) -> None:
    graph = merged(list(dense_layers()))
    assert set(chosen(graph, KERNELS)) == {DENSE_WORDS.name}
    run = check(graph, KERNELS, core, toolchain)
    if core == CORE:
        compare_counts(graph, KERNELS, run)


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize(("isa", "core"), SCALAR)
def test_dense_layers_by_blocks(isa: str, core: str, toolchain: str) -> None:
    rng = np.random.default_rng(13)
    small = [dense(rng, *sizes) for sizes in ((1, 1, 1), (2, 3, 3, 0), (3, 2, 7), (1, 1, 9))]
    layers = [*dense_layers(), *small, dense(rng, 1, 512, 9, extreme=True)]
    check_grid(layers, KernelSet(isa), {"words"}, core, toolchain)


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", ["host", "cortex-m55"])
def test_dense_layers_by_vectors(core: str, toolchain: str) -> None:
    rng = np.random.default_rng(13)
    small = [
        dense(rng, *sizes) for sizes in ((1, 1, 1), (2, 3, 8), (3, 8, 9), (1, 16, 7), (2, 9, 17))
    ]
    extreme = dense(rng, 1, 500, 3, low=0)
    check_grid(
        [*dense_layers(), *small, extreme], KernelSet("mve"), {WIDE_DENSE.name}, core, toolchain
    )


@pytest.mark.parametrize("core", ["host", "cortex-m55"])
def test_dense_rows_by_vectors_over_their_input(core: str) -> None:
    check(merged(list(dense_layers())), KernelSet("mve"), core, planner=at_limit(False))


def test_small_dense_layers_are_portable() -> None:
    rng = np.random.default_rng(1)
    small = merged([dense(rng, 1, 3, 8), dense(rng, 2, 30, 3), dense(rng, 1, 1, 1)])
    assert set(chosen(small, KERNELS)) == {""}
    check(small, KERNELS, CORE)


def depthwise(
    rng: np.random.Generator,
    size: tuple[int, int, int],
    kernel: tuple[int, int],
    window: Window,
    rule: Rounding = Rounding.REDUCED,
    multiplier: int = 1,
    bias_bits: int = 20,
    low: int = -(2**15),
) -> Graph:
    """A depthwise convolution of int16; biases of 40 bits need wide sums."""
    filters = size[2] * multiplier
    weights = rng.integers(-128, 128, (filters, *kernel, 1)).astype(np.int8)
    total = 2**15 * np.abs(weights.astype(np.int64)).reshape(filters, -1).sum(1)
    wide = rule is Rounding.REDUCED
    bias = rng.integers(-(2**bias_bits), 2**bias_bits, filters)
    scales = 2 ** rng.uniform(10, 17, filters) / np.maximum(total, 1)
    scales = np.minimum(scales, 2**29 / (total + np.abs(bias)))
    spec = make_requant(scales.tolist(), rule, 0, low, 2**15 - 1)
    constants = weights, bias.astype(np.int64 if wide else np.int32)
    x = TensorType((1, *size), DType.INT16)
    return single(QConv2D(spec, 0, window, size[2]), [x, *constants], DType.INT16)


@pytest.mark.parametrize("core", ["host", CORE])
def test_depthwise(core: str) -> None:
    rng = np.random.default_rng(4)
    graphs = []
    for channels in (2, 3, 4, 7, 8):
        padding = (1, channels % 2, 1, 2)
        graphs.append(depthwise(rng, (5, 4, channels), (3, 3), Window((1, 1), padding)))
    graphs.append(depthwise(rng, (5, 4, 6), (3, 3), Window(), bias_bits=40))
    graphs.append(depthwise(rng, (9, 7, 5), (3, 2), Window((2, 1), (4, 2, 4, 2), (2, 3))))
    graphs.append(depthwise(rng, (3, 3, 6), (1, 1), Window(), Rounding.DOUBLE))
    graphs.append(depthwise(rng, (4, 4, 3), (2, 2), Window(), multiplier=2))
    graphs.append(depthwise(rng, (17, 17, 2), (17, 17), Window()))
    check(merged(graphs), KERNELS, core)
    if core == CORE:
        check(merged(graphs[:7]), KERNELS, core, planner=at_limit(backward=True))


def depthwise_by_vectors() -> Iterator[Graph]:
    """Every rest of channels, pads, strides, dilations, parts of a row, filters of a channel."""
    rng = np.random.default_rng(8)
    for channels in range(2, 10):
        window = Window((1, 1 + channels % 2), (1, channels % 3, 1, 2))
        low = -(2**15) if channels % 3 else 0
        yield depthwise(rng, (5, 4, channels), (3, 3), window, low=low)
    yield depthwise(rng, (9, 7, 5), (3, 2), Window((2, 1), (4, 2, 4, 2), (2, 3)))
    yield depthwise(rng, (3, 40, 24), (3, 3), Window(padding=(1, 1, 1, 1)))
    yield depthwise(rng, (1, 1, 8), (1, 1), Window())
    for multiplier in range(2, 9):
        shape = (3, 4, 2 + multiplier % 3)
        yield depthwise(rng, shape, (2, 3), Window(padding=(1, 2, 0, 0)), multiplier=multiplier)


@pytest.mark.parametrize("core", ["host", "cortex-m55"])
def test_depthwise_by_vectors(core: str) -> None:
    check_grid(depthwise_by_vectors(), KernelSet("mve"), {WIDE_TAPS.name}, core)


@pytest.mark.parametrize("core", ["host", "cortex-m55"])
@pytest.mark.parametrize("backward", [False, True])
def test_depthwise_by_vectors_over_its_input(core: str, backward: bool) -> None:
    graph = merged(list(depthwise_by_vectors()))
    check(graph, KernelSet("mve"), core, planner=at_limit(backward))


def test_wide_depthwise_that_vectors_do_not_suit() -> None:
    rng = np.random.default_rng(9)
    graphs = [depthwise(rng, (3, 3, 4), (3, 3), Window(), bias_bits=40)]
    graphs.append(depthwise(rng, (3, 3, 2), (3, 3), Window(), Rounding.DOUBLE))
    graphs.append(depthwise(rng, (3, 3, 2), (3, 3), Window(), multiplier=9))
    assert chosen(merged(graphs), KernelSet("mve")) == ["", "", ""]
    check(merged(graphs), KernelSet("mve"), "cortex-m55")


def nodes_of(graph: Graph) -> list[Node]:
    return [n for n in graph.nodes if isinstance(n.op, QConv2D)]


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", ["host", CORE])
def test_every_shape(core: str, toolchain: str) -> None:
    kernels = KernelSet("armv7e_m", frozenset({DENSE_WORDS.name}))  # it takes single pixels
    check_grid(layers(), kernels, {COLUMNS.name}, core, toolchain)


@pytest.mark.parametrize("core", ["host", "cortex-m55"])
def test_every_shape_by_vectors(core: str) -> None:
    check_grid(layers(), KernelSet("mve"), {mve.COLUMNS.name, ""}, core)  # "": one filter


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", ["host", "rv32imc"])
def test_every_shape_by_four_filters(core: str, toolchain: str) -> None:
    check_grid(layers(more=3), KernelSet("rv32"), {rv32.COLUMNS.name}, core, toolchain)


@pytest.mark.parametrize("backward", [False, True])
def test_output_over_input_by_four_filters(backward: bool) -> None:
    whole = merged(list(layers(more=3)))
    check(whole, KernelSet("rv32"), "rv32imc", planner=at_limit(backward))


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize(("isa", "core"), SCALAR)
def test_every_shape_by_words(isa: str, core: str, toolchain: str) -> None:
    names = {"columns", ""} if isa == "armv7_m" else {"columns"}  # "": one filter
    check_grid(layers(), KernelSet(isa, frozenset({"words"})), names, core, toolchain)


@pytest.mark.parametrize("most", [PART, WORDS_PART])
def test_the_grid_has_parts_of_both_kinds(most: int) -> None:
    found = [parts_of(n, most) for n in nodes_of(merged(list(layers())))]
    assert any(p.rows < p.height and p.piece == p.width for p in found)
    assert any(p.rows < p.height and p.piece < p.width for p in found)
    assert any(p.piece < p.width and p.height == 1 for p in found)


@pytest.mark.parametrize("core", ["host", CORE])
def test_portable(core: str) -> None:
    check(merged([*layers(), *dense_layers()]), PORTABLE, core)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("core", [CORE, "cortex-m3", "cortex-m0plus"])
def test_output_over_input(core: str, backward: bool) -> None:
    kernels = able(core)
    check(merged(list(layers())), kernels, core, planner=at_limit(backward))


def test_what_needs_more_than_32_bits_is_portable() -> None:
    rng = np.random.default_rng(2)
    plain = Window((1, 1), (0, 0, 0, 0), (1, 1))
    graphs = [conv(rng, (1, 2, 520), 2, (1, 1), plain, extreme=True)]
    graphs.append(conv(rng, (1, 2, 8), 5, (1, 1), plain, (-3, 2**15 - 1)))
    graphs.append(conv(rng, (1, 9, 8), 5, (1, 3), Window((1, 1), (0, 0, 0, 0), (1, 2))))
    graphs.append(dense(rng, 1, 520, 9, extreme=True))
    for isa in ("armv7e_m", "armv7_m", "armv6_m"):
        assert chosen(merged(graphs), KernelSet(isa)) == ["", "", "", ""]
    check(merged(graphs), KERNELS, "host")


Size = tuple[int, int]
Case = tuple[tuple[int, int, int], int, Size, Size, tuple[int, int, int, int], int]
shapes = st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 40))
pads = st.tuples(*(st.integers(0, 2) for _ in range(4)))


@settings(max_examples=3, deadline=None)
@given(
    st.lists(
        st.tuples(
            shapes, st.integers(1, 9), st.tuples(st.integers(1, 4), st.integers(1, 4)),
            st.tuples(st.integers(1, 2), st.integers(1, 3)), pads, st.integers(0, 2**32 - 1),
        ),
        min_size=8, max_size=8,
    )
)  # fmt: skip
@pytest.mark.parametrize("isa", ["armv7e_m", "armv7_m", "armv6_m"])
def test_random(isa: str, cases: list[Case]) -> None:
    made = []
    for size, filters, kernel, strides, padding, seed in cases:
        rng = np.random.default_rng(seed)
        inside = (min(kernel[0], size[0]), min(kernel[1], size[1]))
        window = Window(strides, padding, (1, 1))
        made.append(conv(rng, size, filters, inside, window, extreme=seed % 5 == 0))
    check(merged(made), KernelSet(isa), "host")

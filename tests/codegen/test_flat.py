"""Convolutions that are dense layers: which are, and what computes them on every core."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from codegen.assembly.flat import as_dense
from codegen.c.step import Variant
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, QDense, Reshape, Rounding, Window
from profiles.bench.pruning import Pattern
from tests.codegen.cores import able
from tests.codegen.graphs import RULES, int8
from tests.codegen.kernel_cases import EXTREMES, Extreme, constants, conv
from tests.codegen.on_core import assert_counted, at_limit, check, chosen, merged
from tests.codegen.test_armv7e_m_sparse import pruned
from tests.codegen.test_columns import conv as wide_conv

KERNELS = {
    "cortex-m0plus": {"blocks", "blocks sparse"},
    "cortex-m3": {"blocks", "blocks sparse"},
    "cortex-m4": {"dense pairs"},
    "cortex-m55": {"lanes"},
    "rv32imc": {"dense", "dense sparse"},
}
PLAIN = Window()
ONCE = Extreme(zero=-128, clamp=(0, 255))


def single(
    rng: np.random.Generator,
    size: tuple[int, int],
    depth: int,
    filters: int,
    kernel: tuple[int, int],
    rule: Rounding = Rounding.SINGLE,
    kind: Extreme = ONCE,
) -> Graph:
    """A convolution with one window, or one for each pixel."""
    return conv(rng, size, (filters, *kernel, depth), PLAIN, 1, rule, kind)


def layers() -> Iterator[Graph]:
    """One pixel of any depth, windows that are the whole input, rows of filters that overlap."""
    rng = np.random.default_rng(1)
    for depth, filters in ((3, 5), (40, 17), (64, 8), (130, 9)):
        yield single(rng, (1, 1), depth, filters, (1, 1))
    for size in ((5, 1), (1, 7), (3, 4), (9, 1)):
        yield single(rng, size, 6, 9, size)
    yield pruned(single(rng, (1, 1), 96, 8, (1, 1), Rounding.HIGH), Pattern(1, 1, 0.8))


@pytest.mark.parametrize("where", ["host", "core"])
@pytest.mark.parametrize("core", KERNELS)
def test_every_shape(core: str, where: str) -> None:
    graph, kernels = merged(list(layers())), able(core)
    assert set(chosen(graph, kernels)) == KERNELS[core]
    run = check(graph, kernels, "host" if where == "host" else core)
    for node, layer in zip(graph.nodes, run.layers, strict=False):  # a host counts nothing
        variant = kernels.emitter(node)
        assert isinstance(variant, Variant)
        assert_counted(variant, node, layer.instructions, 0.1, 20)


def several(rng: np.random.Generator) -> Iterator[Graph]:
    """A few pixels, several samples, every rule with constants at the ends of their ranges."""
    yield single(rng, (1, 1), 1, 4, (1, 1))
    for pixels in (2, 3, 4, 7):
        yield single(rng, (1, pixels), 24, 10, (1, 1))
    for index, kind in enumerate(EXTREMES):
        yield single(rng, (2, 1), 9, 6, (2, 1), RULES[index % len(RULES)], kind)
    weights, bias, x_zero, spec = constants(rng, (5, 2, 2, 3), Rounding.SINGLE, ONCE)
    graph = Graph("samples")
    x = graph.add_input("x", int8(1, 36))
    images = graph.add_node(Reshape((3, 2, 2, 3)), [x], int8(3, 2, 2, 3)).output
    values = [images, graph.constant(weights), graph.constant(bias)]
    found = graph.add_node(QConv2D(spec, x_zero), values, int8(3, 1, 1, 5)).output
    graph.outputs = [graph.add_node(Reshape((1, 15)), [found], int8(1, 15)).output]
    yield graph
    yield wide_conv(rng, (1, 1, 9), 5, (1, 1), PLAIN)
    yield wide_conv(rng, (3, 2, 4), 6, (3, 2), PLAIN)


@pytest.mark.parametrize("core", KERNELS)
def test_several_rows_and_extremes(core: str) -> None:
    graph = merged(list(several(np.random.default_rng(2))))
    check(graph, able(core), core)


@pytest.mark.parametrize("core", KERNELS)
def test_output_over_input(core: str) -> None:
    rng = np.random.default_rng(3)
    graph = merged([single(rng, (1, pixels), 12, 7, (1, 1)) for pixels in (1, 2, 3)])
    kernels = able(core)
    assert KERNELS[core] & set(chosen(graph, kernels))
    check(graph, kernels, core, planner=at_limit(backward=False))


def test_what_is_a_dense_layer() -> None:
    rng = np.random.default_rng(4)
    whole = as_dense(single(rng, (3, 4), 6, 9, (3, 4)).nodes[0])
    assert whole is not None
    assert isinstance(whole.op, QDense)
    assert whole.input(0).type.shape == (1, 72)
    assert whole.input(1).type.shape == (9, 72)
    pixels = as_dense(single(rng, (3, 4), 6, 9, (1, 1)).nodes[0])
    assert pixels is not None
    assert pixels.output.type.shape == (12, 9)
    for size, kernel, window, groups in (
        ((3, 4), (3, 3), PLAIN, 1),  # two windows
        ((3, 3), (3, 3), Window(padding=(1, 1, 1, 1)), 1),
        ((3, 3), (1, 1), Window((2, 2)), 1),
        ((1, 1), (1, 1), PLAIN, 2),
    ):
        shape = (4, *kernel, 6 // groups)
        graph = conv(rng, size, shape, window, groups, Rounding.SINGLE, ONCE)
        assert as_dense(graph.nodes[0]) is None

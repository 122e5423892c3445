"""EVEN by vectors of floats on Armv8.1-M: sums around ties, sums that a float does not hold, sums
that saturate; in each kernel, beside its portable equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from codegen.assembly.mve.layer import Layer, layer_of
from codegen.assembly.mve.matmul import scaling
from codegen.assembly.mve.scaling import Form, scaling_of
from codegen.c.choice import KernelSet
from edgekit.ir import Graph, Node
from edgekit.ir.ops import QConv2D, QDense, QMatMul, Requant, Reshape, Rounding, Window
from edgekit.pipeline.vectors import reference_outputs
from quantize.requantize import make_requant
from targets.load import core_names, load_core
from targets.model import Core
from tests.codegen import on_core
from tests.codegen.batch import BOTH, samples
from tests.codegen.graphs import Array, Shape, int8, single
from tests.codegen.on_core import check, check_grid, merged

CORE = "cortex-m55"
MVE = KernelSet("mve")
Pair = tuple[int, int]
CLAMPS = ((-128, 127), (-20, 90))


def near_ties(
    rng: np.random.Generator, shape: Shape, clamp: Pair, zero: int
) -> tuple[Array, Array, Requant]:
    """Small weights; biases between two outputs or far beyond, scales so small that floats do not
    hold the sums; of the third filter every other product is a tie."""
    filters = shape[0]
    weights = rng.choice([-1, 0, 0, 1], shape).astype(np.int8)
    weights[1::5] = rng.integers(-128, 128, weights[1::5].shape)
    weights[2] = 0
    weights[2].flat[weights[2].size // 2] = 3
    scales = 2.0 ** rng.uniform(-23, -1, filters)
    scales[::3] = 2.0 ** rng.integers(-23, -1, len(scales[::3]))
    scales[2] = 0.5
    levels = rng.integers(-140, 140, filters) + 0.5
    levels[3::7] *= 2**10
    levels[2] = 0
    bias = np.clip(np.rint(levels / scales), -(2**30), 2**30).astype(np.int32)
    return weights, bias, make_requant(scales.tolist(), Rounding.EVEN, zero, *clamp)


def conv(
    rng: np.random.Generator, size: Pair, shape: Shape, window: Window, groups: int, clamp: Pair,
    zero: int,
) -> Graph:  # fmt: skip
    """A convolution whose zero point of the input is 0, so that biases are what they are."""
    weights, bias, spec = near_ties(rng, shape, clamp, zero)
    op = QConv2D(spec, 0, window, groups)
    return single(op, [int8(1, *size, shape[3] * groups), weights, bias])


def dense(
    rng: np.random.Generator, rows: int, depth: int, filters: int, clamp: Pair, zero: int
) -> Graph:
    """The same, as a dense layer."""
    weights, bias, spec = near_ties(rng, (filters, depth), clamp, zero)
    graph = Graph("dense")
    x = graph.add_input("x", int8(1, rows * depth))
    flat = graph.add_node(Reshape((rows, depth)), [x], int8(rows, depth)).output
    inputs = [flat, graph.constant(weights), graph.constant(bias)]
    graph.outputs = [graph.add_node(QDense(spec, 0), inputs, int8(rows, filters)).output]
    return graph


def layers() -> Iterator[Graph]:
    """Each kernel, with a clamp and without, odd filters, rests of pixels, zero points at ends."""
    rng = np.random.default_rng(1)
    same = Window(padding=(1, 1, 1, 1))
    for clamp in CLAMPS:
        for zero in (-128, 3, 127):
            yield conv(rng, (5, 7), (17, 1, 1, 16), Window(), 1, clamp, zero)
            yield conv(rng, (4, 4), (8, 1, 1, 40), Window(), 1, clamp, zero)
            yield conv(rng, (6, 5), (9, 3, 3, 8), same, 1, clamp, zero)
            yield conv(rng, (9, 7), (16, 3, 3, 1), same, 16, clamp, zero)
            yield conv(rng, (7, 5), (8, 3, 3, 1), Window((2, 2)), 8, clamp, zero)
            yield conv(rng, (6, 7), (13, 5, 5, 1), same, 13, clamp, zero)
            yield dense(rng, 6, 33, 43, clamp, zero)
            yield dense(rng, 1, 256, 16, clamp, zero)
            yield dense(rng, 7, 32, 12, clamp, zero)


def form_of(node: Node) -> Form:
    found = layer_of(node)
    assert isinstance(found, Layer)
    return found.scaling.form


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_layers(core: str, toolchain: str) -> None:
    found = list(layers())
    assert all(form_of(graph.nodes[-1]).floating for graph in found)
    check_grid(found, MVE, {"pointwise", "rows", "planes", "taps", "lanes"}, core, toolchain)


def test_samples_tell_the_rule_from_others() -> None:
    """The same layers with ties rounded up: other outputs, but for layers with few."""
    rng, differ = np.random.default_rng(0), []
    for graph in layers():
        x = [samples(rng, v.type, 3) for v in graph.inputs]
        (wanted,) = reference_outputs(graph, x)
        node = graph.nodes[-1]
        assert isinstance(node.op, QConv2D | QDense)
        requant = replace(node.op.requant, rule=Rounding.SINGLE)
        graph.set_op(node, replace(node.op, requant=requant))
        differ.append((reference_outputs(graph, x)[0] != wanted).any())
    assert sum(differ) >= 0.75 * len(differ)


def products() -> Iterator[Graph]:
    """Products of two inputs with a tie at every other output."""
    for clamp in CLAMPS:
        for depth in (5, 64):
            spec = make_requant([2.0**-9], Rounding.EVEN, -7, *clamp, bounds=[255 * 255 * depth])
            yield single(QMatMul(spec, 3, -128), (int8(6, depth), int8(depth, 5)))


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_products_of_two_inputs(core: str, toolchain: str) -> None:
    found = list(products())
    forms = [scaling(graph.nodes[-1]) for graph in found]
    assert all(not isinstance(each, str) and each.form.floating for each in forms)
    check_grid(found, MVE, {"matmul pairs"}, core, toolchain)


def test_a_form_in_integers_stays_where_there_is_one() -> None:
    """Most scales have one; a layer takes floats as soon as one filter has none."""
    rng = np.random.default_rng(2)
    bound = np.array([2**18])
    specs = [make_requant([s], Rounding.EVEN, 3) for s in 2.0 ** rng.uniform(-9, -8, 40)]
    forms = [found.form for s in specs if (found := scaling_of(s, bound, late=True))]
    assert len(forms) == 40
    assert 0 < sum(form.floating for form in forms) < 20


def test_builds_for_integer_vectors_take_the_equals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A core that has MVE without floats assembles none of its instructions, and is right."""

    def without_floats(name: str) -> Core:
        core = load_core(name)
        assert core.gcc is not None
        flags = [f"{f}+nomve.fp" if f.startswith("-mcpu=") else f for f in core.gcc.flags]
        return replace(core, gcc=replace(core.gcc, flags=tuple(flags)))

    graph = merged(list(layers())[:9])
    whole = check(graph, MVE, CORE, "gcc")
    monkeypatch.setattr(on_core, "load_core", without_floats)
    portable = check(graph, MVE, CORE, "gcc")
    for fast, slow in zip(whole.layers, portable.layers, strict=True):
        assert slow.instructions > 2 * fast.instructions


def test_every_core_with_vectors_has_floats() -> None:
    """Kernels are chosen for such cores; builds without would run the portable equals."""
    for core in map(load_core, core_names()):
        assert ("mve" in core.features) == ("mve-float" in core.features)

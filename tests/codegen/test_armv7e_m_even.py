"""Float products rounded to even on Armv7E-M: by the FPU of the emulated core, by integers where
there is none, and on the host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from codegen.assembly.armv7e_m import conv_layer, dense
from codegen.assembly.armv7e_m.conv import CONV, CONV_EVEN
from codegen.assembly.armv7e_m.dense import DENSE, DENSE_EVEN
from codegen.assembly.armv7e_m.scaling import EVEN, EVEN_CLAMP, SCALE
from codegen.c.choice import KernelSet, kernels_for
from codegen.c.step import Variant
from edgekit.ir import Graph, Node
from edgekit.ir.ops import QConv2D, QDense, Requant, Rounding, Window
from quantize.requantize import accumulator_bounds, make_requant
from targets.load import load_core
from targets.model import Core
from tests.codegen import on_core
from tests.codegen.batch import BOTH
from tests.codegen.graphs import Array, int8, single
from tests.codegen.on_core import assert_counted, check, chosen, merged

CORE = "cortex-m4"
EVERY = kernels_for(load_core(CORE))
KERNELS = KernelSet(EVERY.isa, frozenset({CONV.name, DENSE.name}), features=EVERY.features)
"""Without those that are cheaper where an integer form is proven."""
CLAMPS = ((-128, 127), (-60, 60), (3, 127), (-128, 90))
SHAPES: tuple[tuple[tuple[int, int], int, int, tuple[int, int], Window], ...] = (
    ((1, 1), 9, 5, (1, 1), Window()),
    ((3, 3), 16, 3, (1, 1), Window()),  # one pixel in a last tile
    ((2, 2), 256, 4, (1, 1), Window()),  # sums that wait
    ((5, 6), 4, 6, (3, 3), Window(padding=(1, 1, 1, 1))),
    ((7, 5), 3, 7, (3, 3), Window((2, 2), (0, 0, 1, 1))),
)
"""Size, channels, filters, kernel, window."""
ROWS = ((1, 7, 5), (1, 40, 6), (2, 64, 4), (1, 33, 1), (1, 904, 9), (3, 20, 5))
"""Rows, inputs, filters."""


def constants(
    rng: np.random.Generator, shape: tuple[int, ...], kind: int
) -> tuple[Array, Array, int, Requant]:
    """Weights, biases, zero point of the input and a requantization, by turns: every output near
    a tie, ties alone, sums that no float holds, outputs that saturate."""
    weights = rng.integers(-127, 128, shape).astype(np.int8)
    reach = 128 * np.maximum(np.abs(weights.reshape(len(weights), -1).astype(int)).sum(1), 1)
    bias = rng.integers(-reach // 16, reach // 16).astype(np.int32)
    scales = 300 / reach * 2 ** rng.uniform(-1, 1, len(reach))
    if kind == 1:
        scales = np.full(len(reach), 2.0 ** -int(rng.integers(1, 9)))
    elif kind == 2 and len(bias) > 1:  # the first of a pair has a register of its own
        bias[0] = rng.choice([-1, 1]) * rng.integers((1 << 24) + 1, 1 << 29)
        scales[0] = 130 / np.abs(bias[0])
    elif kind == 3:
        scales = np.minimum(2.0**20, 2.0**29 / (2 * reach))
    x_zero, zero = int(rng.choice([-128, 127, 3])), int(rng.choice([-128, 127, 5]))
    ends = accumulator_bounds(weights, bias, x_zero)
    bounds = [int(b) for b in np.abs(np.stack(ends)).max(axis=0)]
    scales = np.minimum(scales, (2**30 - 2**8) / np.maximum(bounds, 1))
    low, high = CLAMPS[int(rng.integers(len(CLAMPS)))]
    spec = make_requant(scales.tolist(), Rounding.EVEN, zero, low, high, bounds)
    return weights, bias, x_zero, spec


def layers() -> Iterator[Graph]:
    """Every shape with every kind of constants."""
    rng = np.random.default_rng(11)
    for kind in range(4):
        for size, channels, filters, kernel, window in SHAPES:
            weights, bias, x_zero, spec = constants(rng, (filters, *kernel, channels), kind)
            x = int8(1, *size, channels)
            yield single(QConv2D(spec, x_zero, window), [x, weights, bias])
        for rows, depth, filters in ROWS:
            weights, bias, x_zero, spec = constants(rng, (filters, depth), kind)
            yield single(QDense(spec, x_zero), [int8(rows, depth), weights, bias])


def tail(node: Node) -> int:
    """How the sums of a layer are scaled with an FPU."""
    is_rows = isinstance(node.op, QDense) and node.output.type.shape[0] < 3
    found = dense.prepare(node, fpu=True) if is_rows else conv_layer.prepare(node, True)
    assert not isinstance(found, str)
    return found.scaling.tail


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_every_layer(core: str, toolchain: str) -> None:
    graph = merged(list(layers()))
    assert set(chosen(graph, KERNELS)) == {CONV_EVEN.name, DENSE_EVEN.name}
    assert {EVEN, EVEN_CLAMP} <= {tail(node) for node in graph.nodes}
    run = check(graph, KERNELS, core, toolchain)
    if core == CORE:
        for node, layer in zip(graph.nodes, run.layers, strict=True):
            variant = KERNELS.emitter(node)
            assert isinstance(variant, Variant)
            assert_counted(variant, node, layer.instructions, 0.02, 20)


@pytest.mark.parametrize("core", ["cortex-m7", "cortex-m33"])
def test_on_its_other_cores(core: str) -> None:
    assert kernels_for(load_core(core)).features >= {"fpu32"}
    check(merged(list(layers())), KERNELS, core, "gcc")


def test_a_build_without_fpu_takes_integers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made for a core with an FPU still gives the same where the compiler has none."""

    def without(name: str) -> Core:
        core = load_core(name)
        assert core.gcc is not None
        flags = tuple(f for f in core.gcc.flags if "fpu" not in f and "float" not in f)
        return replace(core, gcc=replace(core.gcc, flags=(*flags, "-mfloat-abi=soft")))

    monkeypatch.setattr(on_core, "load_core", without)
    graph = merged(list(layers()))
    soft = check(graph, KERNELS, CORE, "gcc")
    monkeypatch.undo()
    hard = check(graph, KERNELS, CORE, "gcc")
    assert sum(s.instructions for s in soft.layers) > 2 * sum(h.instructions for h in hard.layers)


def test_cores_without_fpu_leave_it_to_portable_c() -> None:
    rng = np.random.default_rng(3)
    weights = rng.integers(-127, 128, (6, 1, 1, 16)).astype(np.int8)
    for rule, names in ((Rounding.EVEN, ["", CONV_EVEN.name]), (Rounding.HIGH, [CONV.name] * 2)):
        op = QConv2D(make_requant([2.0**-7] * 6, rule, 3), 0)
        graph = single(op, [int8(1, 3, 5, 16), weights, np.zeros(6, np.int32)])
        assert [*chosen(graph, KernelSet("armv7e_m")), *chosen(graph, EVERY)] == names


def test_the_cheaper_form_stays() -> None:
    """A scale without ties takes one product and a shift, in the same function."""
    rng = np.random.default_rng(4)
    weights = rng.integers(-20, 21, (2, 1, 1, 4)).astype(np.int8)
    op = QConv2D(make_requant([0.0113, 0.0131], Rounding.EVEN, -128), 0)
    graph = single(op, [int8(1, 3, 5, 4), weights, np.zeros(2, np.int32)])
    assert tail(graph.nodes[0]) == SCALE
    assert chosen(graph, EVERY) == [CONV_EVEN.name]

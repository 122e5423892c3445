"""Random layers of every kind, by the kernels of each instruction set: on the host (the portable
equals) and on the emulated core, against the reference."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen.c.choice import kernels_for
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, QMean, Rounding, Window
from quantize.requantize import make_requant
from targets.load import load_core
from tests.codegen import graphs
from tests.codegen.graphs import RULES, int8, single
from tests.codegen.on_core import check, merged
from tests.codegen.test_tiles import random_conv

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m55", "rv32imc")
CHANNELS = (1, 2, 3, 4, 5, 8, 12, 16, 24, 33, 40, 64)
LAYERS = 8


def padding(data: st.DataObject, kernel: int, size: int) -> tuple[int, int]:
    """Before and after an axis: as much that a window fits, which may be wider than the input."""
    before, after = (data.draw(st.integers(0, kernel - 1)) for _ in range(2))
    return before, max(after, kernel - size - before)


def convolution(data: st.DataObject, rng: np.random.Generator) -> Graph:
    """Any window, depthwise or not, with scales as models have them or from end to end."""
    kernel = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    if data.draw(st.booleans()):
        kernel = data.draw(st.sampled_from([(1, 1), (3, 3)]))
    size = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    stride = data.draw(st.sampled_from([(1, 1), (2, 2), (1, 2), (3, 1)]))
    (top, bottom), (left, right) = (padding(data, k, n) for k, n in zip(kernel, size, strict=True))
    window = Window(stride, (top, left, bottom, right))
    channels, rule = data.draw(st.sampled_from(CHANNELS)), data.draw(st.sampled_from(RULES))
    depthwise = channels > 1 and data.draw(st.booleans())
    groups, filters = (channels, channels) if depthwise else (1, data.draw(st.integers(1, 20)))
    if groups == 1 and data.draw(st.booleans()):
        clamp = data.draw(st.integers(0, 2))
        return random_conv(rng, size, channels, filters, kernel, window, rule, clamp)
    return graphs.conv(rng, size, channels, filters, kernel, window, groups, rule)


def mean(data: st.DataObject, rng: np.random.Generator) -> Graph:
    """A mean over neighbouring axes, of one sample or several."""
    shape = data.draw(st.lists(st.sampled_from((1, 2, 3, 8, 9, 17)), min_size=2, max_size=4))
    first = data.draw(st.integers(0, len(shape) - 1))
    axes = tuple(range(first, data.draw(st.integers(first, len(shape) - 1)) + 1))
    count = math.prod(shape[a] for a in axes)
    scale, rule = min(float(rng.uniform(0.3, 1.2)) / count, 0.49), data.draw(st.sampled_from(RULES))
    spec = make_requant([scale], rule, int(rng.integers(-99, 99)), bounds=[255 * count])
    keeps = data.draw(st.booleans()) or len(axes) == len(shape)
    return single(QMean(spec, int(rng.integers(-128, 128)), axes, keeps), [int8(*shape)])


def layer(data: st.DataObject) -> Graph:
    """A convolution, a dense layer, a mean or a sum; half of the layers as models have them."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    kind = data.draw(st.sampled_from(["convolution", "convolution", "dense", "mean", "sum"]))
    is_ordinary = data.draw(st.booleans())
    if kind == "convolution":
        made = convolution(data, rng)
        return graphs.ordinary(rng, made) if is_ordinary else made
    if kind == "mean":
        return mean(data, rng)
    rule = data.draw(st.sampled_from(RULES))
    if kind == "dense":
        rows, depth, outputs = (data.draw(st.integers(1, most)) for most in (5, 200, 24))
        made = graphs.dense(rng, rows, depth, outputs, rule)
        return graphs.ordinary(rng, made) if is_ordinary else made
    shape = (1, data.draw(st.integers(1, 100)))
    return graphs.add(rng, int8(*shape), int8(*shape), rule)


@pytest.mark.parametrize("place", ["host", "core"])
@pytest.mark.parametrize("core", CORES)
def test_random_layers(core: str, place: str) -> None:
    @settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def run(data: st.DataObject) -> None:
        whole = merged([layer(data) for _ in range(LAYERS)])
        check(whole, kernels_for(load_core(core)), core if place == "core" else "host")

    run()


def narrow(rng: np.random.Generator, kernel: tuple[int, int], rule: Rounding) -> Graph:
    """A depthwise convolution whose outputs meet a clamp inside int8 on both sides."""
    weights, bias, bounds = graphs.weights_and_bias(rng, (8, *kernel, 1), 0)
    spec = make_requant([0.01] * 8, rule, 5, -97, 99, bounds)
    pad = Window(padding=(kernel[0] // 2, kernel[1] // 2) * 2)
    return single(QConv2D(spec, 0, pad, 8), [int8(1, 6, 7, 8), weights, bias])


@pytest.mark.parametrize("place", ["host", "core"])
@pytest.mark.parametrize("core", CORES)
def test_narrow_clamps_and_windows_beyond_the_input(core: str, place: str) -> None:
    rng = np.random.default_rng(4)
    rules = (Rounding.DOUBLE, Rounding.HIGH)
    found = [narrow(rng, k, rule) for k in ((3, 3), (5, 3), (1, 1)) for rule in rules]
    wide = Window((2, 2), (0, 5, 1, 7))
    found += [random_conv(rng, (9, 2), c, 7, (2, 4), wide, Rounding.DOUBLE, 0) for c in (1, 3, 16)]
    check(merged(found), kernels_for(load_core(core)), core if place == "core" else "host")

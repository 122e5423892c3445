"""Random layers of every kind, by the kernels of each instruction set: on the host (the portable
equals) and on the emulated core, against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen.c.choice import kernels_for
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, Rounding, Window
from quantize.requantize import make_requant
from targets.load import load_core
from tests.codegen import graphs
from tests.codegen.graphs import RULES, int8, single
from tests.codegen.on_core import check, merged
from tests.codegen.test_tiles import random_conv

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m55", "rv32imc")
CHANNELS = (1, 2, 3, 4, 5, 8, 12, 16, 24, 33, 40, 64)
LAYERS = 8


def convolution(data: st.DataObject, rng: np.random.Generator) -> Graph:
    """Any window, depthwise or not, with scales as models have them or from end to end."""
    kernel = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    if data.draw(st.booleans()):
        kernel = data.draw(st.sampled_from([(1, 1), (3, 3)]))
    size = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    stride = data.draw(st.sampled_from([(1, 1), (2, 2), (1, 2), (3, 1)]))
    pad = [(k - 1) // 2 + int(k > n) * k for k, n in zip(kernel, size, strict=True)]
    window = Window(stride, (pad[0], pad[1], pad[0] + kernel[0] // 2, pad[1] + kernel[1] // 2))
    channels, rule = data.draw(st.sampled_from(CHANNELS)), data.draw(st.sampled_from(RULES))
    depthwise = channels > 1 and data.draw(st.booleans())
    groups, filters = (channels, channels) if depthwise else (1, data.draw(st.integers(1, 20)))
    if groups == 1 and data.draw(st.booleans()):
        clamp = data.draw(st.integers(0, 2))
        return random_conv(rng, size, channels, filters, kernel, window, rule, clamp)
    return graphs.conv(rng, size, channels, filters, kernel, window, groups, rule)


def layer(data: st.DataObject) -> Graph:
    """A convolution, a dense layer or a sum; half of the layers as models have them."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    kind = data.draw(st.sampled_from(["convolution", "convolution", "dense", "sum"]))
    is_ordinary = data.draw(st.booleans())
    if kind == "convolution":
        made = convolution(data, rng)
        return graphs.ordinary(rng, made) if is_ordinary else made
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

"""float32 convolutions and dense layers: fours of pixels and filters, rests, borders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.c.choice import PORTABLE
from codegen.c.operators.quads import by_fours, pieces_of
from edgekit.ir import DType, Graph, TensorType
from edgekit.ir.ops import RELU6, Clamp, Conv2D, Dense, Window
from tests.codegen.batch import BOTH, Array, compile_all
from tests.codegen.graphs import float32, single
from tests.codegen.on_core import check, merged
from tests.codegen.test_float_kernels import noise
from tests.codegen.test_integer_kernels import windows

F = DType.FLOAT32
SAME = Window(padding=(1, 1, 1, 1))
CLAMPS = (None, Clamp(0.0, None), RELU6, Clamp(None, 0.5))
GROUPED = ((1, 3, 4), (1, 1, 9), (1, 5, 7), (2, 4, 8), (3, 3, 15), (5, 5, 5), (8, 8, 8), (4, 4, 16))
"""Groups, channels, filters."""


def convolution(
    rng: np.random.Generator,
    size: tuple[int, int],
    kernel: tuple[int, int],
    window: Window,
    grouped: tuple[int, int, int],
    clamp: Clamp | None = None,
) -> Graph:
    groups, channels, filters = grouped
    constants = [noise(rng, filters, *kernel, channels // groups), noise(rng, filters)]
    return single(Conv2D(window, groups, clamp=clamp), [float32(1, *size, channels), *constants], F)


def convolutions() -> list[Graph]:
    """Rows shorter than four pixels and longer, whole images in the border, every stride."""
    rng = np.random.default_rng(20)
    found = []
    for index, (size, kernel, window) in zip(range(48), windows(rng), strict=False):
        grouped, clamp = GROUPED[index % len(GROUPED)], CLAMPS[index % len(CLAMPS)]
        found.append(convolution(rng, size, kernel, window, grouped, clamp))
    for width in (1, 4, 5, 9):
        for grouped in ((1, 4, 8), (8, 8, 8), (6, 6, 6)):
            found.append(convolution(rng, (3, width), (3, 3), SAME, grouped, CLAMPS[width % 4]))
            found.append(convolution(rng, (2, width), (1, 1), Window(), grouped))
    for padding in ((0, 0, 0, 0), (1, 0, 0, 1), (0, 1, 1, 0), (2, 1, 2, 1), (1, 2, 1, 2)):
        for dilation in ((1, 1), (2, 1)):
            window = Window((1, 1), padding, dilation)
            found.append(convolution(rng, (5, 6), (3, 3), window, (5, 5, 5)))
    return found


def dense_layers() -> list[Graph]:
    rng = np.random.default_rng(21)
    return [
        single(Dense(CLAMPS[i % 4]), [float32(rows, 9), noise(rng, i, 9), noise(rng, i)], F)
        for rows in (1, 2)
        for i in (1, 3, 4, 7, 8, 12, 17)
    ]


@pytest.mark.parametrize("tool", BOTH)
def test_on_the_host(tool: str) -> None:
    for case in compile_all(convolutions() + dense_layers(), tool):
        case.check_samples()


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("tool", BOTH)
def test_on_cores(core: str, tool: str) -> None:
    """With registers for single numbers, and without vectors or with vectors of integers only."""
    check(merged(convolutions()[::4] + dense_layers()[::3]), PORTABLE, core, tool, count=2)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=3, deadline=None)
def test_random_layers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cases = []
    for _, (size, kernel, window) in zip(range(16), windows(rng), strict=False):
        groups = int(rng.integers(1, 7))
        channels, filters = (groups * int(n) for n in rng.integers(1, (3, 9)))
        cases.append(convolution(rng, size, kernel, window, (groups, channels, filters)))
    for case in compile_all(cases):
        case.check_samples(seed)


def test_weights_and_samples_known_at_run_time() -> None:
    """No packing then: every filter is one that is left over. Two samples take the kernel twice."""
    rng = np.random.default_rng(22)
    inputs = [float32(2, 5, 6, 4), float32(9, 3, 3, 4), float32(9)]
    shared: list[TensorType | Array] = [float32(2, 5, 6, 4), noise(rng, 9, 3, 3, 4), noise(rng, 9)]
    dense = single(Dense(), [float32(2, 7), float32(5, 7), float32(5)], F)
    cases = [single(Conv2D(SAME), inputs, F), single(Conv2D(SAME), shared, F), dense]
    for case in compile_all(cases):
        case.check([rng.normal(0, 1, v.type.shape).astype(np.float32) for v in case.graph.inputs])


def test_packing_keeps_every_weight() -> None:
    filters = np.arange(14, dtype=np.float32).reshape(7, 2)
    wanted = [0, 2, 4, 6, 1, 3, 5, 7, 8, 9, 10, 11, 12, 13]
    assert by_fours(filters).tolist() == wanted
    halves = by_fours(np.arange(20, dtype=np.float32).reshape(10, 2), groups=2)
    assert halves[8:10].tolist() == [8, 9]
    assert halves[10:14].tolist() == [10, 12, 14, 16]


@given(
    st.integers(1, 12), st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(1, 2)
)
def test_fours_lie_inside(size: int, kernel: int, stride: int, pad: int, dilation: int) -> None:
    """Windows of a four lie wholly inside the input, and the pieces are the whole row."""
    reach = (kernel - 1) * dilation + 1
    width = max((size + 2 * pad - reach) // stride + 1, 1)
    window = Window((1, stride), (0, pad, 0, pad), (1, dilation))
    pieces = pieces_of(size, width, kernel, window)
    ends = [*pieces.starts[1:], width]
    assert pieces.starts[0] == 0
    assert {end - start for start, end in zip(pieces.starts, ends, strict=True)} <= {1, 4}
    for start, end in zip(pieces.starts, ends, strict=True):
        if end - start == 4:
            assert start * stride >= pad
            assert (end - 1) * stride - pad + reach <= size

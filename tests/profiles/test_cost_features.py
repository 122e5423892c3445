"""Features of kernels: geometry against counting by hand, and one entry for every kernel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.c import kernels
from edgekit.ir.ops import OPS
from profiles.cost.call import CALLS
from profiles.cost.features import FEATURES
from profiles.cost.fit import grid_call
from profiles.cost.grid import float_points, integer_points
from profiles.cost.windows import WindowKey


@st.composite
def windows(draw: st.DrawFn) -> WindowKey:
    small = st.integers(1, 5)
    axes = []
    for _ in range(2):
        size, kernel, dilation = draw(st.integers(1, 9)), draw(small), draw(st.integers(1, 2))
        stride, before, after = draw(st.integers(1, 3)), draw(st.integers(0, 4)), draw(small)
        reach = (kernel - 1) * dilation + 1
        count = max((size + before + after - reach) // stride + 1, 1)
        axes.append((size, count, kernel, stride, before, dilation))
    (h, oh, kh, sh, ph, dh), (w, ow, kw, sw, pw, dw) = axes
    return WindowKey(h, w, 3, oh, ow, 3, kh, kw, sh, sw, ph, pw, dh, dw, 1)


def inside(count: int, kernel: int, stride: int, pad: int, dilation: int, size: int) -> list[int]:
    """Taps inside the input for each output position of one axis."""
    return [
        sum(0 <= o * stride - pad + k * dilation < size for k in range(kernel))
        for o in range(count)
    ]


@given(windows())
def test_geometry_by_counting(w: WindowKey) -> None:
    rows, columns = inside(*w.rows), inside(*w.columns)
    assert w.inside == sum(rows) * sum(columns)
    whole_columns = sum(n == w.kernel_w for n in columns)
    assert w.interior == sum(n == w.kernel_h for n in rows) * whole_columns
    assert w.whole_rows == (sum(rows) * whole_columns if w.dilation_w == 1 else 0)


@given(windows(), st.sampled_from([1, 2, 4, 8, 16]))
def test_no_feature_is_negative(w: WindowKey, unroll: int) -> None:
    for kernel in ("conv2d_s8", "depthwise_s8", "conv2d_f32", "depthwise_f32", "max_pool_s8"):
        assert min(FEATURES[kernel](w, unroll).values()) >= 0, kernel


def test_every_cost_has_a_kernel_and_shapes() -> None:
    """Kernels without a cost exist too: `inspect` calls their instructions unknown."""
    files = {n.removeprefix("ek_").removesuffix(".c") for n in kernels.locate() if n.endswith(".c")}
    assert set(FEATURES) <= files, "a cost without a kernel"
    counted = {grid_call(p).kernel for p in integer_points() + float_points()}
    assert counted == set(FEATURES)


def test_every_operator_of_the_list_exists() -> None:
    assert {op.__name__ for op in CALLS} <= set(OPS)


@pytest.mark.parametrize("points", [integer_points(), float_points()], ids=["int8", "float32"])
def test_no_shape_is_counted_twice(points: list[object]) -> None:
    assert len(points) == len(set(points))

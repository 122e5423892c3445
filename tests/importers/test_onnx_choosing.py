"""Operators that move, choose, combine and rank elements, in every form of their attributes,
against ONNX Runtime: as imported, canonical and in NHWC."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.onnx_models import IMAGE, assert_all_stages, ints, noise, onnx_model, save

LONG = np.iinfo(np.int64)
CONV = "h = Conv<pads=[1,1,1,1]>(x, w)"
INDEX = {"i": ints([3, -1, 0])}

CASES: list[tuple[str, int, dict[str, Any]]] = [
    ("y = Slice<starts=[1,-3], ends=[2,-1], axes=[1,2]>(x)", 9, {}),
    ("y = Slice(x, s, e, a, t)", 13,
     {"s": ints([-1, 0]), "e": ints([LONG.min, 99]), "a": ints([-1, 2]), "t": ints([-2, 4])}),
    (f"{CONV} y = Slice(h, s, e)", 13, {"s": ints([0, 1]), "e": ints([1, 2])}),
    ("y, z = Split<axis=3>(x)", 13, {}),
    ("y, z = Split<axis=2, split=[2,4]>(x)", 11, {}),
    ("z, y = Split<axis=2>(x, p)", 13, {"p": ints([5, 1])}),
    ("z, u, y = Split<axis=3, num_outputs=3>(x)", 18, {}),
    ("m = ReduceMax<axes=[1,3]>(x) y = Expand(m, s)", 13, {"s": ints([1, 2, 1, 4])}),
    ("y = Tile(x, r)", 13, {"r": ints([1, 2, 1, 3])}),
    ("y = Tile(x, r)", 13, {"r": ints([2, 2, 3, 2])}),
    ("y = Gather<axis=2>(x, i)", 13, INDEX),
    (f"{CONV} y = Gather<axis=-1>(h, i)", 13, INDEX),
    ("y = DepthToSpace<blocksize=2>(h) h = Concat<axis=1>(x, x)", 13, {}),
    ('h = Concat<axis=1>(x, x) y = DepthToSpace<blocksize=2, mode="CRD">(h)', 13, {}),
    ("y = SpaceToDepth<blocksize=3>(x)", 13, {}),
    ('y = Pad<mode="reflect", pads=[0,0,2,1,0,0,1,3]>(x)', 10, {}),
    ('y = Pad<mode="edge">(x, p)', 13, {"p": ints([0, 1, 2, 0, 0, 0, 1, 3])}),
    ('y = Pad<mode="wrap">(x, p)', 19, {"p": ints([0, 1, 2, 0, 0, 0, 1, 3])}),
    ("y = Pad(x, p, c)", 13, {"p": ints([0, 0, -2, 1, 0, 1, -1, -3]), "c": np.float32(0.5)}),
    ("y = Pad(x, p)", 13, {"p": ints([1, 0, 0, 0, 0, 0, 0, 2])}),
    ("y = Compress<axis=3>(x, c)", 13, {"c": np.array([True, False, True, True])}),
    ("y = Trilu<upper=0>(x, k)", 14, {"k": np.asarray(1, np.int64)}),
    ("y = ReverseSequence<time_axis=1, batch_axis=0>(x, i)", 13, {"i": ints([2])}),
    ("y = ReduceSum<keepdims=0>(x, a)", 13, {"a": ints([1, 3])}),
    ("y = ReduceSum<noop_with_empty_axes=1>(x)", 13, {}),
    (f"{CONV} y = ReduceMax<axes=[1], keepdims=0>(h)", 13, {}),
    (f"{CONV} h2 = ReduceMean<axes=[1,3], keepdims=0>(h) y = Relu(h2)", 13, {}),
    ("y = ReduceMin(x)", 13, {}),
    ("y = ReduceProd<axes=[0]>(x)", 13, {}),
    ("y = ReduceL1<axes=[-1]>(x)", 13, {}),
    ("y = ReduceL2(x, a)", 18, {"a": ints([2])}),
    ("y = ReduceSumSquare<axes=[0,1,2,3], keepdims=0>(x)", 13, {}),
    ("h = Exp(x) y = ReduceLogSum<axes=[2], keepdims=0>(h)", 13, {}),
    ("y = ReduceLogSumExp<axes=[2,3]>(x)", 13, {}),
    ("y = ReduceLogSumExp<axes=[2,3], keepdims=0>(x)", 13, {}),
    ("z, i = TopK<axis=2>(x, k) y = Identity(z)", 11, {"k": ints([3])}),
    ("z, i = TopK<axis=1, k=2>(x) y = Identity(z)", 9, {}),
    ("y = CumSum<exclusive=1, reverse=1>(x, a)", 14, {"a": np.asarray(-1, np.int64)}),
    ("y = Hardmax<axis=2>(x)", 13, {}),
    ("y = Hardmax<axis=1>(x)", 11, {}),
    ('y = Resize<mode="linear">(x, _, _, s)', 13, {"s": ints([1, 2, 9, 4])}),
    (f'{CONV} y = Resize<mode="cubic", exclude_outside=1>(h, _, s)', 13,
     {"s": np.array([1, 1, 1.5, 0.7], np.float32)}),
    (f'{CONV} y = Resize<mode="nearest", coordinate_transformation_mode="asymmetric", '
     'nearest_mode="floor">(h, _, s)', 13, {"s": np.array([1, 1, 2, 2], np.float32)}),
    ('y = Resize<mode="linear", antialias=1>(x, _, _, s)', 18, {"s": ints([1, 2, 3, 4])}),
    ('y = Upsample<mode="linear">(x, s)', 9, {"s": np.array([1, 1, 2, 3], np.float32)}),
    ("y = Resize(x, s)", 10, {"s": np.array([1, 1, 2, 0.5], np.float32)}),
    ("i = ArgMax<axis=3, keepdims=0>(x) y = Cast<to=1>(i)", 13, {}),
    ("i = ArgMin<axis=1>(x) d = Constant<value_int=2>() v = Constant<value_floats=[0.0, 3.0]>() "
     "y = OneHot(i, d, v)", 13, {}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "opset", "constants"), CASES, ids=[c[0] for c in CASES])
def test_forms(body: str, opset: int, constants: dict[str, Any], tmp_path: Path) -> None:
    if "w)" in body:
        constants = {**constants, "w": noise(3, 2, 3, 3, seed=1)}
    path = save(onnx_model(body, IMAGE, opset=opset, **constants), tmp_path)
    assert_all_stages(path, {"x": noise(1, 2, 6, 6)})

"""Kernels that move, choose, combine and rank elements against the reference, in every type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.ir import DType, Graph, TensorType
from edgekit.ir.ops import (
    ArgReduce,
    Cumulate,
    Expand,
    Gather,
    GatherElements,
    GatherND,
    GridSample,
    Mean,
    NonMaxSuppression,
    Pad,
    QResizeBilinear,
    Reduce,
    Resample,
    ScatterElements,
    ScatterND,
    Slice,
    TopK,
    Transpose,
)
from edgekit.ir.ops.indexing import REDUCTIONS
from edgekit.ir.ops.reducing import REDUCE
from edgekit.ir.ops.sampling import PADDINGS, TAPS
from tests.codegen.batch import Compiled, compile_all, samples
from tests.codegen.graphs import single

EVERY = tuple(DType)
SIZES = (DType.INT8, DType.UINT16, DType.FLOAT32, DType.FLOAT64)
"""One type of each size: what only moves elements knows no more of them."""
NUMBERS = tuple(d for d in DType if d is not DType.BOOL)
INDEX = (DType.INT32, DType.INT64)


def check(cases: list[Graph], ranges: dict[DType, tuple[int, int]] | None = None) -> None:
    """Compile all and compare; integers of a type in ``ranges`` are drawn from there."""
    for case in compile_all(cases):
        _check(case, ranges or {})


def _check(case: Compiled, ranges: dict[DType, tuple[int, int]]) -> None:
    rng = np.random.default_rng(3)
    arrays: list[NDArray[Any]] = []
    for value in case.graph.inputs:
        x = samples(rng, value.type, 3)
        if value.type.dtype in ranges:
            x = rng.integers(*ranges[value.type.dtype], x.shape, value.type.dtype.numpy)
        arrays.append(x)
    case.check(arrays)


def test_strided_copies() -> None:
    check([case for dtype in SIZES for case in strided_copies(dtype)])


def strided_copies(dtype: DType) -> list[Graph]:
    cases = []
    for shape, starts, sizes, steps in (
        ((2, 5, 3), (0, 1, 0), (2, 2, 3), (1, 2, 1)),
        ((2, 5, 3), (1, 4, 2), (2, 5, 3), (-1, -1, -1)),
        ((2, 5, 3), (0, 4, 1), (1, 2, 1), (1, -3, 1)),
        ((6,), (5,), (6,), (-1,)),
        ((2, 3, 2, 3, 2, 2), (0, 2, 0, 2, 0, 1), (2, 2, 2, 2, 2, 2), (1, -1, 1, -2, 1, -1)),
    ):
        cases.append(single(Slice(starts, sizes, steps), [TensorType(shape, dtype)], None))
    for source, target in (((1, 3, 1), (4, 3, 2)), ((3,), (2, 2, 3)), ((1,), (2, 3)), ((2,), (2,))):
        cases.append(single(Expand(target), [TensorType(source, dtype)], None))
    cases.append(single(Transpose((2, 0, 1)), [TensorType((2, 3, 4), dtype)], None))
    return cases


def test_padding_with_a_number_that_is_computed() -> None:
    pad = Pad((0, 1, 0, 2, 0), (0, 2, 0, 0, 0))
    check([
        single(pad, [TensorType((1, 2, 3, 2, 2), dtype), TensorType((1,), dtype)], None)
        for dtype in SIZES
    ])  # fmt: skip


@pytest.mark.parametrize("index", INDEX)
def test_gathers(index: DType) -> None:
    check([case for dtype in SIZES for case in gathers(dtype, index)], {index: (-9, 9)})


def gathers(dtype: DType, index: DType) -> list[Graph]:
    x = TensorType((3, 4, 5), dtype)
    cases = []
    for axis in range(3):
        for indices in ((), (4,), (2, 3)):
            cases.append(single(Gather(axis), [x, np.full(indices, -2, index.numpy)], None))
        cases.append(single(Gather(axis), [x, TensorType((2, 3), index)], None))
        chosen = [x, TensorType((3, 2, 7) if axis == 2 else (3, 2, 5), index)]
        cases.append(single(GatherElements(axis), chosen, None))
    for depth in (1, 2, 3):
        cases.append(single(GatherND(), [x, TensorType((4, 2, depth), index)], None))
    cases.append(single(GatherND(1), [x, TensorType((3, 2, 2), index)], None))
    cases.append(single(GatherND(2), [x, TensorType((3, 4, 1), index)], None))
    return cases


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_scatters(reduction: str) -> None:
    for index in INDEX:
        kinds = [d for d in NUMBERS if (d is DType.INT64) == (index is DType.INT32)]
        cases = [case for dtype in kinds for case in scatters(dtype, index, reduction)]
        check(cases, {index: (-5, 5)})


def scatters(dtype: DType, index: DType, reduction: str) -> list[Graph]:
    x = TensorType((3, 4, 5), dtype)
    cases = []
    for axis in (0, 2):
        inner = TensorType((2, 3, 4), index), TensorType((2, 3, 4), dtype)
        cases.append(single(ScatterElements(axis, reduction), [x, *inner], None))
    for depth, rest in ((1, (4, 5)), (3, ())):
        pair = TensorType((4, depth), index), TensorType((4, *rest), dtype)
        cases.append(single(ScatterND(reduction), [x, *pair], None))
    return cases


def test_scattering_into_itself_and_truth_values() -> None:
    x = TensorType((2, 3), DType.BOOL)
    pair = TensorType((2, 2), DType.INT32), TensorType((2, 2), DType.BOOL)
    check([single(ScatterElements(1), [x, *pair], None)], {DType.INT32: (-3, 3)})


AXES = [(1,), (0, 2), (0, 1, 2), (2,)]


@pytest.mark.parametrize("function", REDUCE)
def test_reductions(function: str) -> None:
    kinds = EVERY if function in ("max", "min") else NUMBERS
    check([
        single(Reduce(function, axes, len(axes) == 1), [TensorType((3, 4, 5), dtype)], None)
        for dtype in kinds for axes in AXES
    ])  # fmt: skip


def test_means_over_axes_that_are_no_neighbours() -> None:
    x = TensorType((2, 3, 4, 5), DType.FLOAT32)
    check([single(Mean(axes, False), [x], None) for axes in ((0, 2), (1, 3), (0, 3), (2,))])


def test_ranking() -> None:
    cases = [case for dtype in EVERY for case in rankings(dtype)]
    check(cases, {d: (0, 4) for d in NUMBERS if d.is_integer})  # many are equal


def rankings(dtype: DType) -> list[Graph]:
    x = TensorType((3, 6, 2), dtype)
    cases = []
    for axis in range(3):
        for largest in (False, True):
            for last in (False, True):
                to = INDEX[int(last)]
                cases.append(single(ArgReduce(axis, largest, last, last, to), [x], None))
            for k in {1, x.shape[axis]}:
                cases.append(single(TopK(k, axis, largest), [x], None))
    return cases


@pytest.mark.parametrize("function", ["sum", "prod"])
def test_running_values(function: str) -> None:
    check([
        single(Cumulate(function, axis, exclusive, reverse), [TensorType((3, 6, 2), dtype)], None)
        for dtype in NUMBERS
        for axis in range(3) for exclusive in (False, True) for reverse in (False, True)
    ])  # fmt: skip


def test_resampling() -> None:
    rng = np.random.default_rng(4)
    x = TensorType((2, 4, 5, 3), DType.FLOAT32)
    cases = []
    for axis in range(4):
        places = rng.integers(0, x.shape[axis], (7, 3), np.int32)
        weights = rng.normal(size=(7, 3)).astype(np.float32)
        cases.append(single(Resample(axis), [x, places, weights], None))
    for dtype in (DType.INT8, DType.INT16):
        for size in ((7, 5), (3, 13), (1, 1)):
            for align, half in ((False, False), (True, False), (False, True)):
                op = QResizeBilinear(size, align, half)
                cases.append(single(op, [TensorType((2, 4, 6, 3), dtype)], None))
    check(cases)


def test_grids() -> None:
    """Positions far outside as well; two and three axes, every mode and padding."""
    cases = []
    for mode in TAPS:
        for padding in PADDINGS:
            for align in (False, True):
                op = GridSample(mode, padding, align)
                for x, grid in (((2, 3, 4, 5), (2, 3, 2, 2)), ((1, 2, 3, 4, 2), (1, 2, 2, 2, 3))):
                    pair = [TensorType(shape, DType.FLOAT32) for shape in (x, grid)]
                    cases.append(single(op, pair, None))
    check(cases)


def test_boxes_without_the_weaker_ones() -> None:
    """Many equal scores, corners in any order, empty boxes."""
    rng = np.random.default_rng(6)
    cases, inputs = [], []
    for center in (False, True):
        for maximum in (1, 3, 20):
            op = NonMaxSuppression(maximum, center)
            ports = [TensorType(s, DType.FLOAT32) for s in ((2, 20, 4), (2, 3, 20), (1,), (1,))]
            cases.append(single(op, ports, None))
            boxes = rng.integers(0, 8, (4, 20, 4)).astype(np.float32)
            scores = rng.integers(0, 6, (4, 3, 20)).astype(np.float32)
            limits = np.array([0.3, 0.0], np.float32), np.array([1.0, -1.0], np.float32)
            inputs.append([boxes, scores, *limits])
    for case, arrays in zip(compile_all(cases), inputs, strict=True):
        case.check(arrays)

"""Operators that move, choose, combine and rank elements against LiteRT's reference kernels, in
float32, int8 and int32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from quantize.oracle import run_litert
from tests.differential.litert import run_ours
from tests.tflite_builder import RELU, O, T, build, const

SHAPE = (1, 4, 6, 2)
Fields = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Case:
    """One operator on a tensor of shape `SHAPE`.

    Attributes:
        kind: builtin name.
        outputs: shapes.
        constants: its further inputs (before the tensor where ``first`` says so).
        options, fields: the options' table.
        first: constants that come before the tensor.
        types: element types to try.
        result: element type of the outputs where it is not the input's.
    """

    kind: str
    outputs: tuple[tuple[int, ...], ...]
    constants: tuple[Any, ...] = ()
    options: str = ""
    fields: Fields = ()
    first: int = 0
    types: tuple[str, ...] = ("FLOAT32", "INT8", "INT32")
    result: str = ""
    last_result: str = ""


def mask(**fields: int) -> Fields:
    return tuple((f"{name}Mask", value) for name, value in fields.items())


ALL = ("FLOAT32", "INT8", "INT32")
REAL = ("FLOAT32", "INT8")
POSITIONS: Fields = (("outputType", 2),)
STRIDED = "StridedSliceOptions"
CASES = [
    Case("SLICE", ((1, 2, 6, 1),), ([0, 1, 0, 1], [1, 2, -1, 1]), "SliceOptions"),
    Case("STRIDED_SLICE", ((1, 2, 3, 2),), ([0, 1, 5, 0], [1, 3, -7, 2], [1, 1, -2, 1]), STRIDED),
    Case("STRIDED_SLICE", ((4, 3, 2),), ([0, 9, 1, 0], [1, 9, 4, 9], [1, 1, 1, 1]), STRIDED,
         mask(begin=2, end=10, shrinkAxis=1)),
    Case("STRIDED_SLICE", ((1, 4, 6),), ([0, -1], [0, 0], [1, 1]), STRIDED,
         mask(ellipsis=1, shrinkAxis=2)),
    Case("STRIDED_SLICE", ((1, 1, 2, 6, 2),), ([0, 0, 2], [1, 1, 4], [1, 1, 1]), STRIDED,
         mask(newAxis=1)),
    Case("SPLIT", ((1, 4, 3, 2), (1, 4, 3, 2)), (np.array(2),), "SplitOptions", (("numSplits", 2),),
         first=1),
    Case("SPLIT_V", ((1, 1, 6, 2), (1, 3, 6, 2)), ([1, 3], np.array(1)), "SplitVOptions",
         (("numSplits", 2),)),
    Case("UNPACK", ((1, 4, 6), (1, 4, 6)), (), "UnpackOptions", (("num", 2), ("axis", -1))),
    Case("TILE", ((1, 8, 6, 6),), ([1, 2, 1, 3],), "TileOptions"),
    Case("REVERSE_V2", (SHAPE,), ([1],), "ReverseV2Options"),
    Case("MIRROR_PAD", ((1, 7, 8, 2),), ([[0, 0], [1, 2], [2, 0], [0, 0]],), "MirrorPadOptions",
         (("mode", 0),), types=REAL),
    Case("MIRROR_PAD", ((1, 8, 8, 2),), ([[0, 0], [4, 0], [0, 2], [0, 0]],), "MirrorPadOptions",
         (("mode", 1),), types=REAL),
    Case("SPACE_TO_DEPTH", ((1, 2, 3, 8),), (), "SpaceToDepthOptions", (("blockSize", 2),)),
    Case("SPACE_TO_BATCH_ND", ((6, 2, 3, 2),), ([2, 3], [[0, 0], [1, 2]]),
         "SpaceToBatchNDOptions", types=ALL),
    Case("RESIZE_NEAREST_NEIGHBOR", ((1, 7, 4, 2),), ([7, 4],), "ResizeNearestNeighborOptions",
         (("alignCorners", True),), types=REAL),
    Case("RESIZE_NEAREST_NEIGHBOR", ((1, 3, 13, 2),), ([3, 13],), "ResizeNearestNeighborOptions",
         (("halfPixelCenters", True),), types=REAL),
    *[Case("RESIZE_BILINEAR", ((1, *size, 2),), (list(size),), "ResizeBilinearOptions", fields,
           types=REAL)
      for size in ((7, 5), (3, 13), (1, 1), (8, 12))
      for fields in ((), (("alignCorners", True),), (("halfPixelCenters", True),))],
    Case("GATHER", ((1, 4, 3, 2),), ([5, 0, 2],), "GatherOptions", (("axis", 2),)),
    Case("GATHER_ND", ((2, 2),), ([[0, 1, 2], [0, 3, 5]],), "GatherNdOptions"),
    Case("REVERSE_SEQUENCE", (SHAPE,), ([3],), "ReverseSequenceOptions", (("seqDim", 2),),
         types=("FLOAT32", "INT32")),
    Case("SUM", ((1, 6, 2),), ([1],), "ReducerOptions", types=("FLOAT32", "INT32")),
    Case("SUM", ((1, 1, 6, 1),), ([1, 3],), "ReducerOptions", (("keepDims", True),),
         types=("FLOAT32", "INT32")),
    Case("MEAN", ((1, 6),), ([1, 3],), "ReducerOptions", types=("FLOAT32", "INT8")),
    Case("REDUCE_MAX", ((1, 4, 2),), ([2],), "ReducerOptions"),
    Case("REDUCE_MIN", ((1, 1, 6, 1),), ([1, 3],), "ReducerOptions", (("keepDims", True),)),
    Case("REDUCE_PROD", ((1, 4, 6),), ([3],), "ReducerOptions", types=("FLOAT32", "INT32")),
    Case("ARG_MAX", ((1, 4, 2),), (np.array(2),), "ArgMaxOptions", POSITIONS, result="INT32"),
    Case("ARG_MIN", ((1, 4, 6),), (np.array(-1),), "ArgMinOptions", POSITIONS, result="INT32"),
    Case("TOPK_V2", ((1, 4, 6, 1), (1, 4, 6, 1)), (np.array(1),), "TopKV2Options",
         last_result="INT32"),
    Case("CUMSUM", (SHAPE,), (np.array(2),), "CumsumOptions", (("reverse", True),),
         types=("FLOAT32", "INT32")),
    Case("CUMSUM", (SHAPE,), (np.array(1),), "CumsumOptions", (("exclusive", True),),
         types=("FLOAT32", "INT32")),
    Case("BROADCAST_TO", ((2, 4, 6, 2),), ([2, 4, 6, 2],), "BroadcastToOptions"),
]  # fmt: skip


def tensor(name: str, shape: Sequence[int], dtype: str) -> T:
    """An activation; int8 ones are quantized."""
    if dtype == "INT8":
        return T(name, tuple(shape), dtype, (0.25,), (-7,))
    return T(name, tuple(shape), dtype)


def data(dtype: str, shape: Sequence[int], seed: int = 0) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    if dtype == "FLOAT32":
        return rng.normal(0, 4, shape).astype(np.float32)
    return rng.integers(-128, 128, shape, dtype=dtype.lower())


def model(case: Case, dtype: str) -> bytes:
    arrays = [np.asarray(c, np.int32) for c in case.constants]
    extra = [const(f"c{i}", a) for i, a in enumerate(arrays)]
    outputs = [
        tensor(f"y{i}", shape, (case.last_result if i else "") or case.result or dtype)
        for i, shape in enumerate(case.outputs)
    ]
    tensors = [*extra[: case.first], tensor("x", SHAPE, dtype), *extra[case.first :], *outputs]
    ins = tuple(range(len(extra) + 1))
    outs = tuple(range(len(ins), len(tensors)))
    operator = O(case.kind, ins, outs, case.options, case.fields)
    return build(tensors, [operator], (case.first,), outs)


def compare(model: bytes, inputs: list[NDArray[Any]]) -> None:
    """Integers are the same, real numbers nearly."""
    for ours, theirs in zip(run_ours(model, inputs), run_litert(model, inputs), strict=True):
        if theirs.dtype.kind == "f":
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("case", "dtype"),
    [pytest.param(c, d, id=f"{c.kind}-{i}-{d}") for i, c in enumerate(CASES) for d in c.types],
)
def test_operators(case: Case, dtype: str) -> None:
    compare(model(case, dtype), [data(dtype, SHAPE)])


def test_sums_of_int8_on_another_scale() -> None:
    """Against real arithmetic: LiteRT's reference kernel reads int8 as unsigned here."""
    x, y = tensor("x", SHAPE, "INT8"), T("y", (1, 6), "INT8", (3.7,), (5,))
    axes = const("axes", np.array([1, 3], np.int32))
    array = data("INT8", (50, *SHAPE[1:]))
    model = build([x, axes, y], [O("SUM", (0, 1), (2,), "ReducerOptions")])
    total = (array.astype(np.float64) + 7).sum((1, 3)) * 0.25 / float(np.float32(3.7)) + 5
    np.testing.assert_array_equal(run_ours(model, [array])[0], np.clip(np.rint(total), -128, 127))


def test_depth_to_space_and_batch_to_space() -> None:
    x, y = tensor("x", (1, 2, 3, 8), "INT8"), tensor("y", (1, 4, 6, 2), "INT8")
    operator = O("DEPTH_TO_SPACE", (0,), (1,), "DepthToSpaceOptions", (("blockSize", 2),))
    compare(build([x, y], [operator]), [data("INT8", x.shape)])
    x, y = tensor("x", (6, 2, 3, 2), "INT8"), tensor("y", (1, 3, 7, 2), "INT8")
    blocks = const("b", np.array([2, 3], np.int32))
    crops = const("c", np.array([[0, 1], [1, 1]], np.int32))
    operator = O("BATCH_TO_SPACE_ND", (0, 1, 2), (3,), "BatchToSpaceNDOptions")
    ours = run_ours(build([x, blocks, crops, y], [operator]), [data("INT8", x.shape)])
    whole = build([x, blocks, crops, y], [operator])
    theirs = run_litert(whole, [data("INT8", (1, *x.shape))])
    np.testing.assert_array_equal(ours[0], theirs[0])


def test_indices_computed_at_run_time() -> None:
    table, index = tensor("t", (5, 3), "FLOAT32"), T("i", (1, 4), "INT32")
    y = tensor("y", (1, 4, 3), "FLOAT32")
    model = build([table, index, y], [O("GATHER", (0, 1), (2,), "GatherOptions")], (0, 1))
    rows = np.array([[4, 0, 2, 2]], np.int32)
    found = run_ours(model, [data("FLOAT32", (5, 3)), rows])
    np.testing.assert_array_equal(found[0], data("FLOAT32", (5, 3))[rows])


def test_one_hot_pack_and_scatter() -> None:
    i, y = T("i", (1, 3), "INT32"), T("y", (1, 3, 4), "FLOAT32")
    depth, on, off = (const(n, np.array(v, k)) for n, v, k in (
        ("d", 4, np.int32), ("on", 2.5, np.float32), ("off", -1.0, np.float32)))  # fmt: skip
    operator = O("ONE_HOT", (0, 1, 2, 3), (4,), "OneHotOptions", (("axis", -1),))
    compare(build([i, depth, on, off, y], [operator]), [np.array([[3, 0, 7]], np.int32)])
    x, y = tensor("x", (1, 3), "INT8"), tensor("y", (1, 2, 3), "INT8")
    operator = O("PACK", (0, 0), (1,), "PackOptions", (("valuesCount", 2), ("axis", 1)))
    compare(build([x, y], [operator]), [data("INT8", (1, 3))])
    u, y = tensor("u", (1, 2), "FLOAT32"), tensor("y", (4, 2), "FLOAT32")
    places, shape = const("i", np.array([[2]], np.int32)), const("s", np.array([4, 2], np.int32))
    operator = O("SCATTER_ND", (1, 0, 2), (3,), "ScatterNdOptions")
    compare(build([u, places, shape, y], [operator]), [data("FLOAT32", (1, 2))])


@pytest.mark.parametrize("kind", ["REDUCE_ANY", "REDUCE_ALL"])
def test_truth_values(kind: str) -> None:
    x, y = T("x", (1, 5, 3), "BOOL"), T("y", (1, 3), "BOOL")
    axes = const("axes", np.array([1], np.int32))
    model = build([x, axes, y], [O(kind, (0, 1), (2,), "ReducerOptions")])
    compare(model, [np.random.default_rng(1).random((8, 5, 3)) < 0.7])


def test_padding_with_another_number() -> None:
    x, y = tensor("x", SHAPE, "INT8"), tensor("y", (1, 6, 6, 3), "INT8")
    sides = const("p", np.array([[0, 0], [2, 0], [0, 0], [0, 1]], np.int32))
    fill = const("f", np.array(55, np.int8), scale=(0.25,), zero=(-7,))
    model = build([x, sides, fill, y], [O("PADV2", (0, 1, 2), (3,), "PadV2Options")])
    compare(model, [data("INT8", SHAPE)])


def test_shapes_computed_from_shapes_are_constants() -> None:
    x, y = tensor("x", SHAPE, "FLOAT32"), tensor("y", (1, 48), "FLOAT32")
    tensors = [
        x, T("s", (4,), "INT32"), const("b", np.array([0], np.int32)),
        const("e", np.array([1], np.int32)), T("n", (), "INT32"),
        const("m", np.array(48, np.int32)), T("p", (2,), "INT32"), y,
    ]  # fmt: skip
    operators = [
        O("SHAPE", (0,), (1,), "ShapeOptions", (("outType", 2),)),
        O("STRIDED_SLICE", (1, 2, 3, 3), (4,), STRIDED, mask(shrinkAxis=1)),
        O("PACK", (4, 5), (6,), "PackOptions", (("valuesCount", 2),)),
        O("RESHAPE", (0, 6), (7,), "ReshapeOptions"),
    ]
    compare(build(tensors, operators), [data("FLOAT32", SHAPE)])


def test_joined_tensors_with_an_activation() -> None:
    x, y = tensor("x", (1, 4), "FLOAT32"), tensor("y", (1, 8), "FLOAT32")
    fields: Fields = (("axis", 1), ("fusedActivationFunction", RELU))
    model = build([x, y], [O("CONCATENATION", (0, 0), (1,), "ConcatenationOptions", fields)])
    found = run_ours(model, [data("FLOAT32", (1, 4))])
    twice = np.concatenate([data("FLOAT32", (1, 4))] * 2, 1)
    np.testing.assert_array_equal(found[0], np.maximum(twice, 0))

"""Kernels that move elements, for one-byte and four-byte elements."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.ir import DType, Graph, TensorType
from edgekit.ir.ops import Concat, Pad, Reshape, Transpose
from tests.codegen.batch import compile_all
from tests.codegen.graphs import int8, single

KINDS = (DType.INT8, DType.FLOAT32)


@pytest.mark.parametrize("dtype", KINDS)
def test_transposes(dtype: DType) -> None:
    shapes = ((1, 5), (1, 2, 3), (1, 2, 3, 4), (1, 1, 3, 1), (1, 2, 3, 2, 2))
    cases = []
    for shape in shapes:
        for rest in itertools.permutations(range(1, len(shape))):
            cases.append(single(Transpose((0, *rest)), [TensorType(shape, dtype)], dtype))
    cases.append(
        single(Transpose((0, 5, 3, 1, 2, 4)), [TensorType((1, 2, 3, 1, 2, 3), dtype)], dtype)
    )
    for case in compile_all(cases):
        case.check_samples()


@pytest.mark.parametrize("dtype", KINDS)
def test_pads(dtype: DType) -> None:
    rng = np.random.default_rng(1)
    cases = []
    for shape in ((1, 1), (1, 5), (1, 2, 3), (1, 2, 3, 4), (1, 1, 1, 1)):
        for _ in range(8):
            before, after = rng.integers(0, 3, (2, len(shape)))
            before[0] = after[0] = 0
            value = float(rng.integers(-128, 128))
            op = Pad(tuple(map(int, before)), tuple(map(int, after)), value)
            cases.append(single(op, [TensorType(shape, dtype)], dtype))
    for case in compile_all(cases):
        case.check_samples()


@pytest.mark.parametrize("dtype", KINDS)
def test_concatenations(dtype: DType) -> None:
    rng = np.random.default_rng(2)
    cases = []
    for axis in (1, 2, 3):
        for widths in ((1, 1), (1, 2, 3), (4,), (2, 2)):
            shapes = []
            for width in widths:
                shape = [1, 2, 3, 2]
                shape[axis] = width
                shapes.append(TensorType(tuple(shape), dtype))
            constant = rng.integers(-9, 9, shapes[0].shape).astype(dtype.numpy)
            cases.append(single(Concat(axis), shapes, dtype))
            cases.append(single(Concat(axis), [*shapes, constant], dtype))
    for case in compile_all(cases):
        case.check_samples()


def test_concatenation_of_a_value_with_itself() -> None:
    graph = Graph("twice")
    x = graph.add_input("x", int8(1, 3))
    graph.outputs = [graph.add_node(Concat(1), [x, x], int8(1, 6)).output]
    (case,) = compile_all([graph])
    case.check_samples()


def test_reshapes_are_free() -> None:
    """A reshape, also of an input or into an output, is another name for the same bytes."""
    graph = Graph("reshape")
    x = graph.add_input("x", int8(1, 2, 6))
    flat = graph.add_node(Reshape((1, 12)), [x], int8(1, 12)).output
    turned = graph.add_node(Transpose((0, 1)), [flat], int8(1, 12)).output
    last = graph.add_node(Reshape((1, 4, 3)), [turned], int8(1, 4, 3)).output
    graph.outputs = [last, flat]
    (case,) = compile_all([graph])
    assert [s.op for s in case.manifest.steps] == ["Transpose"]
    case.check_samples()


def test_an_input_that_is_an_output() -> None:
    graph = Graph("through")
    x = graph.add_input("x", int8(1, 4))
    y = graph.add_node(Transpose((0, 1)), [x], int8(1, 4)).output
    graph.outputs = [x, y, y]
    (case,) = compile_all([graph])
    case.check_samples()


@pytest.mark.parametrize(
    ("op", "shape"),
    [(Pad((0,) * 5, (1,) * 5), (1,) * 5), (Transpose((0, 1, 2, 3, 4, 6, 5)), (1,) * 7)],
)
def test_too_many_axes_are_refused_by_name(op: Pad | Transpose, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"too many axes(.|\n)*" + op.name.lower()):
        compile_all([single(op, [TensorType(shape, DType.INT8)])])

"""Matrix products, softmax and log-softmax of every form, against ONNX Runtime and in C."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.errors import ModelError
from edgekit.importers.onnx import load_onnx
from tests.importers.layers import Layer, check_layers
from tests.onnx_models import noise, operators

PRODUCTS = [
    Layer("y = MatMul(a, b)", "float[3,4] a, float[4,5] b"),
    Layer("y = MatMul(a, b)", "float[2,3,4] a, float[2,4,5] b"),
    Layer("y = MatMul(a, b)", "float[2,1,3,4] a, float[3,4,5] b"),
    Layer("y = MatMul(a, b)", "float[2,1,3,4] a, float[1,3,4,5] b"),
    Layer("y = MatMul(a, b)", "float[4] a, float[4] b"),
    Layer("y = MatMul(a, b)", "float[4] a, float[2,4,5] b"),
    Layer("y = MatMul(a, b)", "float[2,3,4] a, float[4] b"),
    Layer("y = MatMul(a, b)", "float[2,3,4] a", {"b": noise(4, 5)}),
    Layer("y = MatMul(a, b)", "float[2,3,4] a", {"b": noise(2, 4, 5)}),
    Layer("y = MatMul(b, a)", "float[4,2] a", {"b": noise(3, 4)}),
    Layer("y = MatMul(a, b)", "double[2,3,4] a, double[2,4,5] b", outputs="double[] y"),
    Layer("y = MatMul(a, b)", "int32[2,3,4] a, int32[4,5] b", outputs="int32[] y"),
    Layer("y = Gemm<transA=1>(a, b)", "float[4,3] a, float[4,5] b"),
    Layer("y = Gemm<transB=1, alpha=0.5, beta=2.0>(a, b, c)",
          "float[3,4] a, float[5,4] b, float[3,1] c"),
    Layer("y = Gemm<transA=1, transB=1, beta=0.5>(a, b, c)",
          "float[4,3] a, float[5,4] b, float c"),
    Layer("y = Det(a)", "float[3,4,4] a"),
    Layer("y = Gemm(a, b, c)", "float[3,4] a, float[4,5] b, float[5] c"),
]  # fmt: skip

EQUATIONS: list[tuple[str, dict[str, tuple[int, ...]]]] = [
    ("ij->ji", {"a": (3, 4)}),
    ("ij->i", {"a": (3, 4)}),
    ("...ii->...i", {"a": (2, 3, 3)}),
    ("ii", {"a": (3, 3)}),
    ("i,i", {"a": (5,), "b": (5,)}),
    ("ij,jk", {"a": (3, 4), "b": (4, 5)}),
    ("bij,bjk->bik", {"a": (2, 3, 4), "b": (2, 4, 5)}),
    ("bhqd,bhkd->bhqk", {"a": (1, 2, 3, 4), "b": (1, 2, 5, 4)}),
    ("bqhd,bkhd->bhqk", {"a": (2, 3, 2, 4), "b": (2, 5, 2, 4)}),
    ("...ij,...jk->...ki", {"a": (2, 3, 4), "b": (2, 4, 5)}),
    ("i,j->ij", {"a": (3,), "b": (4,)}),
    ("ij,ij->ij", {"a": (3, 4), "b": (3, 4)}),
    ("ijk,k->ij", {"a": (2, 3, 4), "b": (4,)}),
    ("ij,jk,kl->il", {"a": (2, 3), "b": (3, 4), "c": (4, 2)}),
    ("abc,cd->d", {"a": (2, 3, 4), "b": (4, 5)}),
]
SUMS = [
    Layer(
        f'y = Einsum<equation="{equation}">({", ".join(names)})',
        ", ".join(f"float{list(shape)} {name}" for name, shape in names.items()),
    )
    for equation, names in EQUATIONS
]

ROWS = [
    Layer("y = Softmax<axis=0>(x)", "float[3,4,5] x"),
    Layer("y = Softmax<axis=1>(x)", "float[3,4,5] x"),
    Layer("y = Softmax(x)", "float[7] x"),
    Layer("y = Softmax<axis=1>(x)", "float[3,4,5] x", opset=11),
    Layer("y = Softmax<axis=0>(x)", "float[3,4,5] x", opset=11),
    Layer("y = LogSoftmax<axis=0>(x)", "float[3,4,5] x"),
    Layer("y = LogSoftmax<axis=-2>(x)", "float[3,4,5] x"),
    Layer("y = LogSoftmax(x)", "float[3,4] x"),
    Layer("y = LogSoftmax<axis=1>(x)", "float[3,4,5] x", opset=11),
    Layer("h = Conv(x, w) y = LogSoftmax<axis=1>(h)", "float[1,2,4,4] x", {"w": noise(3, 2, 2, 2)}),
]  # fmt: skip


@pytest.mark.parametrize("layers", [PRODUCTS, SUMS, ROWS], ids=["products", "sums", "rows"])
def test_layers(layers: list[Layer], tmp_path: Path) -> None:
    check_layers(layers, tmp_path)


def test_a_stack_by_one_matrix_is_one_dense_layer(tmp_path: Path) -> None:
    layer = Layer("y = MatMul(a, b)", "float[2,3,4] a", {"b": noise(4, 5)})
    (graph,) = check_layers([layer], tmp_path)
    assert operators(graph) == ["Reshape", "Dense", "Reshape"]


def test_shapes_that_cannot_be_multiplied_are_named(tmp_path: Path) -> None:
    path, _ = Layer("y = MatMul(a, b)", "float[2,3,4] a, float[3,4,5] b").build(tmp_path)
    with pytest.raises(ModelError) as caught:
        load_onnx(path)
    assert "(2, 3, 4)" in str(caught.value) or "broadcast" in str(caught.value)


@pytest.mark.parametrize(
    ("equation", "expected"),
    [("ij,jk->ik", "axis 'j' has sizes 3 and 4"), ("ij,kl->iim", "result"), ("i,jk", "'i'")],
)
def test_equations_that_do_not_fit(equation: str, expected: str, tmp_path: Path) -> None:
    layer = Layer(f'y = Einsum<equation="{equation}">(a, b)', "float[2,3] a, float[4,5] b")
    with pytest.raises(ModelError) as caught:
        load_onnx(layer.build(tmp_path)[0])
    assert expected in str(caught.value)

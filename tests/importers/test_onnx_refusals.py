"""Models that are refused: every problem is named and nothing but ModelError comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.importers.onnx import load_onnx
from tests.onnx_models import IMAGE, ints, noise, onnx_model, save

W = noise(4, 2, 3, 3)


def refusal(model: Any, folder: Path) -> str:
    """The message with which the model is refused."""
    with pytest.raises(ModelError) as caught:
        load_onnx(save(model, folder))
    return str(caught.value)


def test_every_unsupported_operator_is_listed_with_its_node(tmp_path: Path) -> None:
    text = refusal(onnx_model("a = Bernoulli(x) b = Relu(a) y = RandomNormalLike(b)"), tmp_path)
    assert "operator 'Bernoulli'" in text
    assert "operator 'RandomNormalLike'" in text
    assert "node 'a'" in text
    assert "node 'y'" in text
    assert text.count("docs/supported-operators.md") == 2, "where it stands what is supported"
    assert len(text) < 400, "the problems are not lost in a long list"


def test_foreign_domain_is_named(tmp_path: Path) -> None:
    model = onnx_model("y = Relu(x)")
    model.graph.node[0].domain = "com.example"
    assert "com.example" in refusal(model, tmp_path)


def test_every_bad_initializer_is_named(tmp_path: Path) -> None:
    bad, worse = W.copy(), noise(4)
    bad[0, 0, 0, 0] = np.nan
    worse[1] = np.inf
    text = refusal(
        onnx_model("y = Conv(x, weight_1, bias_1)", weight_1=bad, bias_1=worse), tmp_path
    )
    assert "'weight_1'" in text
    assert "'bias_1'" in text
    assert "1 of 72" in text


def test_missing_initializer(tmp_path: Path) -> None:
    text = refusal(onnx_model("a = Conv(x, w1) y = Conv(a, w2)", w1=W), tmp_path)
    assert "reads 'w2'" in text


def test_wrong_ranks_and_shapes_are_all_reported(tmp_path: Path) -> None:
    body = "a = Conv(x, w) b = Conv(x, v) y = Concat<axis=1>(a, b)"
    text = refusal(onnx_model(body, w=noise(4, 3, 3, 3), v=noise(4, 2, 3)), tmp_path)
    assert "Conv 'a'" in text
    assert "2 input channels" in text
    assert "Conv 'b'" in text
    assert "rank 3" in text
    assert "Concat" not in text, "what follows from another problem is not one of its own"


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("float[n,2,h,6] x", "axis 2 ('h') is dynamic"),
        ("float16[n,2,6,6] x", "element type is not supported"),
    ],
)
def test_inputs_that_cannot_be(inputs: str, expected: str, tmp_path: Path) -> None:
    text = refusal(onnx_model("y = Relu(x)", inputs), tmp_path)
    assert expected in text
    assert "input 'x'" in text


@pytest.mark.parametrize(
    ("body", "opset", "expected"),
    [
        ("y = Relu<slope=0.5>(x)", 13, "slope"),
        ("y = Softmax<axis=4>(x)", 13, "axis 4"),
        ("y = Clip<min=2.0, max=1.0>(x)", 10, "greater than"),
        ('y = Pad<mode="mirror">(x, p)', 13, "reflect"),
        ("y = Reshape(x, x)", 13, "computed at run time"),
        ("y = Reshape(x, s)", 13, "cannot reshape"),
        ("y = Add(x, c)", 13, "do not broadcast"),
        ("y = Add(x, p)", 13, "its inputs of type T are float32 and int64"),
        ("y = MaxPool<kernel_shape=[9,9]>(x)", 13, "exceeds"),
        ("y = Conv<group=3>(x, w)", 13, "groups"),
        ("y = Conv<kernel_shape=[5,5]>(x, w)", 13, "kernel_shape"),
        ("y = Dropout(x, _, t)", 13, "training_mode"),
        ("a = Relu(b) b = Relu(a) y = Add(b, x)", 13, "cycle"),
        ("y = Relu(x) y = Relu(x)", 13, "produced twice"),
        ("z = Relu(x)", 13, "output 'y'"),
        ("y = Pad(x, huge)", 13, "elements"),
        ("y = Conv<pads=[9999999,0,0,0]>(x, w)", 13, "pads"),
        ("y = Clip(x, n, hi)", 13, "NaN"),
    ],
)
def test_operators_that_cannot_be(body: str, opset: int, expected: str, tmp_path: Path) -> None:
    constants = {
        "w": W, "hi": np.float32(1), "lo": np.float32(-1), "p": ints([0, 0, 1]),
        "s": ints([7, -1]), "c": noise(2), "t": np.bool_(True),
        "huge": ints([0, 0, 10**12, 0, 0, 0, 0, 0]),
        "n": np.float32(np.nan),
    }  # fmt: skip
    text = refusal(onnx_model(body, opset=opset, **constants), tmp_path)
    assert expected in text


def test_operator_set_too_old_or_missing(tmp_path: Path) -> None:
    assert "operator set 5" in refusal(onnx_model("y = Relu(x)", opset=5), tmp_path)
    model = onnx_model("y = Relu(x)")
    del model.opset_import[:]
    assert "operator set" in refusal(model, tmp_path)


def test_missing_file_and_foreign_content(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read"):
        load_onnx(tmp_path / "none.onnx")
    for content in (b"", b"PK\x03\x04", b"not a model at all" * 50):
        path = tmp_path / "foreign.onnx"
        path.write_bytes(content)
        with pytest.raises(ModelError):
            load_onnx(path)


def survives(content: bytes, path: Path) -> bool:
    """True where the content is imported; anything but a ModelError escapes."""
    path.write_bytes(content)
    try:
        load_onnx(path)
    except ModelError:
        return False
    return True


def test_truncated_anywhere(tmp_path: Path) -> None:
    body = "a = Conv<pads=[1,1,1,1]>(x, w) b = Relu(a) c = Flatten(b) y = Gemm(c, v)"
    content = onnx_model(body, w=W, v=noise(144, 3)).SerializeToString()
    assert survives(content, tmp_path / "m.onnx")
    accepted = [n for n in range(0, len(content), 7) if survives(content[:n], tmp_path / "m.onnx")]
    assert accepted == []


def test_damaged_bytes_never_give_another_error(tmp_path: Path) -> None:
    body = "a = Conv<pads=[1,1,1,1]>(x, w) b = Relu(a) c = Flatten(b) y = Gemm(c, v)"
    content = onnx_model(body, IMAGE, w=W, v=noise(144, 1)).SerializeToString()
    rng = np.random.default_rng(3)
    for _ in range(400):
        damaged = bytearray(content)
        for position in rng.integers(0, len(content), rng.integers(1, 4)):
            damaged[position] = rng.integers(0, 256)
        survives(bytes(damaged), tmp_path / "m.onnx")

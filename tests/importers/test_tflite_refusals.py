"""Models that are refused: every reason named, never a traceback or a hang."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.importers.tflite import load_tflite
from edgekit.passes.infra import run_passes
from quantize.lower import LowerInteger
from quantize.reference import evaluate
from tests.support import material
from tests.tflite_builder import O, T, build, const, q8

pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")


def refusal(model: bytes, folder: Path) -> str:
    path = folder / "model.tflite"
    path.write_bytes(model)
    with pytest.raises(ModelError) as caught:
        load_tflite(path)
    assert caught.value.exit_code == 3
    return str(caught.value)


def dense_model(weights: np.ndarray[tuple[int, ...], np.dtype[np.generic]], dtype: str) -> bytes:
    quant = {"scale": (0.1,)} if dtype == "INT8" else {}
    tensors = [
        T("x", (1, 2), dtype, **quant),  # type: ignore[arg-type]
        const("w", weights, scale=(0.1,) if weights.dtype == np.int8 else ()),
        T("y", (1, 3), dtype, **quant),  # type: ignore[arg-type]
    ]
    return build(tensors, [O("FULLY_CONNECTED", (0, 1, -1), (2,), "FullyConnectedOptions")])


def test_every_unsupported_operator_is_listed(tmp_path: Path) -> None:
    tensors = [q8(n, (1, 4), 0.1, 0) for n in ("x", "a", "b", "c")]
    operators = [
        O("COMPLEX_ABS", (0,), (1,)),
        O("RELU", (1,), (2,)),
        O("IMAG", (2,), (3,)),
    ]
    text = refusal(build(tensors, operators), tmp_path)
    assert "COMPLEX_ABS (operator 0, 'a'): this operator is not supported" in text
    assert "IMAG (operator 2, 'c'): this operator is not supported" in text
    assert "RELU" not in text


def test_nan_weights_are_named(tmp_path: Path) -> None:
    weights = np.array([[1, np.nan], [np.inf, 2], [3, 4]], np.float32)
    assert "constant 'w' holds 2 NaN or infinite values" in refusal(
        dense_model(weights, "FLOAT32"), tmp_path
    )


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        (T("x", (1, 4), "UINT8", (0.1,) * 4, (5,) * 4, 1), "not quantized per tensor"),
        (T("x", (1, 4), "INT4", (0.1,), (5,)), "element type INT4"),
        (T("x", (1, 4), "INT16", (0.1,), (3,)), "zero point 3"),
        (T("x", (1, 4), "INT8"), "not quantized per tensor"),
        (T("x", (1, 4), "INT8", (0.1,) * 4, (0,) * 4, 1), "not quantized per tensor"),
        (T("x", (1, 4), "INT8", (0.1,), (200,)), "zero point 200"),
        (T("x", (1, 4), "INT8", (0.0,), (0,)), "every scale must be finite"),
        (T("x", (1, 4), "INT8", (float("nan"),), (0,)), "every scale must be finite"),
        (T("x", (1, 0), "INT8", (0.1,), (0,)), "every dimension must be at least 1"),
        (T("x", (-1, 4), "INT8", (0.1,), (0,)), "every dimension must be at least 1"),
        (T("x", (2**16, 2**16), "INT8", (0.1,), (0,)), "every dimension must be at least 1"),
    ],
)
def test_inputs_that_are_refused(x: T, reason: str, tmp_path: Path) -> None:
    text = refusal(build([x, q8("y", (1, 4), 0.1, 0)], [O("RELU", (0,), (1,))]), tmp_path)
    assert reason in text
    assert "input 'x'" in text


def test_wrong_shapes_are_refused(tmp_path: Path) -> None:
    tensors = [q8("x", (1, 4), 0.1, 0), q8("y", (1, 5), 0.1, 0)]
    text = refusal(build(tensors, [O("RELU", (0,), (1,))]), tmp_path)
    assert "the inputs imply shape [1, 4], the file says [1, 5]" in text


def test_weights_of_the_wrong_length_are_refused(tmp_path: Path) -> None:
    bad = T("w", (3, 2), "INT8", (0.1,), (0,), data=np.ones((2, 2), np.int8))
    tensors = [q8("x", (1, 2), 0.1, 0), bad, q8("y", (1, 3), 0.1, 0)]
    op = O("FULLY_CONNECTED", (0, 1, -1), (2,), "FullyConnectedOptions")
    assert "holds 4 bytes" in refusal(build(tensors, [op]), tmp_path)


@pytest.mark.parametrize(
    ("operators", "outputs", "reason"),
    [
        ([O("RELU", (0,), (9,))], (1,), "tensor index 9 of 2"),
        ([O("RELU", (7,), (1,))], (1,), "tensor index 7 of 2"),
        ([O("RELU", (0,), (1,))], (5,), "tensor index 5 of 2"),
        ([O("RELU", (-1,), (1,))], (1,), "input 0 is missing"),
        ([O("RELU", (), (1,))], (1,), "input 0 is missing"),
        ([O("RELU", (1,), (1,))], (1,), "before it is produced"),
        ([O("RELU", (0,), (0,))], (1,), "something else writes too"),
        ([O("RELU", (0,), ())], (1,), "it writes nothing"),
        ([], (1,), "output 'y': is never produced"),
        ([O("SOFTMAX", (0,), (1,), "Conv2DOptions")], (1,), "SoftmaxOptions are missing"),
        ([O("MEAN", (0, 0), (1,), "ReducerOptions")], (1,), "the axes must be a constant"),
    ],
)
def test_bad_wiring(
    operators: list[O], outputs: tuple[int, ...], reason: str, tmp_path: Path
) -> None:
    tensors = [q8("x", (1, 4), 0.1, 0), q8("y", (1, 4), 0.1, 0)]
    assert reason in refusal(build(tensors, operators, (0,), outputs), tmp_path)


@pytest.mark.parametrize("kind", ["IF", "WHILE"])
def test_control_flow(kind: str, tmp_path: Path) -> None:
    tensors = [q8("x", (1, 4), 0.1, 0), q8("y", (1, 4), 0.1, 0)]
    model = build(tensors, [O(kind, (0,), (1,))], further=[(tensors, [O("RELU", (0,), (1,))])])
    assert "must not depend on data" in refusal(model, tmp_path)


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read"):
        load_tflite(tmp_path / "absent.tflite")
    with pytest.raises(ModelError, match="cannot read"):
        load_tflite(tmp_path)
    for content in (b"", b"TFL3", b"\x08\x00\x00\x00ONNX", b"\x00" * 100):
        assert "not a TFLite model" in refusal(content, tmp_path)
    assert "damaged" in refusal(b"\xff\xff\xff\x7fTFL3" + b"\xff" * 64, tmp_path)


def outcome(model: bytes, path: Path) -> str:
    """``imported`` (then it also runs) or ``refused``; anything else raises."""
    path.write_bytes(model)
    try:
        graph = run_passes(load_tflite(path), [LowerInteger()])
    except ModelError:
        return "refused"
    evaluate(graph, {v.name: np.zeros(v.type.shape, np.int8) for v in graph.inputs})
    return "imported"


def test_truncation_anywhere(tmp_path: Path) -> None:
    whole = (material() / "mlperf_tiny" / "models" / "kws_ref_model.tflite").read_bytes()
    for cut in [*range(8, 400, 8), *range(400, len(whole), 997)]:
        # Constants may follow the tables: a cut can only be noticed where something is missing.
        assert outcome(whole[:cut], tmp_path / "cut.tflite") == "refused", cut


def test_damaged_bytes_never_escape(tmp_path: Path) -> None:
    whole = (material() / "mlperf_tiny" / "models" / "kws_ref_model.tflite").read_bytes()
    rng = np.random.default_rng(1)
    start = time.monotonic()
    seen = {"imported": 0, "refused": 0}
    for _ in range(300):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 30)):
            damaged[place] = rng.integers(0, 256)
        # Tables lie at both ends of the file; the middle is weights.
        for place in rng.integers(0, 3000, 3):
            damaged[int(place)] = rng.integers(0, 256)
            damaged[-1 - int(place)] = rng.integers(0, 256)
        seen[outcome(bytes(damaged), tmp_path / "damaged.tflite")] += 1
    assert seen["refused"] > 30
    assert time.monotonic() - start < 60

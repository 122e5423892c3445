"""Bad models, data and targets through the real program: a clear message and nothing left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.importers import load_model
from tests.onnx_models import onnx_model
from tests.proofs.data import int8_model
from tests.proofs.program import edgekit, listing, refused, samples, save, small_model
from tests.tflite_builder import O, T, build, q8

TO_M4 = ("--target", "cortex-m4", "-o", "out")
FLOAT = (*TO_M4, "--precision", "float32")
INT8 = (*TO_M4, "--calibration", "calibration.npz")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9])
@pytest.mark.parametrize("name", ["model.onnx", "kws.tflite"])
def test_truncated_model(name: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / name
    data = original(name, tmp_path)
    path.write_bytes(data[: int(share * len(data))])
    assert name in refused(tmp_path, 3, "convert", name, *TO_M4)


def original(name: str, folder: Path) -> bytes:
    if name.endswith(".onnx"):
        return small_model(folder).read_bytes()
    return int8_model("kws_ref_model").read_bytes()


@pytest.mark.parametrize("name", ["model.onnx", "kws.tflite"])
def test_a_file_cut_anywhere_is_refused_or_means_the_same(name: str, tmp_path: Path) -> None:
    """The last bytes of a file can be mere padding; then nothing is lost."""
    path = tmp_path / name
    data = original(name, tmp_path)
    path.write_bytes(data)
    whole = str(load_model(path))
    size = len(data)
    lengths = [*range(0, 40), *range(0, size, size // 60 + 1), *range(size - 60, size)]
    refusals = 0
    for length in lengths:
        path.write_bytes(data[:length])
        try:
            assert str(load_model(path)) == whole, length
            assert size - length < 16
        except ModelError:
            refusals += 1
    assert refusals >= len(lengths) - 16


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "notes.onnx").write_text("this is not a model\n" * 50)
    assert "notes.onnx" in refused(tmp_path, 3, "convert", "notes.onnx", *FLOAT)
    assert "nowhere.onnx" in refused(tmp_path, 3, "convert", "nowhere.onnx", *FLOAT)
    (tmp_path / "folder.tflite").mkdir()
    assert "folder.tflite" in refused(tmp_path, 3, "convert", "folder.tflite", *FLOAT)


def test_every_unknown_operator_of_an_onnx_model_is_listed(tmp_path: Path) -> None:
    body = "a = NonZero(x) b = Relu(x) c = Unique(b) y = Multinomial(x)"
    model = onnx_model(body, "float[n,3,3] x", "float[] y")
    for node, name in zip(model.graph.node, ("first", "fine", "second", "third"), strict=True):
        node.name = name
    (tmp_path / "odd.onnx").write_bytes(model.SerializeToString())
    message = refused(tmp_path, 3, "convert", "odd.onnx", *FLOAT)
    for operator, name in (("NonZero", "first"), ("Unique", "second"), ("Multinomial", "third")):
        (line,) = (row for row in message.splitlines() if f"'{name}'" in row or name in row.split())
        assert operator in line
    assert "fine" not in message


def test_every_unknown_operator_of_a_tflite_model_is_listed(tmp_path: Path) -> None:
    tensors = [q8(name, (1, 4), 0.1, 0) for name in ("x", "first", "second")]
    operators = [O("SEGMENT_SUM", (0,), (1,)), O("MATRIX_DIAG", (1,), (2,))]
    (tmp_path / "odd.tflite").write_bytes(build(tensors, operators))
    message = refused(tmp_path, 3, "convert", "odd.tflite", *TO_M4)
    for operator, output in (("SEGMENT_SUM", "first"), ("MATRIX_DIAG", "second")):
        (line,) = (row for row in message.splitlines() if operator in row)
        assert output in line


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_weights_that_are_not_finite(number: float, tmp_path: Path) -> None:
    weights = np.ones((4, 2, 3, 3), np.float32)
    weights[1, 0, 2, 1] = number
    model = onnx_model("y = Conv(x, kernel)", kernel=weights)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    save(tmp_path / "calibration.npz", x=samples(4))
    for options in (FLOAT, INT8):
        assert "kernel" in refused(tmp_path, 3, "convert", "model.onnx", *options)


def test_scales_that_are_not_finite(tmp_path: Path) -> None:
    tensors = [q8("x", (1, 4), 0.1, 0), T("y", (1, 4), "INT8", (float("nan"),), (0,))]
    (tmp_path / "m.tflite").write_bytes(build(tensors, [O("RELU", (0,), (1,))]))
    assert "'y'" in refused(tmp_path, 3, "convert", "m.tflite", *TO_M4)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.zeros((5, 2, 6, 7), np.float32)}, ("'x'", "[5, 2, 6, 7]", "2, 6, 6")),
        ({"x": np.zeros((2, 6, 6), np.float32)}, ("'x'", "[2, 6, 6]")),
        ({"x": np.zeros((0, 2, 6, 6), np.float32)}, ("'x'",)),
        ({"image": np.zeros((3, 2, 6, 6), np.float32)}, ("'image'", "'x'")),
        ({"x": np.full((3, 2, 6, 6), np.nan, np.float32)}, ("NaN",)),
        ({"x": np.zeros((3, 2, 6, 6), np.complex64)}, ("complex64",)),
    ],
    ids=["shape", "no sample axis", "no samples", "name", "NaN", "type"],
)
def test_calibration_that_does_not_fit(
    arrays: dict[str, Any], words: tuple[str, ...], tmp_path: Path
) -> None:
    small_model(tmp_path)
    save(tmp_path / "calibration.npz", **arrays)
    message = refused(tmp_path, 3, "convert", "model.onnx", *INT8)
    for word in words:
        assert word in message


def test_calibration_that_is_no_npz(tmp_path: Path) -> None:
    small_model(tmp_path)
    (tmp_path / "calibration.npz").write_bytes(b"PK\x03\x04 and then nothing")
    assert "calibration.npz" in refused(tmp_path, 3, "convert", "model.onnx", *INT8)
    (tmp_path / "calibration.npz").unlink()
    assert "calibration.npz" in refused(tmp_path, 3, "convert", "model.onnx", *INT8)


def test_a_float_model_needs_a_decision(tmp_path: Path) -> None:
    small_model(tmp_path)
    message = refused(tmp_path, 2, "convert", "model.onnx", *TO_M4)
    assert "--calibration" in message
    assert "--precision float32" in message


def test_a_board_that_is_too_small(tmp_path: Path) -> None:
    """An image of 3 x 330 x 330 needs more RAM than a Raspberry Pi Pico has."""
    weights = np.ones((1, 3, 1, 1), np.float32)
    model = onnx_model("y = Conv<strides=[3,3]>(x, w)", "float[n,3,330,330] x", w=weights)
    (tmp_path / "large.onnx").write_bytes(model.SerializeToString())
    save(
        tmp_path / "calibration.npz",
        x=np.random.default_rng(0).random((2, 3, 330, 330), np.float32),
    )
    arguments = ("--target", "raspberry-pi-pico", "-o", "out", "--calibration", "calibration.npz")
    message = refused(tmp_path, 3, "convert", "large.onnx", *arguments)
    assert "does not fit" in message
    assert "270,336 bytes" in message  # what there is
    assert "nucleo-h743zi2" in message  # where it would fit
    fits = ("--target", "nucleo-h743zi2", "-o", "out", "--calibration", "calibration.npz")
    done = edgekit(tmp_path, "convert", "large.onnx", *fits, "--toolchain", "zig")
    assert done.returncode == 0, done.stderr


def test_an_existing_output(tmp_path: Path) -> None:
    small_model(tmp_path)
    command = ("convert", "model.onnx", *FLOAT, "--emulator", "none", "--toolchain", "zig")
    assert edgekit(tmp_path, *command).returncode == 0
    message = refused(tmp_path, 2, *command)
    assert "exists" in message
    assert "--force" in message
    (tmp_path / "out" / "model.c").write_text("int changed;\n")
    done = edgekit(tmp_path, *command, "--force")
    assert done.returncode == 0, done.stderr
    assert "int changed" not in (tmp_path / "out" / "model.c").read_text()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_failed_replacement_keeps_what_was_there(tmp_path: Path) -> None:
    small_model(tmp_path)
    command = ("convert", "model.onnx", *FLOAT, "--emulator", "none", "--toolchain", "zig")
    assert edgekit(tmp_path, *command).returncode == 0
    before = listing(tmp_path / "out")
    (tmp_path / "model.onnx").write_bytes(b"broken")
    refused(tmp_path, 3, *command, "--force")
    assert listing(tmp_path / "out") == before


def test_what_is_not_ours_is_never_replaced(tmp_path: Path) -> None:
    small_model(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("three years of work")
    for force in ((), ("--force",)):
        message = refused(tmp_path, 2, "convert", "model.onnx", *FLOAT, *force)
        assert "out" in message
    (tmp_path / "file").write_text("a file")
    arguments = ("--target", "cortex-m4", "-o", "file", "--precision", "float32", "--force")
    refused(tmp_path, 2, "convert", "model.onnx", *arguments)


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    small_model(tmp_path)
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    refused(tmp_path, 2, "convert", "model.onnx", *FLOAT)
    assert not (tmp_path / "elsewhere").exists()


def test_damaged_conversions_are_refused(tmp_path: Path) -> None:
    small_model(tmp_path)
    command = ("convert", "model.onnx", *FLOAT, "--emulator", "none", "--toolchain", "zig")
    assert edgekit(tmp_path, *command).returncode == 0
    save(tmp_path / "x.npz", x=samples(1))
    run = ("run", "out", "--on", "reference", "--input", "x.npz", "--output", "y.npz")
    for name in ("manifest.json", "report.json", "edgekit/graph.json", "edgekit/graph.npz"):
        path = tmp_path / "out" / name
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        assert path.stem in refused(tmp_path, 3, *run)
        path.write_bytes(data)
    assert edgekit(tmp_path, *run).returncode == 0

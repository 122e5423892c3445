"""The .npz files: whole or refused with every problem, never executed, written atomically."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.errors import DataError
from edgekit.files import atomic_open, write_atomic
from edgekit.npz import load_arrays, save_arrays


class Bomb:
    """Would leave a file behind if it were ever unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


def test_round_trip_with_difficult_names(tmp_path: Path) -> None:
    arrays: dict[str, NDArray[Any]] = {
        "file": np.arange(3),
        "a/b:0": np.ones((2, 3), np.int8),
        "StatefulPartitionedCall:0": np.array([1.5], np.float32),
        "scalar": np.array(2.0),
    }
    path = tmp_path / "a.npz"
    save_arrays(path, arrays)
    found = load_arrays(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == np.asarray(array).dtype
    with np.load(path) as theirs:  # numpy itself reads it
        np.testing.assert_array_equal(theirs["a/b:0"], arrays["a/b:0"])


def test_same_arrays_same_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        save_arrays(tmp_path / name, {"x": np.arange(100)})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_files_that_are_no_npz(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        load_arrays(tmp_path / "none.npz")
    with pytest.raises(DataError, match="folder"):
        load_arrays(tmp_path)
    np.save(tmp_path / "a.npy", np.arange(3))
    with pytest.raises(DataError, match="bare array"):
        load_arrays(tmp_path / "a.npy")
    for content in (b"", b"x,y\n1,2\n", b"PK\x03\x04 no archive", b"\x80\x04."):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(DataError):
            load_arrays(tmp_path / "bad.npz")
    with zipfile.ZipFile(tmp_path / "empty.npz", "w"):
        pass
    with pytest.raises(DataError, match="no arrays"):
        load_arrays(tmp_path / "empty.npz")


def test_truncated_at_any_place(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.random.default_rng(0).normal(size=100))
    whole = path.read_bytes()
    for end in range(0, len(whole) - 1, 37):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError):
            load_arrays(path)


def test_damaged_bytes_inside(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.arange(1000), z=np.arange(5))
    damaged = bytearray(path.read_bytes())
    damaged[120:140] = bytes(20)
    path.write_bytes(damaged)
    with pytest.raises(DataError, match="'x'"):
        load_arrays(path)


def test_objects_are_refused_and_never_executed(tmp_path: Path) -> None:
    trace = tmp_path / "executed"
    objects = np.empty(1, dtype=object)
    objects[0] = Bomb(trace)
    path = tmp_path / "a.npz"
    np.savez(path, bad=objects, text=np.array(["a"]), good=np.arange(2))
    with pytest.raises(DataError) as caught:
        load_arrays(path)
    assert {p.where for p in caught.value.problems} == {"array 'bad'", "array 'text'"}
    assert not trace.exists()


def test_header_that_promises_too_much(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    header += b" " * (117 - len(header)) + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(DataError, match="'x'"):
        load_arrays(path)


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomic(path, "old")

    def fail_half_way() -> None:
        with atomic_open(path) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.txt"]
    assert path.stat().st_mode & 0o600 == 0o600


def test_unwritable_place_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "none" / "a.txt"
    with pytest.raises(FileNotFoundError) as caught:
        write_atomic(path, "x")
    assert caught.value.filename == str(path)

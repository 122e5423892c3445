"""Reading and writing the .npz files that carry samples, labels and results."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import DataError, Problem
from edgekit.files import atomic_open

LABELS = "y"
"""Name of the array that holds labels."""
SINGLE = "x"
"""Name that the samples may have where the model has one input."""
_DAMAGED = (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error, NotImplementedError)
_HINT = "Write it with numpy.savez(path, x=samples, y=labels)"


def load_arrays(path: Path | str) -> dict[str, NDArray[Any]]:
    """Every array of an .npz file. Nothing in the file is ever executed (no pickle).

    Raises:
        DataError: missing, no .npz, damaged, or an array that needs pickle; all of them named.
    """
    path = Path(path)
    try:
        archive = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; an .npz file is needed") from None
    except PermissionError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except _DAMAGED:
        raise DataError(f"{path} is not an .npz file. {_HINT}") from None
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise DataError(f"{path} holds one bare array (.npy); an .npz is needed. {_HINT}")
    with archive:
        return _read_all(archive, path)


def _read_all(archive: np.lib.npyio.NpzFile, path: Path) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    problems = []
    for name in archive.files:
        try:
            array = archive[name]
        except _DAMAGED as error:
            pickled = "pickle" in str(error).lower()
            what = "holds Python objects" if pickled else f"is damaged ({error})"
            problems.append(Problem(what, f"array '{name}'", "arrays of numbers"))
            continue
        except MemoryError:
            problems.append(Problem("does not fit this machine's memory", f"array '{name}'"))
            continue
        if not isinstance(array, np.ndarray):
            problems.append(Problem("is not an array", f"member '{name}'", "arrays of numbers"))
        elif array.dtype.kind not in "biuf":
            what = f"has element type {array.dtype}"
            problems.append(Problem(what, f"array '{name}'", "bool, integers, floats"))
        else:
            arrays[name] = array
    if problems:
        raise DataError(f"{path} cannot be used", problems)
    if not arrays:
        raise DataError(f"{path} holds no arrays. {_HINT}")
    return arrays


def save_arrays(path: Path | str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an .npz, whole or not at all, with the same bytes for the same arrays.

    Raises:
        OSError: it cannot be written.
    """
    with (
        atomic_open(Path(path)) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, array in arrays.items():
            # a fixed date: numpy.savez would store the time of writing
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)

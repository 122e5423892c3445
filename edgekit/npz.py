"""Reading and writing the .npz files that carry samples, labels and results."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import DataError, Problem
from edgekit.files import atomic_open

LABELS = "y"
SINGLE = "x"
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


def select_inputs(
    arrays: Mapping[str, NDArray[Any]], names: Sequence[str], where: str = "the data"
) -> dict[str, NDArray[Any]]:
    """The arrays of a model's inputs, by the model's names.

    A model with one input also takes an array named ``x``. Labels (``y``) are left out.

    Args:
        arrays: what `load_arrays` gave.
        names: names of the model's inputs, in order.
        where: file name for messages.

    Returns:
        One array for each name.

    Raises:
        DataError: arrays are missing, unknown, or differ in their number of samples; all named.
    """
    given = dict(arrays)
    if len(names) == 1 and names[0] not in given and SINGLE in given:
        given[names[0]] = given.pop(SINGLE)
    if LABELS not in names:
        given.pop(LABELS, None)
    accepted = ", ".join(f"'{n}'" for n in names) + (", 'x'" if len(names) == 1 else "")
    problems = [Problem("is missing", f"array '{n}'") for n in names if n not in given]
    problems += [
        Problem("is not an input of the model", f"array '{n}'", accepted)
        for n in given
        if n not in names
    ]
    problems += [
        Problem("has no sample axis", f"array '{n}'", "samples on the first axis")
        for n in names
        if n in given and given[n].ndim == 0
    ]
    counts = {n: len(given[n]) for n in names if n in given and given[n].ndim}
    if len(set(counts.values())) > 1:
        text = ", ".join(f"'{n}' {c}" for n, c in counts.items())
        problems.append(Problem(f"arrays differ in their number of samples ({text})"))
    if counts and not all(counts.values()):
        problems.append(Problem("there are no samples"))
    if problems:
        raise DataError(f"{where} does not match the model's inputs", problems)
    return {n: given[n] for n in names}


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

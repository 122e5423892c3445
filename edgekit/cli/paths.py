"""Files to write, checked before long work: what cannot be written or must not be replaced."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgekit.errors import UsageError


def check_file(path: Path, option: str, *, force: bool, reads: Sequence[Path | None] = ()) -> None:
    """Refuse a file that a command should not or cannot write.

    Args:
        path: the file to write.
        option: the option that names it, for messages.
        force: whether an existing file may be replaced.
        reads: what the command reads, which it never replaces: files, or a converted model.

    Raises:
        UsageError: it is a folder, it exists, it is read, or no file can be made there.
        OSError: its folder is not writable.
    """
    if path.is_dir():
        raise UsageError(f"{option} {path} is a folder; name a file")
    if path.exists() and not path.is_file():  # a device, say: it would be replaced by a file
        raise UsageError(f"{option} {path} is not a regular file; name a file")
    if any(_is_part_of(path, source) for source in reads if source is not None):
        raise UsageError(f"{option} {path} is a file that is read; choose another {option}")
    if path.exists() and not force:
        raise UsageError(
            f"{path} exists already. Choose another {option}, or add --force to replace it"
        )
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}")
    _probe(path.parent, path)


def check_folder(path: Path, option: str) -> None:
    """Refuse a folder that cannot be made: a file is in its way, or the place takes no files.

    Raises:
        UsageError: it is a file, lies below one, or nothing can be made there.
        OSError: the place is not writable.
    """
    place = next((p for p in (path, *path.parents) if p.exists()), Path())
    if not place.is_dir():
        where = "is a file" if place == path else f"lies below {place}, which is a file"
        raise UsageError(f"{option} {path} {where}; name a folder")
    _probe(place, path)


def _probe(folder: Path, path: Path) -> None:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except FileNotFoundError:  # /proc and the like, which are no places for files
        raise UsageError(f"cannot write {path}: {folder} takes no files") from None
    except OSError as error:
        # the path that was asked for, not that of the trial
        raise OSError(error.errno, error.strerror, str(path)) from None


def _is_part_of(path: Path, source: Path) -> bool:
    """Whether ``path`` is the file ``source``, or what edgekit needs of the folder ``source``."""
    if source.is_dir():
        own = (source / "report.json", source / "manifest.json")
        inside = path.resolve().is_relative_to((source / "edgekit").resolve())
        return inside or any(_same(path, file) for file in own)
    return _same(path, source)


def _same(a: Path, b: Path) -> bool:
    return a.exists() and b.exists() and os.path.samefile(a, b)

"""A small cache of compiled helpers in the user's cache folder, keyed by content."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path


def cache_folder() -> Path:
    """Where compiled helpers are kept: ``$EDGEKIT_CACHE``, else the user's cache folder."""
    named = os.environ.get("EDGEKIT_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgekit"


def content_key(parts: Iterable[str | bytes]) -> str:
    """A short hash of everything that a compiled file depends on."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:24]


def cached(name: str, key: str, make: Callable[[Path], object]) -> Path:
    """The file ``name`` for ``key``; where it is missing ``make(path)`` writes it.

    The file appears whole or not at all, also with several processes at work. Where the cache
    folder cannot be written, a folder that lives as long as this process takes its place.
    """
    folder = _writable(cache_folder())
    path = folder / f"{key}-{name}"
    if path.exists():
        return path
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as scratch:
        made = Path(scratch) / name
        make(made)
        os.replace(made, path)
    return path


_private: list[tempfile.TemporaryDirectory[str]] = []


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    if not _private:
        _private.append(tempfile.TemporaryDirectory(prefix="edgekit-cache-"))
    return Path(_private[0].name)

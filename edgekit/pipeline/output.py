"""Writing the output folder whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from edgekit.artefact import MANIFEST_NAME
from edgekit.errors import Problem, UsageError


def refuse_existing(out: Path, force: bool, reads: Sequence[Path] = ()) -> None:
    """Refuse to overwrite.

    Args:
        out: folder to make.
        force: whether a converted model there may be replaced.
        reads: files and folders that the work needs, which are never replaced.

    Raises:
        UsageError: ``out`` exists and ``force`` is off, it is not a folder that edgekit made, or
            something read lies in it, or the program works inside it.
    """
    # A folder that is replaced is renamed first: one that someone works in must not be.
    if out.name in ("", "..") or Path.cwd().is_relative_to(out.resolve()):
        problem = Problem("is the working folder or holds it", f"'{out}'", hint="Name a new one.")
        raise UsageError("the output folder cannot be replaced", [problem])
    if not out.exists() and not out.is_symlink():
        return
    ours = out.is_dir() and ((out / MANIFEST_NAME).is_file() or not any(out.iterdir()))
    if not ours:
        problem = Problem("exists and is not a converted model", str(out), hint="Name another.")
        raise UsageError("the output folder would overwrite something else", [problem])
    for path in reads:
        if path.resolve().is_relative_to(out.resolve()):
            problem = Problem("is read", str(path), hint="Name another folder to write to.")
            raise UsageError(f"{out} would be replaced with what is read", [problem])
    if not force and any(out.iterdir()):
        problem = Problem("exists", str(out), hint="Name another, or replace it with --force.")
        raise UsageError("the output folder exists", [problem])


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A folder beside ``out`` that takes its place when the block ends without an error.

    Whatever happens (an error, Ctrl-C), ``out`` is either as before or complete, and folders above
    it that were missing are there only if it is complete.
    """
    missing = [folder for folder in out.parents if not folder.exists()]
    # Named before it is made: an interrupt right after making it must not leave it behind.
    stage = out.parent / f".{out.name}.{secrets.token_hex(4)}.part"
    try:
        stage.mkdir(parents=True)
        yield stage
        _swap(stage, out)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        if not out.exists():
            _remove_empty(missing)


def _remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders, the innermost first, as long as they are empty."""
    for folder in folders:
        with suppress(OSError):  # never made, or another program put something into it
            folder.rmdir()


def _swap(stage: Path, out: Path) -> None:
    if not out.exists():
        stage.rename(out)
        return
    old = out.parent / f".{out.name}.{secrets.token_hex(4)}.old"
    try:
        out.rename(old)
        stage.rename(out)
    except BaseException:  # Ctrl-C too: the old folder goes back; raised again below
        if old.exists() and not out.exists():
            old.rename(out)
        shutil.rmtree(old, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)

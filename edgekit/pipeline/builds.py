"""Build an artefact with every wanted compiler, for the host and for the target."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgekit.artefact import Manifest
from edgekit.errors import ToolError
from edgekit.files import write_atomic
from edgekit.options import ToolchainChoice
from targets.cache import content_key
from targets.load import load_core
from targets.model import Core
from targets.process import run_parallel
from targets.toolchains import TOOLCHAINS, Image, Toolchain, available, get_toolchain

BUILD = "build"
STAMP = "built.json"
"""Beside each image: what it was made from, and by which version of its compiler."""
PARALLEL = 2
Part = Literal["", "preprocess", "raw"]
"""What an image calls: the model, the helpers before it, or both."""


@dataclass(frozen=True)
class Images:
    """What was built.

    Attributes:
        host: shared libraries for this machine, one per compiler.
        firmware: images for the target, one per compiler; empty where the target is the host.
    """

    host: tuple[Image, ...]
    firmware: tuple[Image, ...]


def toolchains_for(core: Core, choice: ToolchainChoice) -> tuple[Toolchain, ...]:
    """The compilers to use for a core.

    Raises:
        ToolError: none is present; says how to install one.
    """
    if choice != "auto":
        tool = get_toolchain(choice)
        problem = tool.missing(core)
        if problem:
            raise ToolError(f"{choice} cannot build for {core.name}", [problem])
        return (tool,)
    found = available(core)
    if not found:
        problems = [p for t in TOOLCHAINS.values() if (p := t.missing(core)) is not None]
        raise ToolError(f"no compiler can build for {core.name}", problems)
    return found


def firmware_path(
    folder: Path, core: Core, toolchain: str, trace: bool = False, part: Part = ""
) -> Path:
    """Where a firmware image of a converted model lies."""
    variant = "-trace" if trace else f"-{part}" if part else ""
    return folder / BUILD / f"{core.name}-{toolchain}{variant}" / "firmware.elf"


def library_path(folder: Path, name: str, toolchain: str, trace: bool = False) -> Path:
    """Where the host library of a converted model lies."""
    return folder / BUILD / f"host-{toolchain}{'-trace' if trace else ''}" / f"lib{name}.so"


def build_all(
    folder: Path,
    manifest: Manifest,
    core: Core,
    choice: ToolchainChoice,
    progress: Callable[[str], None],
) -> Images:
    """Build the sources in ``folder`` with every chosen compiler, side by side.

    Raises:
        ToolError: a compiler is missing or fails.
    """
    host = load_core("host")
    jobs: list[tuple[str, Callable[[], Image]]] = []
    for tool in toolchains_for(host, choice if core.is_host else "auto"):
        path = library_path(folder, manifest.name, tool.name)
        jobs.append((f"host {tool.name}", _library(tool, folder, manifest, path)))
    count = len(jobs)
    for tool in () if core.is_host else toolchains_for(core, choice):
        path = firmware_path(folder, core, tool.name)
        jobs.append((f"{core.name} {tool.name}", _firmware(tool, folder, manifest, core, path)))
    progress("building: " + ", ".join(label for label, _ in jobs))
    images = run_parallel([job for _, job in jobs], PARALLEL)
    return Images(tuple(images[:count]), tuple(images[count:]))


def _library(
    tool: Toolchain, folder: Path, manifest: Manifest, path: Path, trace: bool = False
) -> Callable[[], Image]:
    def make() -> Image:
        return tool.build_host_library(folder, manifest, path, trace=trace)

    return lambda: _stamped(make, folder, manifest, path, trace)


def _firmware(
    tool: Toolchain,
    folder: Path,
    manifest: Manifest,
    core: Core,
    path: Path,
    trace: bool = False,
) -> Callable[[], Image]:
    def make() -> Image:
        return tool.build_firmware(folder, manifest, core, path, trace=trace)

    return lambda: _stamped(make, folder, manifest, path, trace)


def _stamped(
    make: Callable[[], Image], folder: Path, manifest: Manifest, path: Path, trace: bool
) -> Image:
    """Build, with a stamp that is there only when the image is the one it speaks of."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(STAMP).unlink(missing_ok=True)
    digest = _digest(folder, manifest, trace)  # before: an edit during the build must show
    image = make()
    _write_stamp(path.with_name(STAMP), digest, image.version)
    return image


def confirm_images(folder: Path, manifest: Manifest) -> None:
    """Let the images that `build_all` made count as made from the sources as they are now.

    For edgekit's own edits that compile to the same: figures in comments.
    """
    digest = _digest(folder, manifest, False)
    for stamp in (folder / BUILD).glob(f"*/{STAMP}"):
        _write_stamp(stamp, digest, json.loads(stamp.read_text(encoding="utf-8"))["compiler"])


def _write_stamp(stamp: Path, digest: str, compiler: str) -> None:
    write_atomic(stamp, json.dumps({"sources": digest, "compiler": compiler}) + "\n")


def _digest(folder: Path, manifest: Manifest, trace: bool) -> str:
    """A key of everything that a user may edit in a converted model and that is compiled."""
    names = {
        *manifest.sources,
        *manifest.headers,
        *(p.name for p in folder.glob("*.[ch]") if p.is_file()),
    }
    parts: list[str | bytes] = ["trace" if trace else "plain", manifest.optimize]
    for name in sorted(names):
        parts += [name, (folder / name).read_bytes()]
    return content_key(parts)


def _stored(
    path: Path, tool: str, core: Core, folder: Path, manifest: Manifest, trace: bool
) -> Image | None:
    """The image at ``path`` where it was made from the sources as they are now.

    Its compiler need not be installed any more.
    """
    try:
        stamp = json.loads(path.with_name(STAMP).read_text(encoding="utf-8"))
        fresh = path.is_file() and stamp["sources"] == _digest(folder, manifest, trace)
        return Image(path, tool, str(stamp["compiler"]), core, trace) if fresh else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no stamp, or a damaged one: built anew


def host_image(
    folder: Path, manifest: Manifest, choice: ToolchainChoice = "auto", *, trace: bool = False
) -> Image:
    """A host library of a converted model: as stored, built anew where it is missing or stale.

    Args:
        folder, manifest: the converted model.
        choice: its compiler; auto takes the first whose library is stored.
        trace: whether it reports the arena after each step.

    Raises:
        ToolError: no compiler for this machine is present, or it fails.
    """
    host = load_core("host")
    for name in TOOLCHAINS if choice == "auto" else (choice,):
        path = library_path(folder, manifest.name, name, trace)
        found = _stored(path, name, host, folder, manifest, trace)
        if found is not None:
            return found
    tool = toolchains_for(host, choice)[0]
    path = library_path(folder, manifest.name, tool.name, trace)
    return _library(tool, folder, manifest, path, trace)()


def firmware_image(
    folder: Path,
    manifest: Manifest,
    core: Core,
    choice: ToolchainChoice,
    *,
    trace: bool = False,
    part: Part = "",
) -> Image:
    """The firmware of a converted model: as stored, built anew where it is missing or stale.

    Args:
        folder, manifest, core: the converted model and the core it was made for.
        choice: its compiler; auto takes the first whose image is stored.
        trace: whether it reports the arena after each step.
        part: what it calls; ``manifest`` describes that.

    Raises:
        ToolError: the compiler is missing or fails.
    """
    for name in TOOLCHAINS if choice == "auto" else (choice,):
        path = firmware_path(folder, core, name, trace, part)
        found = _stored(path, name, core, folder, manifest, trace)
        if found is not None:
            return found
    tool = toolchains_for(core, choice)[0]
    path = firmware_path(folder, core, tool.name, trace, part)
    return _firmware(tool, folder, manifest, core, path, trace)()

"""Build an artefact with every wanted compiler, for the host and for the target."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.artefact import Manifest
from edgekit.errors import ToolError
from edgekit.options import ToolchainChoice
from targets.load import load_core
from targets.model import Core
from targets.toolchains import TOOLCHAINS, Image, Toolchain, available, get_toolchain

BUILD = "build"
PARALLEL = 2


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


def firmware_path(folder: Path, core: Core, toolchain: str, trace: bool = False) -> Path:
    """Where the firmware image of a converted model lies."""
    return folder / BUILD / f"{core.name}-{toolchain}{'-trace' if trace else ''}" / "firmware.elf"


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
    images = _in_parallel([job for _, job in jobs])
    return Images(tuple(images[:count]), tuple(images[count:]))


def _in_parallel(jobs: Sequence[Callable[[], Image]]) -> list[Image]:
    """Run jobs in a few threads.

    After an interrupt no job begins any more, and those that run are awaited: none may write into
    a folder that is being removed. (`ThreadPoolExecutor` would run every job to its end, and can
    lose sight of a thread that is just starting.)
    """
    outcomes: list[Image | BaseException | None] = [None] * len(jobs)
    waiting = list(enumerate(jobs))
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                index, job = waiting.pop(0)
            except IndexError:
                return
            try:
                outcomes[index] = job()
            except BaseException as error:
                outcomes[index] = error

    threads = [threading.Thread(target=work, daemon=True) for _ in range(PARALLEL)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        stop.set()
        for thread in threads:
            if thread.ident is not None:  # one that has not begun yet will see `stop`
                thread.join()
    images = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        assert outcome is not None
        images.append(outcome)
    return images


def _library(
    tool: Toolchain, folder: Path, manifest: Manifest, path: Path, trace: bool = False
) -> Callable[[], Image]:
    def build() -> Image:
        path.parent.mkdir(parents=True, exist_ok=True)
        return tool.build_host_library(folder, manifest, path, trace=trace)

    return build


def _firmware(
    tool: Toolchain,
    folder: Path,
    manifest: Manifest,
    core: Core,
    path: Path,
    trace: bool = False,
) -> Callable[[], Image]:
    def build() -> Image:
        path.parent.mkdir(parents=True, exist_ok=True)
        return tool.build_firmware(folder, manifest, core, path, trace=trace)

    return build


def host_image(folder: Path, manifest: Manifest, *, trace: bool = False) -> Image:
    """A host library of a converted model: the first that is stored, else built now.

    Raises:
        ToolError: no compiler for this machine is present.
    """
    host = load_core("host")
    for tool in TOOLCHAINS.values():
        path = library_path(folder, manifest.name, tool.name, trace)
        if path.is_file():
            return Image(path, tool.name, tool.version(host), host, trace)
    tool = toolchains_for(host, "auto")[0]
    path = library_path(folder, manifest.name, tool.name, trace)
    return _library(tool, folder, manifest, path, trace)()


def firmware_image(
    folder: Path, manifest: Manifest, core: Core, choice: ToolchainChoice, *, trace: bool = False
) -> Image:
    """The firmware of a converted model by one compiler: as stored, else built now.

    Raises:
        ToolError: the compiler is missing or fails.
    """
    tool = toolchains_for(core, choice)[0]
    path = firmware_path(folder, core, tool.name, trace)
    if path.is_file():
        return Image(path, tool.name, tool.version(core), core, trace)
    return _firmware(tool, folder, manifest, core, path, trace)()

"""Builds for tests: skipped by name where a tool is missing, built once for each image."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import pytest

from edgekit.artefact import Manifest
from edgekit.errors import Problem
from profiles.runners import EMULATORS, HOST, Runner
from targets.load import core_names, load_core
from targets.toolchains import Image, get_toolchain
from tests.runners import sample_model

MCU_CORES = tuple(name for name in core_names() if name != "host")
BOTH_EMULATORS = tuple(name for name in MCU_CORES if load_core(name).unicorn is not None)
EMULATED = tuple(  # every core with every emulator that models it
    (name, runner)
    for name in MCU_CORES
    for runner in (("unicorn", "qemu") if name in BOTH_EMULATORS else ("qemu",))
)
_FOLDER = tempfile.TemporaryDirectory(prefix="edgekit-tests-")


def skip_unless(problem: Problem | None) -> None:
    """Skip the test with the problem's own words."""
    if problem is not None:
        pytest.skip(str(problem))


def emulator(name: str, core: str) -> Runner:
    """An emulator for a core; skips where it is missing."""
    runner = EMULATORS[name]
    skip_unless(runner.missing(load_core(core)))
    return runner


def build(
    core: str, toolchain: str, trace: bool = False, source: str = sample_model.SOURCE
) -> tuple[Image, Manifest]:
    """The sample model (or a variation of it) for a core; skips where the compiler is missing."""
    skip_unless(get_toolchain(toolchain).missing(load_core(core)))
    return _build(core, toolchain, trace, source)


def clean() -> None:
    """Remove every image that was built."""
    _FOLDER.cleanup()


@functools.cache
def _build(core: str, toolchain: str, trace: bool, source: str) -> tuple[Image, Manifest]:
    folder = Path(tempfile.mkdtemp(dir=_FOLDER.name))
    manifest = sample_model.write(folder, source)
    tool = get_toolchain(toolchain)
    if core == "host":
        return tool.build_host_library(folder, manifest, folder / "m.so", trace=trace), manifest
    out = folder / "m.elf"
    return tool.build_firmware(folder, manifest, load_core(core), out, trace=trace), manifest


__all__ = ["BOTH_EMULATORS", "EMULATED", "HOST", "MCU_CORES", "build", "emulator", "skip_unless"]

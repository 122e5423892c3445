"""What a toolchain is, and what it makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edgekit.artefact import Manifest
from edgekit.errors import Problem
from targets.model import Core

OPTIMIZATION = {"fastest": "-O2", "speed": "-O2", "balanced": "-O2", "size": "-Os"}
"""Compiler flag for what a manifest asks for."""


@dataclass(frozen=True)
class Image:
    """A linked model: firmware with the test harness, or a shared library for the host.

    Attributes:
        path: the file.
        toolchain, version: what made it.
        core: what it is for.
        trace: True where it reports the arena after each step.
    """

    path: Path
    toolchain: str
    version: str
    core: Core
    trace: bool


class Toolchain(Protocol):
    """A C compiler with its linker. Registered in `targets.toolchains`."""

    @property
    def name(self) -> str:
        """As on the command line."""
        ...

    def missing(self, core: Core) -> Problem | None:
        """Why it cannot build for ``core``, with the command that helps; None where it can."""
        ...

    def version(self, core: Core) -> str:
        """Name and version of the compiler for ``core``."""
        ...

    def host_command(self) -> tuple[str, ...]:
        """Program and flags that compile C for this machine."""
        ...

    def build_firmware(
        self, folder: Path, manifest: Manifest, core: Core, out: Path, *, trace: bool = False
    ) -> Image:
        """Link the generated sources in ``folder`` with the test harness into the ELF ``out``.

        Raises:
            ToolError: the compiler is missing or fails; nothing is left at ``out``.
        """
        ...

    def build_host_library(
        self, folder: Path, manifest: Manifest, out: Path, *, trace: bool = False
    ) -> Image:
        """Link the generated sources in ``folder`` into the shared library ``out``.

        Raises:
            ToolError: the compiler is missing or fails; nothing is left at ``out``.
        """
        ...

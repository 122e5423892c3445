"""A toolchain around one compiler command: what gcc and zig have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from edgekit.artefact import Manifest
from edgekit.errors import Problem, ToolError
from targets.load import load_core
from targets.model import Core
from targets.toolchains.base import Image
from targets.toolchains.build import Compiler, link_firmware, link_host_library


class CommandToolchain(ABC):
    """A C compiler that also links; see `targets.toolchains.base.Toolchain`."""

    name: str

    @abstractmethod
    def missing(self, core: Core) -> Problem | None:
        """Why it cannot build for ``core``, with the command that helps; None where it can."""

    @abstractmethod
    def compiler(self, core: Core) -> Compiler:
        """How to call it for a core that it can build for."""

    def version(self, core: Core) -> str:
        """Name and version of the compiler for ``core``."""
        return self._require(core).version

    def build_firmware(
        self, folder: Path, manifest: Manifest, core: Core, out: Path, *, trace: bool = False
    ) -> Image:
        """Link the generated sources in ``folder`` with the test harness into the ELF ``out``.

        Raises:
            ToolError: the compiler is missing or fails; nothing is left at ``out``.
        """
        compiler = self._require(core)
        link_firmware(compiler, folder, manifest, core, out, trace)
        return Image(out, self.name, compiler.version, core, trace)

    def build_host_library(
        self, folder: Path, manifest: Manifest, out: Path, *, trace: bool = False
    ) -> Image:
        """Link the generated sources in ``folder`` into the shared library ``out``.

        Raises:
            ToolError: the compiler is missing or fails; nothing is left at ``out``.
        """
        host = load_core("host")
        compiler = self._require(host)
        link_host_library(compiler, folder, manifest, out, trace)
        return Image(out, self.name, compiler.version, host, trace)

    def _require(self, core: Core) -> Compiler:
        problem = self.missing(core)
        if problem is not None:
            raise ToolError(f"{self.name} cannot build for {core.name}", [problem])
        return self.compiler(core)

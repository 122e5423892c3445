"""GNU compilers: the distribution's cross-compilers, and the system's own for the host."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

from edgekit.artefact import Manifest
from edgekit.errors import Problem, ToolError
from targets.load import load_core
from targets.model import Core
from targets.process import run_tool
from targets.toolchains.base import Image
from targets.toolchains.build import Compiler, link_firmware, link_host_library

# Two equal steps would be merged into one function, and their profiles with them.
_NO_MERGING = "-fno-ipa-icf"


class Gcc:
    """``gcc``, with the prefix that the core's data names."""

    name = "gcc"

    def missing(self, core: Core) -> Problem | None:
        """Why it cannot build for ``core``, with the command that helps; None where it can."""
        if core.gcc is None:
            return Problem("gcc does not build for it", core.name)
        program = f"{core.gcc.prefix}gcc"
        if shutil.which(program) is None:
            hint = f"Install it with: {core.gcc.install}"
            return Problem(f"{program} is not installed", core.name, "", hint)
        return None

    def version(self, core: Core) -> str:
        """First line of ``gcc --version`` for ``core``."""
        self._require(core)
        assert core.gcc is not None
        return _version(f"{core.gcc.prefix}gcc")

    def host_command(self) -> tuple[str, ...]:
        """Program and flags that compile C for this machine."""
        return ("gcc",)

    def build_firmware(
        self, folder: Path, manifest: Manifest, core: Core, out: Path, *, trace: bool = False
    ) -> Image:
        """Link the generated sources in ``folder`` with the test harness into the ELF ``out``.

        Raises:
            ToolError: the compiler is missing or fails; nothing is left at ``out``.
        """
        self._require(core)
        assert core.gcc is not None
        compiler = Compiler(
            command=(f"{core.gcc.prefix}gcc", *core.gcc.flags),
            version=self.version(core),
            compile_flags=(_NO_MERGING,),
            firmware_flags=("-ffreestanding", "-fbuiltin"),
            harness_flags=("-fno-tree-loop-distribute-patterns",),
            link_flags=("-nostdlib", "-Wl,--no-warn-rwx-segments"),
            link_libraries=("-lgcc",),
        )
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
        self._require(host)
        compiler = Compiler(("gcc",), self.version(host), (_NO_MERGING,))
        link_host_library(compiler, folder, manifest, out, trace)
        return Image(out, self.name, compiler.version, host, trace)

    def _require(self, core: Core) -> None:
        problem = self.missing(core)
        if problem is not None:
            raise ToolError(f"gcc cannot build for {core.name}", [problem])


@functools.cache
def _version(program: str) -> str:
    lines = run_tool([program, "--version"], Path.cwd(), f"ask {program} for its version").stdout
    return lines.splitlines()[0].strip()

"""GNU compilers: the distribution's cross-compilers, and the system's own for the host."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

from edgekit.errors import Problem
from targets.model import Core
from targets.process import run_tool
from targets.toolchains.build import Compiler
from targets.toolchains.command import CommandToolchain

# Two equal steps would be merged into one function, and their profiles with them.
_NO_MERGING = "-fno-ipa-icf"


class Gcc(CommandToolchain):
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

    def host_command(self) -> tuple[str, ...]:
        """Program and flags that compile C for this machine."""
        return ("gcc",)

    def compiler(self, core: Core) -> Compiler:
        """How to call it for a core that it can build for."""
        assert core.gcc is not None
        program = f"{core.gcc.prefix}gcc"
        if core.is_host:
            return Compiler(("gcc",), _version(program), (_NO_MERGING,))
        return Compiler(
            command=(program, *core.gcc.flags),
            version=_version(program),
            compile_flags=(_NO_MERGING,),
            firmware_flags=("-ffreestanding", "-fbuiltin"),
            harness_flags=("-fno-tree-loop-distribute-patterns",),
            link_flags=("-nostdlib", "-Wl,--no-warn-rwx-segments"),
            link_libraries=("-lgcc",),
        )


@functools.cache
def _version(program: str) -> str:
    """First line of ``gcc --version``."""
    lines = run_tool([program, "--version"], Path.cwd(), f"ask {program} for its version").stdout
    return lines.splitlines()[0].strip()

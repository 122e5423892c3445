"""``zig cc``: clang with lld for every core, from the Python package ``ziglang``."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

from edgekit.errors import Problem
from targets.load import load_core
from targets.model import Core
from targets.process import run_tool
from targets.toolchains.build import Compiler, python
from targets.toolchains.command import CommandToolchain

# zig adds its sanitizers by default; generated code is tested with gcc's.
_COMPILE_FLAGS = (
    "-fno-sanitize=all",
    "-fno-stack-protector",
    "-fno-unwind-tables",
    "-fomit-frame-pointer",
)


class Zig(CommandToolchain):
    """``python -m ziglang cc``."""

    name = "zig"

    def missing(self, core: Core) -> Problem | None:
        """Why it cannot build for ``core``, with the command that helps; None where it can."""
        if core.zig is None:
            return Problem("zig does not build for it", core.name)
        if importlib.util.find_spec("ziglang") is None:
            hint = "Install it with: python3 -m pip install ziglang"
            return Problem("the Python package ziglang is not installed", core.name, "", hint)
        return None

    def host_command(self) -> tuple[str, ...]:
        """Program and flags that compile C for this machine."""
        return (*self.compiler(load_core("host")).command, *_COMPILE_FLAGS)

    def compiler(self, core: Core) -> Compiler:
        """How to call it for a core that it can build for.

        The host library is linked without libc: what it needs (memcpy, memset) is already in the
        process that loads it, and zig need not build its C library stubs first.
        """
        assert core.zig is not None
        target = ("-target", core.zig.triple) if core.zig.triple else ()
        return Compiler(
            command=(python(), "-m", "ziglang", "cc", *target, *core.zig.flags),
            version=_version(),
            compile_flags=_COMPILE_FLAGS,
            # Clang unrolls every small loop at -O2: twice the code for five percent of the
            # instructions.
            firmware_flags=("-fhosted", "-fno-unroll-loops"),
            link_flags=("-nostdlib",) if core.is_host else (),
        )


@functools.cache
def _version() -> str:
    command = [python(), "-m", "ziglang", "version"]
    return "zig " + run_tool(command, Path.cwd(), "ask zig for its version").stdout.strip()

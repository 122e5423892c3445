"""``zig cc``: clang with lld for every core, from the Python package ``ziglang``."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

from edgekit.artefact import Manifest
from edgekit.errors import Problem, ToolError
from targets.load import load_core
from targets.model import Core
from targets.process import run_tool
from targets.toolchains.base import Image
from targets.toolchains.build import Compiler, link_firmware, link_host_library, python

# zig adds its sanitizers by default; generated code is tested with gcc's.
_COMPILE_FLAGS = (
    "-fno-sanitize=all",
    "-fno-stack-protector",
    "-fno-unwind-tables",
    "-fomit-frame-pointer",
)


class Zig:
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

    def version(self, core: Core) -> str:
        """Version of zig; the same for every core."""
        self._require(core)
        return _version()

    def host_command(self) -> tuple[str, ...]:
        """Program and flags that compile C for this machine."""
        return (*zig_compiler(load_core("host")).command, *_COMPILE_FLAGS)

    def build_firmware(
        self, folder: Path, manifest: Manifest, core: Core, out: Path, *, trace: bool = False
    ) -> Image:
        """Link the generated sources in ``folder`` with the test harness into the ELF ``out``.

        Raises:
            ToolError: the compiler is missing or fails; nothing is left at ``out``.
        """
        self._require(core)
        compiler = zig_compiler(core)
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
        compiler = zig_compiler(host)
        link_host_library(compiler, folder, manifest, out, trace)
        return Image(out, self.name, compiler.version, host, trace)

    def _require(self, core: Core) -> None:
        problem = self.missing(core)
        if problem is not None:
            raise ToolError(f"zig cannot build for {core.name}", [problem])


def zig_compiler(core: Core) -> Compiler:
    """How to call ``zig cc`` for ``core``.

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

"""Compiles the native counters on first use and keeps them in the user's cache."""

from __future__ import annotations

import functools
import platform
from collections.abc import Sequence
from pathlib import Path

from edgekit.errors import ToolError
from targets.cache import cached, content_key
from targets.load import load_core
from targets.process import run_tool
from targets.toolchains import available

SOURCES = Path(__file__).parent.parent / "native"


@functools.cache
def native_library(source: str, defines: Sequence[str] = ()) -> Path:
    """The shared library made from one C file in ``profiles/native``.

    Linked without libc: the process that loads it already has one.

    Raises:
        ToolError: no host compiler is present, or it failed.
    """
    path = SOURCES / source
    key = content_key(
        [
            path.read_bytes(),
            *(header.read_bytes() for header in sorted(SOURCES.glob("*.h"))),
            platform.platform(),
            *defines,
        ]
    )
    flags = ["-std=c11", "-O2", "-fPIC", "-shared", "-nostdlib", *defines]

    def make(out: Path) -> None:
        command = [*_compiler(), *flags, str(path), "-o", str(out)]
        run_tool(command, out.parent, f"compile {source}")

    return cached(f"{path.stem}.so", key, make)


def _compiler() -> list[str]:
    host = load_core("host")
    for toolchain in available(host):
        return list(toolchain.host_command())
    raise ToolError("no C compiler for this machine is present. See: edgekit doctor")

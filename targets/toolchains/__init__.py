"""The toolchains edgekit can build with. This dict is the registry."""

from __future__ import annotations

from edgekit.errors import UsageError
from targets.model import Core
from targets.toolchains.base import Image, Toolchain
from targets.toolchains.gcc import Gcc
from targets.toolchains.zig import Zig

TOOLCHAINS: dict[str, Toolchain] = {"zig": Zig(), "gcc": Gcc()}

__all__ = ["TOOLCHAINS", "Image", "Toolchain", "available", "get_toolchain"]


def get_toolchain(name: str) -> Toolchain:
    """The toolchain called ``name``.

    Raises:
        UsageError: there is none; the error lists those there are.
    """
    if name not in TOOLCHAINS:
        known = ", ".join(TOOLCHAINS)
        raise UsageError(f"unknown toolchain '{name}'; allowed: auto, {known}")
    return TOOLCHAINS[name]


def available(core: Core) -> tuple[Toolchain, ...]:
    """Every toolchain that can build for ``core`` here and now."""
    return tuple(t for t in TOOLCHAINS.values() if t.missing(core) is None)

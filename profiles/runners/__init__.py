"""The runners edgekit has. This dict is the registry; order is preference."""

from __future__ import annotations

from edgekit.errors import Problem, UsageError
from profiles.runners.base import Block, LayerCount, Limits, Runner, RunResult
from profiles.runners.host import HostRunner
from profiles.runners.qemu import QemuRunner
from profiles.runners.unicorn import UnicornRunner
from targets.model import Core

HOST = HostRunner()
EMULATORS: dict[str, Runner] = {"unicorn": UnicornRunner(), "qemu": QemuRunner()}

__all__ = [
    "EMULATORS",
    "HOST",
    "Block",
    "LayerCount",
    "Limits",
    "RunResult",
    "Runner",
    "select",
]


def select(core: Core, emulator: str = "auto") -> Runner | Problem:
    """The runner for a core: the host itself, or an emulator.

    Args:
        core: what the image was built for.
        emulator: ``auto`` (the first that is present), ``unicorn`` or ``qemu``.

    Returns:
        The runner, or why there is none.

    Raises:
        UsageError: there is no emulator of that name.
    """
    if core.is_host:
        return HOST
    if emulator != "auto" and emulator not in EMULATORS:
        known = ", ".join(EMULATORS)
        raise UsageError(f"unknown emulator '{emulator}'; allowed: auto, {known}")
    problems = []
    for name, runner in EMULATORS.items():
        if emulator in ("auto", name):
            problem = runner.missing(core)
            if problem is None:
                return runner
            problems.append(problem)
    hint = " ".join(p.hint for p in problems if p.hint)
    return Problem("; ".join(p.what for p in problems), core.name, "", hint)

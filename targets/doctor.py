"""What is installed, what it is needed for, and the command that installs what is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass

from targets.load import core_names, load_core


@dataclass(frozen=True)
class Finding:
    """One tool.

    Attributes:
        tool: program or Python package.
        present: True where it can be used.
        version: empty where unknown.
        needed_for: what works only with it.
        install: command that installs it.
    """

    tool: str
    present: bool
    version: str
    needed_for: str
    install: str


@dataclass(frozen=True)
class _Package:
    """A Python package: module to look for, distribution that carries it, purpose."""

    module: str
    distribution: str
    needed_for: str


_PACKAGES = (
    _Package("numpy", "numpy", "everything"),
    _Package("onnx", "onnx", "reading and writing ONNX models"),
    _Package("onnxruntime", "onnxruntime", "checking ONNX models against a second implementation"),
    _Package("flatbuffers", "flatbuffers", "reading TFLite models"),
    _Package("ai_edge_litert", "ai-edge-litert", "reading TFLite models, and checking them"),
    _Package("jinja2", "jinja2", "generating C and HTML reports"),
    _Package("pydantic", "pydantic", "configuration files"),
    _Package("rich", "rich", "tables in the terminal"),
    _Package("elftools", "pyelftools", "memory figures"),
    _Package("capstone", "capstone", "the Cortex-M4 cycle estimate"),
    _Package("unicorn", "unicorn", "emulation of M0+, M3, M4, M7, M33 and RV32IMC"),
    _Package("ziglang", "ziglang", "building for every core, and profiling"),
)


def diagnose() -> list[Finding]:
    """Look for every Python package, compiler and emulator that edgekit can use."""
    return [*map(_package, _PACKAGES), *_programs()]


def _package(package: _Package) -> Finding:
    present = importlib.util.find_spec(package.module) is not None
    version = ""
    if present:
        try:
            version = importlib.metadata.version(package.distribution)
        except importlib.metadata.PackageNotFoundError:
            version = ""
    install = f"python3 -m pip install {package.distribution}"
    return Finding(package.distribution, present, version, package.needed_for, install)


def _programs() -> list[Finding]:
    """Compilers and emulators that the cores' data name, each once, with the cores it serves."""
    cores: dict[str, list[str]] = {}
    what: dict[str, tuple[str, str]] = {}
    for name in core_names():
        core = load_core(name)
        if core.gcc is not None:
            program = f"{core.gcc.prefix}gcc"
            cores.setdefault(program, []).append(name)
            what[program] = ("building with gcc", core.gcc.install)
        if core.qemu is not None:
            cores.setdefault(core.qemu.binary, []).append(name)
            what[core.qemu.binary] = ("emulation with QEMU", core.qemu.install)
    return [
        Finding(
            program,
            shutil.which(program) is not None,
            _program_version(program),
            f"{what[program][0]}: {', '.join(served)}",
            what[program][1],
        )
        for program, served in cores.items()
    ]


def _program_version(program: str) -> str:
    if shutil.which(program) is None:
        return ""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\b\d+\.\d+(?:\.\d+)*", next(iter(done.stdout.splitlines()), ""))
    return found.group(0) if found else ""

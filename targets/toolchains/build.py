"""Compiles the parts of an image side by side and links them; shared by every toolchain."""

from __future__ import annotations

import os
import shutil
import string
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgekit.artefact import Manifest
from targets.cache import cached, content_key
from targets.model import Core
from targets.process import run_parallel, run_tool
from targets.toolchains.base import OPTIMIZATION
from targets.toolchains.glue import firmware_glue, host_trace_glue

FIRMWARE = Path(__file__).parent.parent / "firmware"
STARTUP = {"cortex-m": "startup_cortex_m.c", "riscv": "startup_riscv.c"}
ENTRY = {"cortex-m": "Reset_Handler", "riscv": "_start"}

# -ffp-contract=off: no fused multiply-add, so float results are the same on every core.
# -fno-strict-aliasing is deliberately absent: generated code must be correct without it.
MODEL_FLAGS = (
    "-std=c99",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-g0",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-common",
)
# The harness may not turn its loops into calls of memset and memcpy: those belong to the model.
HARNESS_FLAGS = ("-std=gnu11", "-Os", "-ffunction-sections", "-fdata-sections", "-fno-builtin")


@dataclass(frozen=True)
class Compiler:
    """How to call one C compiler for one core.

    Attributes:
        command: program and the flags of the core.
        version: identifies the compiler in cache keys.
        compile_flags: further flags for every C file.
        firmware_flags: further flags for a model without C library; small memcpy calls must
            still become loads and stores.
        harness_flags: further flags for the harness alone.
        link_flags, link_libraries: before and after the objects.
    """

    command: tuple[str, ...]
    version: str
    compile_flags: tuple[str, ...] = ()
    firmware_flags: tuple[str, ...] = ()
    harness_flags: tuple[str, ...] = ()
    link_flags: tuple[str, ...] = ()
    link_libraries: tuple[str, ...] = ()

    def compile(self, source: Path, out: Path, flags: Sequence[str], scratch: Path) -> Path:
        """Compile one C file to an object."""
        command = [*self.command, *flags, *self.compile_flags, "-c", str(source), "-o", str(out)]
        run_tool(command, scratch, f"compile {source.name}")
        return out


def link_firmware(
    compiler: Compiler, folder: Path, manifest: Manifest, core: Core, out: Path, trace: bool
) -> None:
    """Compile a model with harness and start-up code, and link the ELF ``out``."""
    folder = folder.resolve()
    with _scratch() as scratch:
        glue, script = scratch / "ek_glue.c", scratch / "firmware.ld"
        glue.write_text(firmware_glue(manifest, trace), encoding="utf-8")
        script.write_text(_linker_script(core), encoding="utf-8")
        include = [f"-I{folder}", "-isystem", str(FIRMWARE / "include")]
        model = [*_model_flags(manifest), *compiler.firmware_flags, *include]
        model += _trace_flags(manifest, trace)
        local = [
            *HARNESS_FLAGS,
            *compiler.harness_flags,
            "-ffreestanding",
            f"-I{FIRMWARE}",
            *include,
        ]
        jobs: list[Callable[[], Path]] = [
            *_model_jobs(compiler, folder, manifest, model, scratch),
            lambda: compiler.compile(glue, scratch / "ek_glue.o", local, scratch),
            *_harness_jobs(compiler, core),
        ]
        objects = run_parallel(jobs)
        linked = scratch / "linked"
        command = [
            *compiler.command,
            *compiler.link_flags,
            f"-Wl,-T,{script}",
            f"-Wl,-e,{ENTRY[core.family]}",
            "-Wl,--gc-sections",
            "-Wl,-z,max-page-size=4096",
            "-Wl,-u,ek_halt",
            *map(str, objects),
            *compiler.link_libraries,
            "-o",
            str(linked),
        ]
        run_tool(command, scratch, f"link {manifest.name} for {core.name}")
        _publish(linked, out)


def link_host_library(
    compiler: Compiler, folder: Path, manifest: Manifest, out: Path, trace: bool
) -> None:
    """Compile a model for this machine and link the shared library ``out``."""
    folder = folder.resolve()
    flags = [*_model_flags(manifest), "-fPIC", f"-I{folder}", *_trace_flags(manifest, trace)]
    with _scratch() as scratch:
        jobs = _model_jobs(compiler, folder, manifest, flags, scratch)
        if trace:
            glue = scratch / "ek_trace.c"
            glue.write_text(host_trace_glue(manifest), encoding="utf-8")
            jobs.append(lambda: compiler.compile(glue, scratch / "ek_trace.o", flags, scratch))
        objects = run_parallel(jobs)
        linked = scratch / "linked"
        command = [*compiler.command, "-shared", *compiler.link_flags, *map(str, objects)]
        command += [*compiler.link_libraries, "-o", str(linked)]
        run_tool(command, scratch, f"link {manifest.name} for this machine")
        _publish(linked, out)


def _model_jobs(
    compiler: Compiler, folder: Path, manifest: Manifest, flags: Sequence[str], scratch: Path
) -> list[Callable[[], Path]]:
    def job(index: int, name: str) -> Callable[[], Path]:
        out = scratch / f"model{index}.o"
        return lambda: compiler.compile(folder / name, out, flags, scratch)

    return [job(index, name) for index, name in enumerate(manifest.sources)]


def _harness_jobs(compiler: Compiler, core: Core) -> list[Callable[[], Path]]:
    """Objects that are the same for every model: compiled once for each compiler and core."""
    sources = {
        "ek_harness.o": "harness.c",
        "ek_startup.o": STARTUP[core.family],
        "runtime.o": "runtime.c",
    }
    header = (FIRMWARE / "harness.h").read_bytes()

    def job(name: str, source: Path) -> Callable[[], Path]:
        own = [*HARNESS_FLAGS, *compiler.harness_flags, "-ffreestanding"]
        flags = [*own, f"-I{FIRMWARE}"]
        parts = [compiler.version, *compiler.command, *compiler.compile_flags, *own]
        key = content_key([*parts, source.read_bytes(), header])
        return lambda: cached(
            name, key, lambda out: compiler.compile(source, out, flags, out.parent)
        )

    return [job(name, FIRMWARE / source) for name, source in sources.items()]


def _linker_script(core: Core) -> str:
    memory = core.memory
    assert memory is not None
    template = string.Template((FIRMWARE / "firmware.ld").read_text(encoding="utf-8"))
    return template.safe_substitute(
        entry=ENTRY[core.family],
        vectors_address=hex(memory.vectors_address),
        flash_address=hex(memory.flash_address),
        flash_bytes=hex(memory.flash_bytes),
        ram_address=hex(memory.ram_address),
        ram_bytes=hex(memory.ram_bytes),
        slow="RAM" if memory.slow_bytes is None else "SLOW",
        slow_address=hex(memory.slow_address or 0),
        slow_bytes=hex(memory.slow_bytes or 0),
    )


def _model_flags(manifest: Manifest) -> tuple[str, ...]:
    return (*MODEL_FLAGS, OPTIMIZATION[manifest.optimize])


def _trace_flags(manifest: Manifest, trace: bool) -> list[str]:
    return [f"-D{manifest.name.upper()}_TRACE"] if trace else []


def _publish(made: Path, out: Path) -> None:
    """Move a finished file to its place, so that it appears whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        shutil.copyfile(made, beside)
        os.replace(beside, out)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="edgekit-build-") as folder:
        yield Path(folder)


def python() -> str:
    """This Python interpreter, for tools that are Python packages."""
    return sys.executable or "python3"

"""Runs firmware in QEMU's system emulator; files go in and out by semihosting.

Instructions are counted by a TCG plugin that shares its counter with the Unicorn hook.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.artefact import Manifest
from edgekit.errors import Problem, ToolError
from profiles.elf import Firmware, load_firmware
from profiles.runners.base import Block, Limits, RunResult
from profiles.runners.counting import Totals, counted, plan_counts
from profiles.runners.data import check_status, pack_inputs, require_trace, unpack_outputs
from profiles.runners.native import native_library
from targets.model import Core
from targets.process import first_error
from targets.toolchains.base import Image
from targets.toolchains.glue import port_offsets

MAGIC = 0x31544B45
Records = NDArray[np.uint8]


class QemuRunner:
    """QEMU, as the distribution packages it."""

    name = "qemu"

    def version(self, core: Core) -> str:
        """Name and version of the emulator for ``core``; empty where it is not installed."""
        if core.qemu is None or shutil.which(core.qemu.binary) is None:
            return ""
        return _version(core.qemu.binary)

    def missing(self, core: Core) -> Problem | None:
        """Why it cannot run images for ``core``; None where it can."""
        if core.qemu is None:
            return Problem("QEMU does not model it", core.name)
        if shutil.which(core.qemu.binary) is None:
            hint = f"Install it with: {core.qemu.install}"
            return Problem(f"{core.qemu.binary} is not installed", core.name, "", hint)
        return None

    def run(
        self,
        image: Image,
        manifest: Manifest,
        inputs: Sequence[NDArray[Any]],
        *,
        carry_state: bool = False,
        profile: bool = False,
        limits: Limits | None = None,
    ) -> RunResult:
        """Run every sample; see `profiles.runners.base.Runner.run`."""
        require_trace(image, False)
        limits = limits or Limits()
        records = pack_inputs(manifest, inputs)
        firmware = load_firmware(image.path)
        with tempfile.TemporaryDirectory(prefix="edgekit-qemu-") as name:
            folder = Path(name)
            args = []
            if profile:
                args = _plugin(folder, image.core, firmware, manifest, len(records), limits)
            _execute(folder, image, firmware, records, carry_state, args, limits)
            outputs, stack = _read_outputs(folder, manifest, len(records))
            arrays = unpack_outputs(manifest, outputs)
            if not profile:
                return RunResult(arrays, stack_bytes=stack)
            totals, blocks = _read_counts(folder)
            return counted(manifest, arrays, stack, totals, blocks)

    def trace(
        self, image: Image, manifest: Manifest, inputs: Sequence[NDArray[Any]]
    ) -> list[bytes]:
        """The arena after each step of the first sample; see `profiles.runners.base.Runner`."""
        require_trace(image, True)
        records = pack_inputs(manifest, inputs)[:1]
        with tempfile.TemporaryDirectory(prefix="edgekit-qemu-") as name:
            folder = Path(name)
            _execute(folder, image, load_firmware(image.path), records, False, [], Limits())
            data = (folder / "trace.bin").read_bytes()
        size = 4 + manifest.arena_bytes + manifest.region_bytes  # the step's number comes first
        return [data[i + 4 : i + size] for i in range(0, len(data), size)]


@functools.cache
def _version(binary: str) -> str:
    text = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"version (\S+)", text)
    return f"qemu {found.group(1)}" if found else "qemu"


def _execute(
    folder: Path,
    image: Image,
    firmware: Firmware,
    records: Records,
    carry_state: bool,
    args: Sequence[str],
    limits: Limits,
) -> None:
    """Run QEMU in ``folder`` until the firmware exits."""
    core = image.core
    qemu = core.qemu
    if qemu is None or shutil.which(qemu.binary) is None:
        problem = QemuRunner().missing(core)
        raise ToolError(f"QEMU cannot run {core.name}", [problem] if problem else [])
    header = np.array([MAGIC, *records.shape, int(carry_state)], dtype="<u4")
    (folder / "in.bin").write_bytes(header.tobytes() + records.tobytes())
    command = [qemu.binary, "-M", qemu.machine, *qemu.args, "-display", "none", "-serial", "none"]
    command += ["-monitor", "none", "-semihosting-config", "enable=on,target=native"]
    command += ["-kernel", str(image.path.resolve()), *args]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limits.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        problem = Problem(f"stopped after {limits.seconds:g} s", "qemu")
        raise ToolError(_failed(core), [problem]) from None
    if done.returncode != 0:
        raise ToolError(_failed(core), [_fault(folder, firmware, done.stderr)])


def _failed(core: Core) -> str:
    return f"the firmware failed on the emulated {core.name}"


def _fault(folder: Path, firmware: Firmware, stderr: str) -> Problem:
    """What the firmware's fault handler wrote, else what QEMU printed."""
    path = folder / "fault.bin"
    if path.exists() and path.stat().st_size == 12:
        pc, address, cause = (int(v) for v in np.fromfile(path, dtype="<u4"))
        what = f"fault at address {address:#010x}, cause {cause:#x}"
        return Problem(what, f"pc {pc:#010x} ({firmware.describe(pc)})")
    if "instruction limit" in stderr:
        return Problem("instruction limit reached", "qemu")
    return Problem(first_error(stderr), "qemu")


def _plugin(
    folder: Path,
    core: Core,
    firmware: Firmware,
    manifest: Manifest,
    samples: int,
    limits: Limits,
) -> list[str]:
    """Configure the counter; returns QEMU's arguments. Paths are relative: commas would split."""
    assert core.qemu is not None
    major = re.search(r"\d+", _version(core.qemu.binary))
    interface = 1 if major is None or int(major.group()) < 9 else 2
    library = native_library("qemu_plugin.c", (f"-DEK_PLUGIN_VERSION={interface}",))
    (folder / "count.so").symlink_to(library)
    plan = plan_counts(firmware, manifest)
    numbers = [plan.start, *plan.harness, samples, limits.instructions, len(plan.ranges)]
    numbers += [address for pair in plan.ranges for address in pair]
    numbers += [len(plan.entries), *plan.entries]
    (folder / "plan.txt").write_text(" ".join(map(str, numbers)), encoding="ascii")
    return ["-plugin", "file=./count.so,config=plan.txt"]


def _read_outputs(folder: Path, manifest: Manifest, samples: int) -> tuple[Records, int]:
    """Output records (n, bytes of one sample), and the stack use in bytes.

    Raises:
        ToolError: the file is incomplete, or the model reported an error.
    """
    _, size = port_offsets(manifest.outputs)
    data = (folder / "out.bin").read_bytes()
    if len(data) != samples * (4 + size) + 8:
        raise ToolError(f"qemu wrote {len(data)} bytes of output, which is not {samples} samples")
    magic, stack = np.frombuffer(data[-8:], dtype="<u4")
    if magic != MAGIC:
        raise ToolError("the output that qemu wrote is damaged")
    records = np.frombuffer(data[:-8], dtype=np.uint8).reshape(samples, 4 + size)
    for index, status in enumerate(np.ascontiguousarray(records[:, :4]).view("<i4")[:, 0]):
        check_status(manifest, int(status), index)
    return records[:, 4:], int(stack)


def _read_counts(folder: Path) -> tuple[Totals, list[Block]]:
    """The plugin's table (samples, steps + 1) and its blocks."""
    try:
        lines = (folder / "counts.txt").read_text(encoding="ascii").splitlines()
        samples, columns = map(int, lines[0].split())
        rows = [list(map(int, line.split())) for line in lines[1 : 1 + samples]]
        totals = np.array(rows, dtype=np.uint64).reshape(samples, columns)
        return totals, [Block(*map(int, line.split())) for line in lines[1 + samples :]]
    except (OSError, ValueError, IndexError) as error:
        raise ToolError(f"the counts that qemu's plugin wrote cannot be read: {error}") from error

"""Runs firmware in Unicorn, inside this process: no system emulator needed, and no start-up code.

The runner writes each sample into the harness' buffers and calls ``ek_sample``. Instructions are
counted by a block hook in C (a hook in Python is some twenty times slower).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.artefact import Manifest
from edgekit.errors import Problem, ToolError
from profiles.elf import Firmware, load_firmware
from profiles.runners.base import Limits, RunResult
from profiles.runners.counting import counted, plan_counts
from profiles.runners.data import check_status, pack_inputs, require_trace, unpack_outputs
from profiles.runners.hook import BlockHook
from targets.model import Core
from targets.toolchains.base import Image
from targets.toolchains.glue import region_symbol

PAGE = 0x1000


class UnicornRunner:
    """The embedded emulator."""

    name = "unicorn"

    def version(self, core: Core) -> str:
        """Name and version of the emulator."""
        from importlib.metadata import version

        return f"unicorn {version('unicorn')}"

    def missing(self, core: Core) -> Problem | None:
        """Why it cannot run images for ``core``; None where it can."""
        from importlib.util import find_spec

        if core.unicorn is None:
            return Problem("Unicorn does not model it", core.name)
        if find_spec("unicorn") is None:
            hint = "Install it with: python3 -m pip install unicorn"
            return Problem("the Python package unicorn is not installed", core.name, "", hint)
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
        with _machine(image.core, firmware) as machine:
            hook = None
            if profile:
                hook = BlockHook(
                    plan_counts(firmware, manifest),
                    firmware.code(),
                    image.core.family == "cortex-m",
                    len(records),
                    limits.instructions,
                )
                hook.install(machine.engine)
            try:
                outputs, stack = machine.samples(manifest, records, carry_state, limits, hook)
                arrays = unpack_outputs(manifest, outputs)
                if hook is None:
                    return RunResult(arrays, stack_bytes=stack)
                return counted(manifest, arrays, stack, hook.totals, hook.blocks())
            finally:
                if hook is not None:
                    machine.close()
                    hook.close()

    def trace(
        self, image: Image, manifest: Manifest, inputs: Sequence[NDArray[Any]]
    ) -> list[bytes]:
        """The arena after each step of the first sample; see `profiles.runners.base.Runner`."""
        from unicorn import UC_HOOK_CODE

        require_trace(image, True)
        records = pack_inputs(manifest, inputs)[:1]
        firmware = load_firmware(image.path)
        snapshots: list[bytes] = []
        pieces = [(firmware.symbol("ek_arena").address, manifest.arena_bytes)]
        pieces += [(firmware.symbol(region_symbol(r)).address, r.nbytes) for r in manifest.regions]
        reporter = firmware.symbol(f"{manifest.name}_trace").address

        def reported(engine: Any, address: int, size: int, user: Any) -> None:
            if address == reporter:
                read = (bytes(engine.mem_read(start, size)) for start, size in pieces)
                snapshots.append(b"".join(read))

        with _machine(image.core, firmware) as machine:
            machine.engine.hook_add(UC_HOOK_CODE, reported, begin=reporter, end=reporter)
            machine.samples(manifest, records, False, Limits(), None)
        return snapshots


class _Machine:
    """One engine with an image in its memory."""

    def __init__(self, core: Core, firmware: Firmware) -> None:
        import unicorn
        from unicorn import arm_const, riscv_const

        self.firmware = firmware
        self.core = core
        self._error = unicorn.UcError
        self._fault = ""
        if core.family == "cortex-m":
            self.engine = unicorn.Uc(
                unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
            )
            constants: Any = arm_const
            names = ("SP", "LR", "R0", "PC")
            prefix, self._thumb = "UC_ARM_REG_", 1
        else:
            self.engine = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
            constants = riscv_const
            names = ("SP", "RA", "A0", "PC")
            prefix, self._thumb = "UC_RISCV_REG_", 0
        self._sp, self._link, self._value, self._pc = (
            getattr(constants, prefix + name) for name in names
        )
        if core.unicorn is not None and core.unicorn.cpu_model:
            self.engine.ctl_set_cpu_model(getattr(constants, core.unicorn.cpu_model))
        self._load()
        self._addresses = {
            name: firmware.symbol(name).address for name in ("ek_sample", "ek_halt", "ek_stack_top")
        }
        self.engine.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_invalid)

    def _load(self) -> None:
        from unicorn import UC_PROT_EXEC, UC_PROT_READ

        memory = self.core.memory
        assert memory is not None
        starts = [(memory.vectors_address, PAGE), (memory.flash_address, memory.flash_bytes)]
        low: set[int] = set()
        for start, size in starts:
            low.update(range(start // PAGE, -(-(start + size) // PAGE)))
        for first, count in _runs(sorted(low)):
            self.engine.mem_map(first * PAGE, count * PAGE, UC_PROT_READ | UC_PROT_EXEC)
        self.engine.mem_map(memory.ram_address, memory.ram_bytes)
        if memory.slow_address is not None and memory.slow_bytes is not None:
            self.engine.mem_map(memory.slow_address, memory.slow_bytes)
        for segment in self.firmware.segments:
            self.engine.mem_write(segment.address, segment.data)

    def _on_invalid(
        self, engine: Any, access: int, address: int, size: int, value: int, user: Any
    ) -> bool:
        self._fault = f"access of {size} bytes at {address:#010x}"
        return False

    def call(self, name: str, argument: int = 0) -> int:
        """Call a function of the harness and return its result.

        Raises:
            ToolError: the guest faulted.
        """
        halt = self._addresses["ek_halt"]
        self.engine.reg_write(self._sp, self._addresses["ek_stack_top"])
        self.engine.reg_write(self._link, halt | self._thumb)
        self.engine.reg_write(self._value, argument)
        try:
            self.engine.emu_start(self._addresses[name] | self._thumb, halt)
        except self._error as error:
            raise self.failure(str(error)) from None
        return int(self.engine.reg_read(self._value))

    def word(self, name: str) -> int:
        """Value of a 32-bit variable of the harness."""
        data = self.engine.mem_read(self.firmware.symbol(name).address, 4)
        return int.from_bytes(data, "little")

    def failure(self, reason: str) -> ToolError:
        """The error of a guest that stopped where it should not."""
        pc = int(self.engine.reg_read(self._pc))
        where = f"pc {pc:#010x} ({self.firmware.describe(pc)})"
        problem = Problem(self._fault or reason, where)
        return ToolError(f"the firmware failed on the emulated {self.core.name}", [problem])

    def at_halt(self) -> bool:
        """True where the last call returned."""
        return int(self.engine.reg_read(self._pc)) & ~1 == self._addresses["ek_halt"]

    def samples(
        self,
        manifest: Manifest,
        records: NDArray[np.uint8],
        carry_state: bool,
        limits: Limits,
        hook: BlockHook | None,
    ) -> tuple[NDArray[np.uint8], int]:
        """Run all samples in a thread of its own, so that Ctrl-C and the time limit reach it.

        Returns:
            Output records (n, bytes of one sample), and the stack use in bytes.
        """
        job = _Job(self, manifest, records, carry_state, hook)
        thread = threading.Thread(target=job.work, name="edgekit-unicorn", daemon=True)
        deadline = time.monotonic() + limits.seconds
        thread.start()
        try:
            while not job.done.is_set() and time.monotonic() < deadline:
                job.done.wait(min(0.2, max(deadline - time.monotonic(), 0.0)))
        finally:
            # Not is_alive(): a join that Ctrl-C interrupts can mark a running thread as ended, and
            # the engine must not be released under it.
            late = not job.done.is_set()
            while not job.done.is_set():
                job.cancelled = True
                self.engine.emu_stop()
                job.done.wait(0.05)
        if late:
            raise self.failure(f"stopped after {limits.seconds:g} s")
        if job.error is not None:
            raise job.error
        return job.outputs, job.stack_bytes

    def close(self) -> None:
        """Release the engine."""
        self.engine = None


class _Job:
    """The samples of one run, worked off in a thread."""

    def __init__(
        self,
        machine: _Machine,
        manifest: Manifest,
        records: NDArray[np.uint8],
        carry_state: bool,
        hook: BlockHook | None,
    ) -> None:
        self.machine, self.manifest, self.records = machine, manifest, records
        self.carry_state, self.hook = carry_state, hook
        firmware = machine.firmware
        self.input = firmware.symbol("ek_input").address
        self.output = firmware.symbol("ek_output").address
        sizes = [-(-port.nbytes // 16) * 16 for port in manifest.outputs]
        self.outputs = np.zeros((len(records), sum(sizes)), dtype=np.uint8)
        self.stack_bytes = 0
        self.cancelled = False
        self.done = threading.Event()
        self.error: BaseException | None = None

    def work(self) -> None:
        """Run every sample; an error is kept for the thread that waits."""
        try:
            for index, record in enumerate(self.records):
                self._sample(index, record)
            self.stack_bytes = self.machine.word("ek_stack_bytes")
        except BaseException as error:
            self.error = error
        finally:
            self.done.set()

    def _sample(self, index: int, record: NDArray[np.uint8]) -> None:
        machine = self.machine
        machine.engine.mem_write(self.input, record.tobytes())
        status = machine.call("ek_sample", int(index == 0 or not self.carry_state))
        if self.cancelled or not machine.at_halt():
            limit = self.hook is not None and self.hook.stopped
            raise machine.failure("instruction limit reached" if limit else "stopped")
        check_status(self.manifest, status, index)
        size = self.outputs.shape[1]
        self.outputs[index] = np.frombuffer(machine.engine.mem_read(self.output, size), np.uint8)


@contextlib.contextmanager
def _machine(core: Core, firmware: Firmware) -> Iterator[_Machine]:
    machine = _Machine(core, firmware)
    try:
        yield machine
    finally:
        machine.close()


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """(first, count) of each run of consecutive numbers."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and sum(found[-1]) == number:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((number, 1))
    return found

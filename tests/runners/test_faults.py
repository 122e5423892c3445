"""A guest that faults, loops or overflows its stack ends in one clear error, and soon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgekit.errors import ToolError
from profiles.runners import Limits
from targets.load import load_core
from tests.runners import sample_model
from tests.runners.support import build, emulator

CASES = [
    ("cortex-m0plus", "unicorn"),
    ("cortex-m4", "unicorn"),
    ("cortex-m33", "unicorn"),
    ("rv32imc", "unicorn"),
    ("cortex-m0plus", "qemu"),
    ("cortex-m4", "qemu"),
    ("cortex-m55", "qemu"),
    ("rv32imc", "qemu"),
]
FIRST = "    int32_t total = 0;\n"  # in the second step
NOWHERE = {"cortex-m55": 0xF1000000}  # nothing is there; on the other machines:
HIGH = 0x9F000000


def broken(statement: str) -> str:
    return sample_model.SOURCE.replace(FIRST, f"{FIRST}    {statement}\n")


def fail(core: str, name: str, statement: str, limits: Limits | None = None) -> str:
    runner = emulator(name, core)
    image, manifest = build(core, "zig", source=broken(statement))
    with pytest.raises(ToolError) as caught:
        runner.run(image, manifest, sample_model.inputs(2), limits=limits, profile=True)
    assert core in str(caught.value)
    assert caught.value.exit_code == 4
    return str(caught.value)


@pytest.mark.parametrize(("core", "name"), CASES)
def test_unmapped_access_names_function_and_address(core: str, name: str) -> None:
    address = NOWHERE.get(core, HIGH)
    text = fail(core, name, f"total = *(volatile int32_t *){address:#x}u;")
    assert "tiny_s1_gate+0x" in text
    assert "pc 0x" in text
    if core != "cortex-m0plus" or name == "unicorn":  # M0 has no fault address register
        assert f"{address:#010x}" in text


@pytest.mark.parametrize(("core", "name"), CASES)
def test_illegal_instruction_names_function(core: str, name: str) -> None:
    illegal = ".short 0xdeff" if core != "rv32imc" else ".word 0xffffffff"
    assert "tiny_s1_gate+0x" in fail(core, name, f'__asm__ volatile("{illegal}");')


@pytest.mark.parametrize(("core", "name"), CASES)
def test_stack_overflow_is_a_fault(core: str, name: str) -> None:
    fail(core, name, "volatile int32_t big[100000]; big[state[0] & 1] = 1; total = big[0];")


@pytest.mark.parametrize("name", ["unicorn", "qemu"])
def test_a_stack_used_to_its_last_word_is_noticed(name: str) -> None:
    runner = emulator(name, "cortex-m4")
    memory = load_core("cortex-m4").memory
    assert memory is not None
    last = f"*(volatile int32_t *){memory.ram_address:#x}u = 1;"
    image, manifest = build("cortex-m4", "zig", source=broken(last))
    with pytest.raises(ToolError, match="stack of the test harness overflowed"):
        runner.run(image, manifest, sample_model.inputs(1))


@pytest.mark.parametrize(("core", "name"), CASES)
def test_an_endless_loop_ends_at_the_time_limit(core: str, name: str) -> None:
    started = time.monotonic()
    text = fail(core, name, 'while (1) { __asm__ volatile(""); }', Limits(seconds=0.5))
    assert "stopped after 0.5 s" in text
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(("core", "name"), CASES)
def test_an_endless_loop_ends_at_the_instruction_limit(core: str, name: str) -> None:
    limits = Limits(seconds=60, instructions=1_000_000)
    text = fail(core, name, 'while (1) { __asm__ volatile(""); }', limits)
    assert "instruction limit reached" in text


def test_a_damaged_image_is_refused(tmp_path: Path) -> None:
    runner = emulator("unicorn", "cortex-m4")
    image, manifest = build("cortex-m4", "zig")
    data = image.path.read_bytes()
    for size in (0, 30, len(data) // 2):
        path = tmp_path / f"cut{size}.elf"
        path.write_bytes(data[:size])
        cut = type(image)(path, image.toolchain, image.version, image.core, False)
        with pytest.raises(ToolError):
            runner.run(cut, manifest, sample_model.inputs(1))


INTERRUPTED = """
import sys
from tests.runners import sample_model
from tests.runners.support import build
from profiles.runners import EMULATORS
image, manifest = build("cortex-m4", "zig", source=sys.argv[1])
print("running", flush=True)
EMULATORS["unicorn"].run(image, manifest, sample_model.inputs(1))
"""


def test_ctrl_c_reaches_a_running_guest() -> None:
    emulator("unicorn", "cortex-m4")
    source = broken('while (1) { __asm__ volatile(""); }')
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, source],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "running"
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in errors

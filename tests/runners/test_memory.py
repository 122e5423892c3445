"""Memory figures of the linked image, against GNU size and the model's own arrays."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import pytest

from edgekit.errors import ToolError
from profiles.elf import load_firmware
from profiles.memory import measure_memory
from tests.runners import sample_model
from tests.runners.support import MCU_CORES, build

# Large enough that no compiler turns them into instructions.
BIG = (
    sample_model.SOURCE.replace("tiny_w_0[32] = {@WEIGHTS@}", "tiny_w_0[1000] = {@WEIGHTS@, 1}")
    .replace("tiny_w_0[8 * i + k]", "tiny_w_0[(8 * i + k + x[0] * x[0]) % 1000]")
    .replace("tiny_q_0[4]", "tiny_q_0[40]")
    .replace("sum = tiny_q_0[i]", "sum = tiny_q_0[(x[1] & 31) + i]")
)


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize("core", MCU_CORES)
def test_weights_tables_and_code(core: str, toolchain: str) -> None:
    image, manifest = build(core, toolchain, source=BIG)
    use = measure_memory(image, manifest)
    assert (use.weights_bytes, use.table_bytes, use.static_bytes) == (1000, 160, 0)
    assert 150 < use.code_bytes < 2000
    assert use.flash_bytes == use.code_bytes + 1160
    mixed = measure_memory(image, replace(manifest, stream_table_bytes=300))
    assert mixed == replace(use, weights_bytes=700, table_bytes=460)


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_flash_is_what_gnu_size_says_of_the_models_sections(toolchain: str) -> None:
    size = shutil.which("arm-none-eabi-size")
    if size is None:
        pytest.skip("arm-none-eabi-size is not installed")
    image, manifest = build("cortex-m4", toolchain, source=BIG)
    text = subprocess.run(
        [size, "-A", str(image.path)], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split() for line in text.splitlines()]
    sections = {w[0]: int(w[1]) for w in lines if len(w) == 3 and w[1].isdigit()}
    model = sum(sections.get(name, 0) for name in (".text", ".rodata", ".data"))
    assert measure_memory(image, manifest).flash_bytes == model
    assert sections[".ek_text"] > 0  # the harness lies elsewhere


def test_zeroed_and_initialised_data_are_static_ram() -> None:
    grown = BIG.replace(
        "int tiny_run(void",
        "int32_t tiny_zero[5]; int32_t tiny_init_data[3] = {1, 2, 3};\nint tiny_run(void",
    ).replace(
        "    tiny_s0_dense(arena);",
        "    tiny_zero[2] += tiny_init_data[1]; tiny_init_data[0]++;\n    tiny_s0_dense(arena);",
    )
    image, manifest = build("cortex-m4", "gcc", source=grown)
    use = measure_memory(image, manifest)
    assert use.static_bytes == 32
    assert use.flash_bytes == use.code_bytes + 1160 + 12


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize("core", MCU_CORES)
def test_the_harness_pulls_in_no_library_routine(core: str, toolchain: str) -> None:
    source = BIG.replace("memcpy(", "own_copy(").replace("memset(", "own_fill(")
    own = """
static void own_copy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }
}
static void own_fill(void *to, int value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((volatile uint8_t *)to)[i] = (uint8_t)value;
    }
}
#define NOINLINE"""
    image, _ = build(core, toolchain, source=source.replace("#define NOINLINE", own, 1))
    names = {symbol.name for symbol in load_firmware(image.path).symbols}
    assert not names & {"memcpy", "memset", "memmove"}


def test_a_library_is_no_firmware() -> None:
    image, manifest = build("cortex-m4", "gcc", source=BIG)
    gone = type(image)(image.path.with_name("gone"), "gcc", "", image.core, False)
    with pytest.raises(ToolError, match="not a readable firmware image"):
        measure_memory(gone, manifest)

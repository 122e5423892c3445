"""``--weights``: constants copied to RAM at start and read there, on an emulated Cortex-M7."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import api
from edgekit.api import ConvertOptions
from edgekit.artefact import load_manifest
from edgekit.deployment import Deployment
from edgekit.errors import UsageError
from edgekit.options import Place
from profiles.elf import load_firmware
from targets.load import load_core
from tests.codegen.states import accumulator
from tests.conversions import Conversions
from tests.proofs.data import FLOAT_TASKS, int8_model, mixed_samples
from tests.proofs.emission import STRICT, compiler, run
from tests.runners.support import emulator

CORE = "cortex-m7"
BUDGET = {"kws_ref_model": 16_000, "vww_96_int8": 20_000, "ad01_int8": 9_000}
"""Bytes for copies: less than the constants of each model."""
KWS, AD = "kws_ref_model", "ad01_int8"


def made(
    conversions: Conversions, name: str, weights: Mapping[str, int | None], **more: Any
) -> Deployment:
    options = ConvertOptions(
        CORE, weights=weights, toolchain="gcc", emulator="unicorn", vectors=1, **more
    )
    return conversions(int8_model(name), options)


@pytest.mark.parametrize("name", [KWS, "vww_96_int8"])
def test_outputs_with_copied_constants(name: str, conversions: Conversions) -> None:
    emulator("unicorn", CORE)
    budget = BUDGET[name]
    copied, plain = made(conversions, name, {"dtcm": budget}), made(conversions, name, {})
    found = copied.manifest.copied
    assert found is not None
    assert plain.manifest.copied is None
    whole = copied.manifest.weights_bytes
    assert 0.8 * budget < found.nbytes <= budget < whole == plain.manifest.weights_bytes
    assert found.share > found.nbytes / whole, "what is read most"
    memory, before = copied.report.memory, plain.report.memory
    assert copied.report.verification.emulated
    assert memory.copied_bytes == found.nbytes
    assert memory.arena_bytes == before.arena_bytes
    assert memory.flash_bytes is not None
    assert before.flash_bytes is not None
    assert memory.flash_bytes > before.flash_bytes, "flash keeps the originals"
    assert memory.arena_bytes is not None
    assert memory.stack_bytes is not None
    assert memory.ram_bytes == memory.arena_bytes + memory.stack_bytes + found.nbytes
    counts = [d.report.latency.instructions or 0 for d in (copied, plain)]
    assert counts[0] < 1.01 * counts[1]
    x = mixed_samples(name, plain.manifest.inputs[0].shape, 4, seed=7)[2:]
    (wanted,) = plain.run({"x": x}).values()
    places: tuple[Place, ...] = ("host", "emulator")
    for place in places:
        (outputs,) = copied.run({"x": x}, on=place).values()
        np.testing.assert_array_equal(outputs, wanted)


def test_without_a_size_every_constant_is_copied(conversions: Conversions) -> None:
    """Beside a split arena, in the slower memory; QEMU too."""
    for choice in ("unicorn", "qemu"):
        emulator(choice, CORE)
    memories = {"dtcm": 8_400, "sram": None}
    whole = made(conversions, KWS, {"sram": None}, memories=memories)
    found = whole.manifest.copied
    assert found is not None
    assert found.share == pytest.approx(1.0)
    assert found.nbytes >= whole.manifest.weights_bytes
    firmware = load_firmware(next((whole.folder / "build").rglob("*.elf")))
    memory = load_core(CORE).memory
    assert memory is not None
    assert memory.slow_address is not None
    assert firmware.symbol("ek_weights").address >= memory.slow_address
    x = mixed_samples(KWS, whole.manifest.inputs[0].shape, 2, seed=7)
    (wanted,) = whole.run({"x": x}).values()
    (outputs,) = whole.run({"x": x}, on="emulator", emulator="qemu").values()
    np.testing.assert_array_equal(outputs, wanted)
    assert whole.debug(on="host").first_difference is None


def test_two_models_keep_their_copies_apart(conversions: Conversions, tmp_path: Path) -> None:
    emulator("unicorn", CORE)
    first = made(conversions, AD, {"dtcm": BUDGET[AD]}).folder
    second = made(conversions, KWS, {"dtcm": BUDGET[KWS]}).folder
    plain = tmp_path / "counter"
    api.convert(accumulator(8), plain, ConvertOptions(CORE, name="counter", emulator="none"))
    both = tmp_path / "both"
    found = api.combine(
        [first, plain, second], both, name="three", emulator="unicorn", toolchain="gcc"
    )
    assert found.identical
    assert found.emulator is not None
    sizes = [load_manifest(folder).copied_bytes for folder in (first, plain, second)]
    assert sizes[1] == 0
    assert load_manifest(both).copied_bytes == -(-sizes[0] // 8) * 8 + sizes[2]


CALLER = """
#include "@name@.h"
#define COUNT @NAME@_WEIGHTS_BYTES
static union { long double align; unsigned char bytes[@NAME@_ARENA_BYTES + 16]; } arena;
static union { long double align; unsigned char bytes[COUNT + 16]; } weights;
static int8_t x[@NAME@_INPUT_0_SIZE], y[2][@NAME@_OUTPUT_0_SIZE];
static int run(int8_t *out)
{
    return @name@_run_copy(arena.bytes, weights.bytes, 0, x, out);
}
int main(void)
{
    int differ = 0;
    @name@_load(weights.bytes);
    if (@name@_run_copy(arena.bytes, 0, 0, x, y[0]) != -1
        || @name@_run_copy(arena.bytes, weights.bytes + 1, 0, x, y[0]) != -1 || run(y[0]) != 0) {
        return 1;
    }
    for (int i = 0; i < COUNT; ++i) {
        weights.bytes[i] = (unsigned char)(weights.bytes[i] + 64);
    }
    if (run(y[1]) != 0) {
        return 2;
    }
    for (int i = 0; i < @NAME@_OUTPUT_0_SIZE; ++i) {
        differ += y[0][i] != y[1][i];
    }
    return differ == 0 ? 3 : 0;
}
"""


@pytest.mark.parametrize("tool", ["gcc", "zig"])
def test_the_copies_are_what_is_read(tool: str, conversions: Conversions, tmp_path: Path) -> None:
    """Other bytes there, other outputs; NULL and misaligned memory are refused; no warning."""
    options = ConvertOptions("host", weights={"dtcm": BUDGET[KWS]}, vectors=1, name="net")
    folder = conversions(int8_model(KWS), options).folder
    text = CALLER.replace("@name@", "net").replace("@NAME@", "NET")
    (tmp_path / "main.c").write_text(text, encoding="utf-8")
    sources = [f"-I{folder}", str(folder / "net.c"), "main.c"]
    run([*compiler(tool), *STRICT, "-O1", *sources, "-o", "main"], tmp_path)
    run([tmp_path / "main"], tmp_path)


def test_helpers_before_the_model_pass_them_on(tmp_path: Path) -> None:
    emulator("unicorn", CORE)
    digits = FLOAT_TASKS["digits"]()
    options = ConvertOptions(
        CORE, weights={"dtcm": None}, toolchain="gcc", emulator="unicorn", vectors=1
    )
    image = api.ImageInput(9, 11, colour="gray", model_colour="gray", scale=(1 / 255,))
    whole = api.convert(
        digits.model,
        tmp_path / "out",
        options,
        calibration={"image": digits.calibration},
        processing=api.Processing({"image": image}),
    )
    assert whole.manifest.copied is not None
    x = np.random.default_rng(3).integers(0, 256, (2, 9, 11, 1)).astype(np.uint8)
    (wanted,) = whole.run({"image": x}, raw=True).values()
    places: tuple[Place, ...] = ("host", "emulator")
    for place in places:
        (outputs,) = whole.run({"image": x}, on=place, raw=True).values()
        np.testing.assert_array_equal(outputs, wanted)


def test_what_a_board_has_left() -> None:
    """Without a size: what arena, state and stack leave of that memory."""
    model = int8_model("ad01_int8")
    board = "nucleo-h743zi2"

    def copied(memories: Mapping[str, int | None], weights: Mapping[str, int | None]) -> int:
        options = ConvertOptions(
            board, memories=memories, weights=weights, emulator="none", toolchain="gcc", vectors=1
        )
        return api.convert(model, None, options).report.memory.copied_bytes

    assert 120_000 < copied({}, {"dtcm": None}) <= 131_072
    assert 120_000 < copied({"dtcm": None, "axi_sram": None}, {"dtcm": None}) <= 131_072 - 768
    with pytest.raises(UsageError, match="memory 'psram': is not one of the board; allowed: dtcm,"):
        copied({}, {"psram": None})
    with pytest.raises(UsageError, match="memory 'dtcm': has fewer than 200,000 bytes"):
        copied({}, {"dtcm": 200_000})
    with pytest.raises(UsageError, match="has fewer than 131,072 bytes left"):
        copied({"dtcm": None, "axi_sram": None}, {"dtcm": 131_072})
    with pytest.raises(UsageError, match="weights: names several memories: dtcm, axi_sram"):
        copied({}, {"dtcm": None, "axi_sram": None})
    with pytest.raises(UsageError, match="memory 'D TCM': cannot be a part of C names"):
        copied({}, {"D TCM": None})

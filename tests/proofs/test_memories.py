"""An arena over two memories, on an emulated Cortex-M7 whose second memory lies elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit import api
from edgekit.api import ConvertOptions
from edgekit.errors import FitError, UsageError
from edgekit.options import EmulatorChoice, Place
from profiles.elf import load_firmware
from targets.load import load_core
from tests.codegen.states import accumulate, accumulator
from tests.conversions import Conversions
from tests.proofs.data import int8_model, mixed_samples
from tests.proofs.emission import STRICT, compiler, run
from tests.runners.support import emulator

CORE = "cortex-m7"
FAST = {"pretrainedResnet_quant": 20_000, "kws_ref_model": 8_400, "vww_96_int8": 24_000}
"""Bytes of the fast memory: less than the arena of each model needs."""


def options(fast: int, emulated: EmulatorChoice = "unicorn") -> ConvertOptions:
    memories = {"dtcm": fast, "sram": None}
    return ConvertOptions(CORE, memories=memories, toolchain="gcc", emulator=emulated, vectors=1)


@pytest.mark.parametrize("name", FAST)
def test_outputs_of_a_split_arena(name: str, conversions: Conversions) -> None:
    emulator("unicorn", CORE)
    made = conversions(int8_model(name), options(FAST[name]))
    split = made.report.schedule and made.report.schedule.split
    assert split
    assert split.arena_bytes <= FAST[name]
    assert 0 < split.bound_bytes <= split.moved_bytes
    (region,) = made.manifest.regions
    assert region.name == "sram"
    assert made.manifest.arena_memory == "dtcm"
    assert made.report.memory.region_bytes == region.nbytes
    x = mixed_samples(name, made.manifest.inputs[0].shape, 4, seed=7)[2:]
    (wanted,) = made.run({"x": x}).values()
    (emulated,) = made.run({"x": x}, on="emulator").values()
    np.testing.assert_array_equal(emulated, wanted)


def test_the_pieces_lie_in_two_memories_and_every_layer_is_traced(conversions: Conversions) -> None:
    for choice in ("unicorn", "qemu"):
        emulator(choice, CORE)
    name = "pretrainedResnet_quant"
    made = conversions(int8_model(name), options(FAST[name]))
    firmware = load_firmware(next((made.folder / "build").rglob("*.elf")))
    memory = load_core(CORE).memory
    assert memory is not None
    assert memory.slow_address is not None
    assert firmware.symbol("ek_region_sram").address >= memory.slow_address
    assert firmware.symbol("ek_arena").address < memory.slow_address
    assert {t.region for s in made.manifest.steps for t in s.writes} == {"arena", "sram"}
    assert made.debug(on="host").first_difference is None
    choices: tuple[EmulatorChoice, ...] = ("unicorn", "qemu")
    for choice in choices:
        found = made.debug(on="emulator", emulator=choice)
        assert found.first_difference is None


def test_a_plan_file_keeps_the_split(conversions: Conversions, tmp_path: Path) -> None:
    model = int8_model("kws_ref_model")
    made = conversions(model, options(8_400))
    pinned = ConvertOptions(CORE, plan=made.folder / "edgekit" / "plan.json", emulator="none")
    again = api.convert(model, tmp_path / "out", pinned)
    assert again.manifest.regions == made.manifest.regions
    assert again.manifest.steps == made.manifest.steps


def test_state_stays_apart_and_inputs_may_lie_anywhere(tmp_path: Path) -> None:
    """Nothing fits into the fast memory: input, output and next state lie in the other one."""
    emulator("unicorn", CORE)
    wanted = ConvertOptions(CORE, memories={"dtcm": 0, "sram": None}, toolchain="gcc")
    made = api.convert(accumulator(8), tmp_path / "out", wanted)
    assert {p.region for p in (*made.manifest.inputs, *made.manifest.outputs)} == {"sram"}
    x = np.arange(24, dtype=np.int8).reshape(3, 8)
    places: tuple[Place, ...] = ("host", "emulator")
    for place in places:
        (found,) = made.run({"x": x}, on=place, carry_state=True).values()
        np.testing.assert_array_equal(found, accumulate(x, carry=True))


CALLER = """
#include "net.h"
static union { long double align; unsigned char bytes[NET_ARENA_BYTES + 16]; } fast;
static union { long double align; unsigned char bytes[NET_MEM_SRAM_BYTES]; } slow;
static union { long double align; unsigned char bytes[NET_STATE_BYTES]; } state;
int main(void)
{
    int8_t *x = net_input(fast.bytes, slow.bytes, 0);
    const int8_t *y = net_output(fast.bytes, slow.bytes, 0);
    net_init(state.bytes);
    for (int i = 0; i < NET_INPUT_0_SIZE; ++i) {
        x[i] = 1;
    }
    if (net_run(fast.bytes, 0, state.bytes) != -1
        || net_run(fast.bytes, slow.bytes + 1, state.bytes) != -1
        || net_input(fast.bytes, slow.bytes, 1) != 0) {
        return 1;
    }
    return net_run(fast.bytes, slow.bytes, state.bytes) == 0 && y[0] == 11 ? 0 : 2;
}
"""


@pytest.mark.parametrize("tool", ["gcc", "zig"])
def test_the_interface_takes_a_pointer_for_each_memory(tool: str, tmp_path: Path) -> None:
    wanted = ConvertOptions("host", memories={"dtcm": 0, "sram": None}, name="net")
    folder = tmp_path / "out"
    api.convert(accumulator(8), folder, wanted)
    (folder / "main.c").write_text(CALLER, encoding="utf-8")
    command = [*compiler(tool), *STRICT, "-O1", "net.c", "main.c", "-o", "main"]
    run(command, folder)
    run([folder / "main"], folder)


def test_a_board_knows_its_memories(tmp_path: Path) -> None:
    model = int8_model("kws_ref_model")
    found = api.plan(model, "nucleo-h743zi2", memories={"dtcm": None, "axi_sram": None})
    assert found.schedule.split is not None
    assert found.schedule.split.regions == ()
    with pytest.raises(UsageError, match="memory 'psram': is not one of the board; allowed: dtcm,"):
        api.plan(model, "nucleo-h743zi2", memories={"dtcm": None, "psram": None})
    with pytest.raises(UsageError, match="memory 'dtcm': has fewer than 999,999 bytes"):
        api.plan(model, "nucleo-h743zi2", memories={"dtcm": 999_999})
    with pytest.raises(UsageError, match="of unknown size on this target"):
        api.plan(model, CORE, memories={"dtcm": None, "sram": None})
    with pytest.raises(UsageError, match="memory 'S RAM': cannot be a part of C names"):
        api.plan(model, CORE, memories={"S RAM": 8})
    with pytest.raises(FitError, match="the arena does not fit into these memories"):
        api.plan(model, CORE, memories={"dtcm": 4096, "sram": 4096})

"""Instruction counts: right, the same in both emulators, and split over the steps."""

from __future__ import annotations

import dataclasses

import pytest

from edgekit.errors import ToolError
from profiles.runners import EMULATORS
from tests.runners import sample_model
from tests.runners.support import BOTH_EMULATORS, EMULATED, build, emulator

# A step whose instructions can be counted by hand: 2 + 2 * 1000 of them.
THUMB_LOOP = """static __attribute__((naked, noinline)) void tiny_s0_dense(uint8_t *arena)
{
    __asm__ volatile(".syntax unified\\n movs r1, #125\\n lsls r1, r1, #3\\n"
                     "1: subs r1, r1, #1\\n bne 1b\\n bx lr");
}
static __attribute__((unused)) void unused_step(uint8_t *arena)
{"""
RISCV_LOOP = THUMB_LOOP.replace(
    '".syntax unified\\n movs r1, #125\\n lsls r1, r1, #3\\n"', '"li a1, 125\\n slli a1, a1, 3\\n"'
).replace('"1: subs r1, r1, #1\\n bne 1b\\n bx lr"', '"1: addi a1, a1, -1\\n bnez a1, 1b\\n ret"')
STEP_HEAD = "static NOINLINE void tiny_s0_dense(uint8_t *arena)\n{"


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize(("core", "name"), EMULATED)
def test_a_loop_counted_by_hand(core: str, toolchain: str, name: str) -> None:
    runner = emulator(name, core)
    loop = RISCV_LOOP if core == "rv32imc" else THUMB_LOOP
    source = sample_model.SOURCE.replace(STEP_HEAD, loop)
    image, manifest = build(core, toolchain, source=source)
    result = runner.run(image, manifest, sample_model.inputs(2), profile=True)
    # two to set up, two for each round, one to return
    assert result.layers[0].samples == (2 + 2 * 1000 + 1,) * 2
    rounds = [b for b in result.blocks if b.executions == 2 * 999]
    assert [(b.instructions, b.taken) for b in rounds] == [(2, 2 * 998)]


@pytest.mark.parametrize("carry_state", [False, True])
@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize("core", BOTH_EMULATORS)
def test_both_emulators_count_alike(core: str, toolchain: str, carry_state: bool) -> None:
    unicorn, qemu = emulator("unicorn", core), emulator("qemu", core)
    image, manifest = build(core, toolchain)
    inputs = sample_model.inputs(9)
    first = unicorn.run(image, manifest, inputs, carry_state=carry_state, profile=True)
    second = qemu.run(image, manifest, inputs, carry_state=carry_state, profile=True)
    assert first.instructions == second.instructions
    assert first.layers == second.layers
    assert first.other_instructions == second.other_instructions
    assert first.stack_bytes == second.stack_bytes
    assert sum(b.taken for b in first.blocks) == sum(b.taken for b in second.blocks)


@pytest.mark.parametrize("name", list(EMULATORS))
def test_the_parts_make_the_whole_and_a_second_run_the_same(name: str) -> None:
    runner = emulator(name, "cortex-m0plus")
    image, manifest = build("cortex-m0plus", "zig")
    inputs = sample_model.inputs(9)
    result = runner.run(image, manifest, inputs, profile=True)
    assert result.instructions is not None
    assert len(set(result.instructions)) > 1  # division in software branches on the data
    assert [layer.symbol for layer in result.layers] == ["tiny_s0_dense", "tiny_s1_gate"]
    assert result.other_instructions is not None
    parts = sum(layer.instructions for layer in result.layers) + result.other_instructions
    assert parts == result.instructions[0]
    executed = sum(b.instructions * b.executions for b in result.blocks)
    assert executed == sum(result.instructions)
    again = runner.run(image, manifest, inputs, profile=True)
    assert (again.instructions, again.blocks) == (result.instructions, result.blocks)


def test_library_routines_count_for_the_step_that_calls_them() -> None:
    runner = emulator("unicorn", "cortex-m0plus")
    image, manifest = build("cortex-m0plus", "zig")
    result = runner.run(image, manifest, sample_model.inputs(1), profile=True)
    division = result.layers[1].instructions
    image, manifest = build("cortex-m3", "zig")  # has a division instruction
    result = runner.run(image, manifest, sample_model.inputs(1), profile=True)
    assert division > 4 * result.layers[1].instructions


def test_a_step_that_was_inlined_is_an_error_not_a_wrong_profile() -> None:
    runner = emulator("unicorn", "cortex-m4")
    source = sample_model.SOURCE.replace(
        "static NOINLINE void tiny_s0", "static inline __attribute__((always_inline)) void tiny_s0"
    )
    image, manifest = build("cortex-m4", "zig", source=source)
    with pytest.raises(ToolError, match="steps without a function of their own: tiny_s0_dense"):
        runner.run(image, manifest, sample_model.inputs(1), profile=True)


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_two_equal_steps_keep_their_own_functions(toolchain: str) -> None:
    runner = emulator("unicorn", "cortex-m4")
    start = sample_model.SOURCE.index(STEP_HEAD)
    end = sample_model.SOURCE.index("/* state += hidden")
    dense = sample_model.SOURCE[start:end]
    twins = dense + dense.replace("tiny_s0_dense", "tiny_s0_twin")
    source = sample_model.SOURCE.replace(dense, twins)
    source = source.replace("    TRACE(0);", "    tiny_s0_twin(arena);\n    TRACE(0);")
    image, manifest = build("cortex-m4", toolchain, source=source)
    twin = dataclasses.replace(manifest.steps[0], symbol="tiny_s0_twin")
    manifest = dataclasses.replace(manifest, steps=(*manifest.steps, twin))
    result = runner.run(image, manifest, sample_model.inputs(1), profile=True)
    first, _, second = (layer.instructions for layer in result.layers)
    assert first == second > 50

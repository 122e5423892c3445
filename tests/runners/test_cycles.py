"""The Cortex-M4 pairs model on sequences of the reference manual, and ranges elsewhere."""

from __future__ import annotations

import pytest

from profiles.cycles import estimate_cycles
from profiles.cycles.decode import Kind, decode_block
from profiles.cycles.model import Cost
from profiles.cycles.pairs import block_cost, fetch_cost, taken_cost
from profiles.runners import RunResult
from targets.load import load_core
from tests.runners import sample_model
from tests.runners.support import build, emulator

# Encodings by GNU as.
LDR_R0_R1 = "0868"
LDR_R1_R2 = "1168"
LDR_R2_R3_4 = "5a68"
LDR_R4_R0 = "0468"
LDR_R0_R1_R2 = "8858"
LDR_R0_R1_R5 = "4859"
STR_R0_R3_20 = "5861"
STR_R1_R3_R2 = "9950"
LDRD = "d2e90001"
LDM3 = "0ec8"
PUSH4 = "70b5"
POP4_PC = "70bd"
ADDS = "0130"
ADD_R1_R1_R2 = "1144"
MLA = "01fb0230"
SMLAD = "21fb0230"
SMULL = "82fb0301"
SDIV = "91fbf2f0"
IT_MOV = "08bf0846"
VMUL_S0 = "20ee810a"
VADD_S3_S0_S4 = "70ee021a"
VADD_S3_S5_S4 = "72ee821a"
VFMA_S0 = "a0ee810a"
VDIV_S0 = "80ee810a"
VLDR_S0 = "90ed000a"
VLDR_D0 = "90ed000b"
VPUSH4 = "2ded048a"
VMOV_PAIR = "51ec110a"
BNE = "fed1"


def cost(code: str) -> Cost:
    return block_cost(decode_block(bytes.fromhex(code), 0x1000))


@pytest.mark.parametrize(
    ("code", "typical"),
    [
        (LDR_R0_R1, 2),
        (LDR_R0_R1 + LDR_R1_R2, 3),
        (LDR_R0_R1_R2 + STR_R0_R3_20, 3),
        (LDR_R0_R1_R2 + STR_R1_R3_R2, 4),
        (LDR_R0_R1_R5 + LDR_R1_R2 + LDR_R2_R3_4, 4),
        (LDR_R0_R1 + LDR_R4_R0, 4),  # the second needs the first one's result
        (LDR_R0_R1 + ADDS + LDR_R1_R2, 5),
        (LDRD, 3),
        (LDM3, 4),
        (PUSH4, 5),
        (POP4_PC, 5),
        (ADDS + MLA + SMLAD + SMULL, 4),
        (IT_MOV, 2),
        (VMUL_S0 + VADD_S3_S0_S4, 3),  # waits for the product
        (VMUL_S0 + VADD_S3_S5_S4, 2),
        (VFMA_S0, 3),
        (VDIV_S0, 14),
        (VLDR_S0, 2),
        (VLDR_D0, 3),
        (VPUSH4, 5),
        (VMOV_PAIR, 2),
        (BNE, 1),
    ],
)
def test_typical_cycles_of_a_sequence(code: str, typical: int) -> None:
    found = cost(code)
    assert found.typical == typical
    assert found.low <= typical <= found.high


def test_the_range_spans_what_is_not_known() -> None:
    assert cost(SDIV) == Cost(2, 7, 12)
    assert cost(LDR_R0_R1 + LDR_R1_R2) == Cost(3, 3, 4)
    assert cost(IT_MOV) == Cost(1, 2, 2)
    assert cost(ADD_R1_R1_R2 + LDR_R0_R1) == Cost(3, 3, 4)  # address just computed
    assert taken_cost(0) == Cost(1, 2, 3)


def test_wait_states_cost_nothing_where_everything_hits() -> None:
    assert taken_cost(5) == Cost(1, 7, 8)
    assert fetch_cost(40, 5) == Cost(0, 0, 15)
    assert fetch_cost(40, 0) == Cost()


def test_an_unknown_encoding_counts_as_one_instruction() -> None:
    decoded = decode_block(bytes.fromhex(ADDS + "ffffffff" + ADDS), 0)
    assert [i.kind for i in decoded] == [Kind.SIMPLE] * 3


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_every_block_of_a_real_image_decodes_to_its_instruction_count(toolchain: str) -> None:
    from profiles.elf import load_firmware

    runner = emulator("unicorn", "cortex-m4")
    image, manifest = build("cortex-m4", toolchain)
    result = runner.run(image, manifest, sample_model.inputs(2), profile=True)
    code = load_firmware(image.path).code()
    for block in result.blocks:
        start = block.address - code.address
        decoded = decode_block(code.data[start : start + block.size], block.address)
        assert len(decoded) == block.instructions


def test_an_m4_estimate_is_per_inference_and_ordered() -> None:
    runner = emulator("unicorn", "cortex-m4")
    image, manifest = build("cortex-m4", "gcc")
    one = runner.run(image, manifest, sample_model.inputs(1), profile=True)
    many = runner.run(image, manifest, sample_model.inputs(8), profile=True)
    first, mean = estimate_cycles(image, one), estimate_cycles(image, many)
    slow = estimate_cycles(image, one, wait_states=5)
    assert first is not None
    assert mean is not None
    assert slow is not None
    assert first.typical is not None
    assert slow.typical is not None
    assert one.instructions is not None
    assert one.instructions[0] <= first.low <= first.typical <= first.high
    assert first.typical < 2 * one.instructions[0]
    assert mean.typical == pytest.approx(first.typical, rel=0.02)
    assert slow.low == first.low
    assert slow.typical > first.typical
    assert "DDI0439" in first.source


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m7", "rv32imc"])
def test_elsewhere_it_is_a_range_without_a_typical_figure(core: str) -> None:
    runner = emulator("unicorn", core)
    image, manifest = build(core, "zig")
    result = runner.run(image, manifest, sample_model.inputs(3), profile=True)
    estimate = estimate_cycles(image, result)
    cycles = load_core(core).cycles
    assert estimate is not None
    assert cycles is not None
    assert result.instructions is not None
    mean = sum(result.instructions) / 3
    assert estimate.typical is None
    assert estimate.low == int(mean * cycles.cpi_low)
    assert mean * cycles.cpi_high <= estimate.high < mean * cycles.cpi_high + 1
    assert "cycles per instruction" in estimate.method


def test_nothing_counted_gives_no_estimate() -> None:
    image, _ = build("host", "zig")
    assert estimate_cycles(image, RunResult([])) is None
    image, manifest = build("cortex-m4", "zig")
    result = emulator("unicorn", "cortex-m4").run(image, manifest, sample_model.inputs(1))
    assert estimate_cycles(image, result) is None

"""The seam for kernels in assembly: chosen, emitted once, run on the core, its equal elsewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from codegen.assembly.armv7e_m.conv_block import conv_function
from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M, MVE, isa_of
from codegen.c.assembly import assembly_texts
from codegen.c.choice import PORTABLE, VARIANTS, KernelSet, kernels_for
from codegen.c.operators.overlap import by_element
from codegen.c.step import StepWriter, Variant
from codegen.c.writer import Assembly, Writer
from edgekit import api
from edgekit.ir import DType, Graph, Quant, TensorType
from edgekit.ir.ops import Clamp, Clip, QClip
from edgekit.options import ToolchainChoice
from targets.load import load_core
from targets.toolchains import get_toolchain
from tests.codegen.batch import BOTH
from tests.runners.support import MCU_CORES, skip_unless


def clamp(symbol: str = "clip") -> Block:
    """``ek_clip_s8(count, low, high, x, y)``: y is on the stack."""
    b = Block(symbol)
    b.name(count="r0", low="r1", high="r2", x="r3", y="r4", value="r5")
    b.op("push {{{y}, {value}}}")
    b.op("ldr {y}, [sp, #8]")
    with b.loop("subs {count}, {count}, #1", "bne {head}"):
        b.op("ldrsb {value}, [{x}], #1")
        b.op("cmp {value}, {low}")
        b.op("it lt")
        b.op("movlt {value}, {low}")
        b.op("cmp {value}, {high}")
        b.op("it gt")
        b.op("movgt {value}, {high}")
        b.op("strb {value}, [{y}], #1")
    b.op("pop {{{y}, {value}}}")
    b.op("bx lr")
    return b


def emit_clamp(w: StepWriter) -> None:
    op = w.node.op
    assert isinstance(op, QClip)
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    w.assemble(ARMV7E_M, clamp(), "ek_clip_s8", w.node.output.type.size, op.low, op.high, x, y)


CLAMP = Variant(
    emit_clamp,
    overlap=by_element,
    name="clamp",
    refuse=lambda node: "" if node.output.type.size > 2 else "too small",
    cost=lambda node: Cost(products=10 * node.output.type.size),
)


def clips(size: int) -> Graph:
    """Two layers that clamp the same ``size`` elements."""
    kind = TensorType((1, size), DType.INT8, quant=Quant((1.0,), (0,)))
    graph = Graph("clips")
    x = graph.add_input("x", kind)
    for high in (50.0, 9.0):
        graph.outputs.append(graph.add_node(Clip(Clamp(-7.0, high)), [x], kind).output)
    graph.bind_ports()
    return graph


@pytest.fixture
def clamping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Armv7E-M has an assembly function for clamps."""
    monkeypatch.setitem(VARIANTS, "armv7e_m", {QClip: (CLAMP,)})


@pytest.mark.usefixtures("clamping")
@pytest.mark.parametrize("toolchain", BOTH)
def test_an_assembly_function_runs_on_the_core_and_its_equal_on_the_host(
    toolchain: ToolchainChoice, tmp_path: Path
) -> None:
    core = load_core("cortex-m4")
    skip_unless(get_toolchain(toolchain).missing(core))
    options = api.ConvertOptions("cortex-m4", toolchain=toolchain, emulator="unicorn")
    made = api.convert(clips(300), tmp_path / "out", options)
    assert made.report.verification.bit_exact
    assert made.report.verification.emulated == (toolchain,)
    assert [s.variant for s in made.manifest.steps] == ["clamp", "clamp"]
    text = (tmp_path / "out" / "clips_assembly.h").read_text(encoding="utf-8")
    assert len(re.findall(r"ek_clip_\w{12}:", text)) == 1  # two layers, one function
    assert made.report.latency.layers[0].instructions in range(2400, 3400)


@pytest.mark.usefixtures("clamping")
@pytest.mark.parametrize(
    ("flags", "assembled"),
    [
        ((), True),
        (("-mno-unaligned-access",), False),
        (("-mbig-endian",), False),
        (("-DEK_PORTABLE",), False),
        (("-mcpu=cortex-m3",), False),
        (("-U__GNUC__",), False),
    ],
)
def test_a_build_that_assembly_does_not_suit_takes_its_equal(
    flags: tuple[str, ...], assembled: bool, tmp_path: Path
) -> None:
    skip_unless(get_toolchain("gcc").missing(load_core("cortex-m4")))
    api.convert(clips(300), tmp_path / "out", api.ConvertOptions("cortex-m4", emulator="none"))
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", *flags, "-E"]
    done = subprocess.run(
        [*command, "clips.c"],
        cwd=tmp_path / "out",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (re.search(r"ek_clip_\w{12}:", done.stdout) is not None) == assembled
    assert ("ek_clip_s8(300" in done.stdout) != assembled


@pytest.mark.usefixtures("clamping")
def test_kernels_portable_writes_no_assembly(tmp_path: Path) -> None:
    options = api.ConvertOptions("cortex-m4", kernels="portable", emulator="none")
    made = api.convert(clips(300), tmp_path / "out", options)
    assert [s.variant for s in made.manifest.steps] == ["", ""]
    assert not (tmp_path / "out" / "clips_assembly.h").exists()


@pytest.mark.usefixtures("clamping")
def test_a_node_that_a_variant_refuses_stays_portable() -> None:
    kind = TensorType((1, 2), DType.INT8)
    graph = Graph("tiny")
    node = graph.add_node(QClip(-7, 9), [graph.add_input("x", kind)], kind)
    assert not isinstance(KernelSet("armv7e_m").emitter(node), Variant)


def test_functions_of_one_symbol_must_be_equal() -> None:
    blocks = [Assembly(ARMV7E_M, "f", (line,), "ek_clip_s8") for line in ("bx lr", "nop")]
    with pytest.raises(ValueError, match="called f"):
        assembly_texts("m", [Writer("m", blocks=blocks)])


def test_what_linkers_see_tells_the_content() -> None:
    """Models of two versions may be in one program."""
    kinds = ((ARMV7E_M, "bx lr"), (ARMV7E_M, "nop"), (MVE, "bx lr"), (ARMV7E_M, "bx lr"))
    names = [Assembly(isa, "f", (line,), "ek_clip_s8").linked for isa, line in kinds]
    assert len(set(names)) == 3
    assert names[0] == names[3]
    assert re.fullmatch("ek_f_[0-9a-f]{12}", names[0])


def test_a_function_has_the_pieces_that_its_layers_need() -> None:
    """Here the steps of its multiplications, and what the sums of each layer become."""
    needs = frozenset({0, 1, "scale"}), frozenset({0, "round_twice"})
    blocks = [Assembly.of(ARMV7E_M, conv_function(n), "ek_conv_pairs_s8") for n in needs]
    (found,) = assembly_texts("m", [Writer("m", blocks=blocks)])
    other = Assembly.of(ARMV7E_M, conv_function(needs[1]), "ek_clip_s8")
    with pytest.raises(ValueError, match="two assembly functions are called"):
        blocks[0].joined(other)  # different pieces do not hide that more differs
    (both,) = assembly_texts("m", [Writer("m", blocks=[blocks[0].joined(blocks[1])])])
    assert found == both
    steps = [sum("smlad" in line for line in b.lines) // 16 for b in blocks]
    assert steps == [2, 1]
    assert sum("smlad" in line for line in found["lines"]) // 16 == 2
    assert [any("round_twice:" in line for line in b.lines) for b in blocks] == [False, True]
    assert any("round_twice:" in line for line in found["lines"])


def test_each_core_has_its_instruction_set() -> None:
    found = {name: isa_of(load_core(name)) for name in (*MCU_CORES, "host")}
    assert {name: isa.name if isa else "" for name, isa in found.items()} == {
        "cortex-m0plus": "armv6_m",
        "cortex-m3": "armv7_m",
        "cortex-m4": "armv7e_m",
        "cortex-m7": "armv7e_m",
        "cortex-m33": "armv7e_m",
        "cortex-m55": "mve",
        "rv32imc": "rv32",
        "host": "",
    }
    assert kernels_for(load_core("host")) == PORTABLE

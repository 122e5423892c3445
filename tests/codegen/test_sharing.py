"""Equal assembly functions of several models: one of them is linked, however the user links."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from codegen.c.assembly import functions
from codegen.c.choice import kernels_for
from codegen.c.combine import combine
from codegen.c.emit import Source, Vectors, emit
from edgekit.artefact import Manifest
from edgekit.errors import Problem
from edgekit.ir import Graph
from edgekit.ir.ops import Rounding
from edgekit.pipeline.vectors import reference_outputs
from profiles.elf import load_firmware
from profiles.runners import select
from targets.load import load_core
from targets.toolchains import TOOLCHAINS, Image
from targets.toolchains.build import link_firmware
from targets.toolchains.command import CommandToolchain
from tests.codegen.batch import BOTH, assert_equal, samples
from tests.codegen.kernel_cases import SAME, Extreme, conv
from tests.codegen.on_core import simple
from tests.proofs.emission import run
from tests.runners.support import MCU_CORES, skip_unless


@dataclass(frozen=True)
class Pair:
    """Two convolutions as models and their combination, all in one folder."""

    folder: Path
    core: str
    manifest: Manifest
    graphs: tuple[Graph, Graph]

    def functions(self, name: str) -> set[str]:
        """Assembly functions of one model."""
        return functions((self.folder / f"{name}_assembly.h").read_text(encoding="utf-8"))

    def check(self, image: Path) -> None:
        """Every function is there once, and what the image computes is the reference's."""
        assert self.functions("first") & self.functions("second")
        wanted = sorted(self.functions("first") | self.functions("second"))
        symbols = load_firmware(image).symbols
        assert (
            sorted(s.name for s in symbols if s.kind == "function" and s.name in wanted) == wanted
        )
        core = load_core(self.core)
        runner = select(core, "auto")
        if isinstance(runner, Problem):
            pytest.skip(str(runner))
        rng = np.random.default_rng(3)
        inputs = [samples(rng, g.inputs[0].type, 3) for g in self.graphs]
        made = Image(image, "", "", core, trace=False)
        outputs = runner.run(made, self.manifest, inputs).outputs
        for graph, x, y in zip(self.graphs, inputs, outputs, strict=True):
            assert_equal(y, reference_outputs(graph, [x])[0], graph.name)


def layer(seed: int, channels: int, filters: int) -> Graph:
    shape = (filters, 3, 3, channels)
    rng = np.random.default_rng(seed)
    graph = conv(rng, (6, 6), shape, SAME, 1, Rounding.HIGH, Extreme(zero=-7))
    graph.bind_ports()
    return graph


def model(name: str, graph: Graph, core: str, folder: Path) -> Manifest:
    kernels = kernels_for(load_core(core))
    none = [np.zeros((0, *v.type.shape), np.int8) for v in (*graph.inputs, *graph.outputs)]
    vectors = Vectors((none[0],), (none[1],))
    artefact = emit(simple(graph, kernels), name, core, Source(name, "0"), vectors, kernels)
    artefact.write(folder)
    return artefact.manifest


def pair(core: str, folder: Path) -> Pair:
    graphs = layer(1, 16, 8), layer(2, 16, 12)
    named = zip(("first", "second"), graphs, strict=True)
    both = combine([model(name, graph, core, folder) for name, graph in named], "both")
    both.write(folder)
    return Pair(folder, core, both.manifest, graphs)


def linked(folder: Path, manifest: Manifest, core: str, toolchain: str, *flags: str) -> Path:
    """An image, the models compiled and linked with further flags."""
    target, tool = load_core(core), TOOLCHAINS[toolchain]
    assert isinstance(tool, CommandToolchain)
    skip_unless(tool.missing(target))
    compiler = tool.compiler(target)
    compiler = replace(
        compiler,
        firmware_flags=(*compiler.firmware_flags, *flags),
        link_flags=(*compiler.link_flags, *flags),
    )
    out = folder / "firmware.elf"
    link_firmware(compiler, folder, manifest, target, out, trace=False)
    return out


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", MCU_CORES)
def test_equal_functions_are_linked_once(core: str, toolchain: str, tmp_path: Path) -> None:
    both = pair(core, tmp_path)
    both.check(linked(tmp_path, both.manifest, core, toolchain))


@pytest.mark.parametrize(
    ("core", "toolchain", "flags"),
    [
        *(
            (core, "gcc", flags)
            for core in ("cortex-m0plus", "cortex-m4", "rv32imc")
            for flags in ("-flto", "-flto -flto-partition=max", "-flto -fno-toplevel-reorder")
        ),
        ("cortex-m4", "zig", "-flto"),  # clang's assembler does not know RV32's features there
        ("cortex-m4", "zig", "-flto=thin"),
    ],
)
def test_link_time_optimization_links_them_once(
    core: str, toolchain: str, flags: str, tmp_path: Path
) -> None:
    """It puts the assembly of several files into one, or sees its symbols without groups."""
    both = pair(core, tmp_path)
    both.check(linked(tmp_path, both.manifest, core, toolchain, *flags.split()))


@pytest.mark.parametrize("toolchain", BOTH)
def test_all_models_in_one_file(toolchain: str, tmp_path: Path) -> None:
    both = pair("cortex-m4", tmp_path)
    text = "".join(f'#include "{name}"\n' for name in both.manifest.sources)
    (tmp_path / "one.c").write_text(text, encoding="utf-8")
    one = replace(both.manifest, sources=("one.c",))
    both.check(linked(tmp_path, one, "cortex-m4", toolchain))


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", ["cortex-m4", "rv32imc"])
def test_a_model_alone_is_as_large_as_without_groups(
    core: str, toolchain: str, tmp_path: Path
) -> None:
    manifest = model("first", layer(1, 16, 8), core, tmp_path)
    grouped = load_firmware(linked(tmp_path, manifest, core, toolchain)).section(".text")
    file = tmp_path / "first_assembly.h"
    text = file.read_text(encoding="utf-8").replace(".weak", ".global")
    text, groups = re.subn(r'axG\\", %progbits, \w+, comdat', r'ax\\"', text)
    assert groups
    file.write_text(text, encoding="utf-8")
    plain = load_firmware(linked(tmp_path, manifest, core, toolchain)).section(".text")
    assert grouped == plain


@pytest.mark.parametrize("core", ["cortex-m4", "rv32imc"])
def test_a_relocatable_link_keeps_one(core: str, tmp_path: Path) -> None:
    both = pair(core, tmp_path)
    tool = TOOLCHAINS["gcc"]
    assert isinstance(tool, CommandToolchain)
    skip_unless(tool.missing(load_core(core)))
    command = [*tool.compiler(load_core(core)).command, "-O2", "-ffreestanding"]
    names = both.manifest.sources
    for name in names:
        run([*command, "-c", name, "-o", f"{name}.o"], tmp_path)
    run([*command, "-nostdlib", "-r", *(f"{n}.o" for n in names), "-o", "all.o"], tmp_path)
    found = [s.name for s in load_firmware(tmp_path / "all.o").symbols if s.size]
    for function in both.functions("first") | both.functions("second"):
        assert found.count(function) == 1

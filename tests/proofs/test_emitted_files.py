"""Emitted C: no warning in any compiler, the same bytes every time, two models in one program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.options import Rounding
from targets.load import load_core
from targets.toolchains import available
from targets.toolchains.command import CommandToolchain
from tests.proofs.data import FLOAT_TASKS, INT8_MODELS, int8_model
from tests.proofs.emission import STRICT, Emission, compiler, emission, run

CALIBRATION = 5
NAMES = (*INT8_MODELS, *(f"{name} int8" for name in FLOAT_TASKS), *FLOAT_TASKS)

FASTEST = "pretrainedResnet_quant at fastest"
"""With the portable equals of kernels that pay for instructions with flash."""


def emitted(name: str, rounding: Rounding = "litert") -> Emission:
    """A model by its name in `NAMES`, or `FASTEST`."""
    if name == FASTEST:
        model = int8_model("pretrainedResnet_quant")
        return emission(model, "net", rounding, core="cortex-m4", optimize="fastest")
    if name in INT8_MODELS:
        return emission(int8_model(name), "net", rounding)
    task = FLOAT_TASKS[name.removesuffix(" int8")]()
    if name in FLOAT_TASKS:
        return emission(task.model, "net")
    return emission(task.model, "net", "fast", {"x": task.calibration[:CALIBRATION]})


@pytest.mark.parametrize("name", [*NAMES, FASTEST])
def test_no_warning_in_any_compiler(name: str, tmp_path: Path) -> None:
    emitted(name).artefact.write(tmp_path)
    (tmp_path / "user.cpp").write_text('#include "net.h"\nint main() { return 0; }\n')
    tools = [tool for tool in ("gcc", "zig") if _present(tool)]
    assert tools
    for tool in tools:
        # What clang warns of it knows before it optimises; gcc knows some only then.
        level = "-O2" if tool == "gcc" else "-O0"
        for source in ("net.c", "test/host_test.c"):
            run([*compiler(tool), *STRICT, level, "-c", source, "-o", "net.o"], tmp_path)
    if _present("g++"):
        flags = ["-std=c++11", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
        run([*compiler("g++"), *flags, "-c", "user.cpp", "-o", "user.o"], tmp_path)


@pytest.mark.parametrize("kernels", ["host", "cortex-m4"])
@pytest.mark.parametrize("name", INT8_MODELS)
def test_no_warning_for_a_core(name: str, kernels: str, tmp_path: Path) -> None:
    """Of portable kernels and of assembly."""
    emission(int8_model(name), "net", "litert", core=kernels).artefact.write(tmp_path)
    core = load_core("cortex-m4")
    tools = [tool for tool in available(core) if isinstance(tool, CommandToolchain)]
    assert tools
    for tool in tools:
        run([*tool.compiler(core).command, *STRICT, "-O2", "-c", "net.c", "-o", "net.o"], tmp_path)


def _present(tool: str) -> bool:
    try:
        return bool(compiler(tool))
    except pytest.skip.Exception:
        return False


@pytest.mark.parametrize("name", [*INT8_MODELS, "digits int8", "digits"])
def test_two_emissions_are_byte_identical(name: str) -> None:
    first, second = emitted(name).artefact, emitted(name).artefact
    assert first.files == second.files
    assert first.manifest == second.manifest
    for path, text in first.files.items():
        assert str(Path.home()) not in text, path
        assert text.isascii(), path
        assert text.endswith("\n"), path


TWO = """
#include <stdint.h>
#include <stdio.h>
#include "first.h"
#include "second.h"
#include "inputs.h"
static _Alignas(FIRST_ARENA_ALIGN) unsigned char a[FIRST_ARENA_BYTES];
static _Alignas(SECOND_ARENA_ALIGN) unsigned char b[SECOND_ARENA_BYTES];
int main(void)
{
    int8_t p[FIRST_OUTPUT_0_SIZE], q[SECOND_OUTPUT_0_SIZE];
    int failed = 0;
    /* Alternate, so that a shared global would show. */
    for (int i = 0; i < 2; ++i) {
        failed |= first_run_copy(a, NULL, first_x[i], p);
        failed |= second_run_copy(b, NULL, second_x[i], q);
        for (int j = 0; j < FIRST_OUTPUT_0_SIZE; ++j) printf("%d ", p[j]);
        for (int j = 0; j < SECOND_OUTPUT_0_SIZE; ++j) printf("%d ", q[j]);
    }
    return failed;
}
"""


@pytest.mark.parametrize("tool", ["gcc", "zig"])
def test_two_models_in_one_program(tool: str, tmp_path: Path) -> None:
    command = compiler(tool)
    models = {"first": "kws_ref_model", "second": "ad01_int8"}
    made = {n: emission(int8_model(m), n, "litert", vectors=2) for n, m in models.items()}
    rng = np.random.default_rng(4)
    arrays, wanted = [], []
    for name, item in made.items():
        item.artefact.write(tmp_path)
        shape = item.graph.inputs[0].type.shape
        x = rng.integers(-128, 128, (2, *shape[1:]), dtype=np.int8)
        rows = ",\n".join("{" + ", ".join(map(str, r)) + "}" for r in x.reshape(2, -1).tolist())
        arrays.append(f"static const signed char {name}_x[2][{x[0].size}] = {{{rows}}};\n")
        wanted.append(item.reference([x])[0].reshape(2, -1))
    (tmp_path / "inputs.h").write_text("".join(arrays))
    (tmp_path / "main.c").write_text(TWO)
    sources = ["first.c", "second.c", "main.c"]
    run([*command, "-std=c11", "-O2", "-Wall", "-Werror", *sources, "-o", "both"], tmp_path)
    found = np.array(run([tmp_path / "both"], tmp_path).split(), np.int8)
    np.testing.assert_array_equal(found, np.concatenate([*wanted], axis=1).ravel())


def test_no_symbol_but_the_models_own(tmp_path: Path) -> None:
    """Everything else is static: nothing can clash with the application."""
    made = emitted("kws_ref_model")
    made.artefact.write(tmp_path)
    # Position-independent code would need its constant tables relocated at start.
    flags = ["-std=c99", "-O2", "-fno-pie"]
    run([*compiler("gcc"), *flags, "-c", "net.c", "-o", "net.o"], tmp_path)
    listing = run([*compiler("nm"), "--defined-only", "net.o"], tmp_path)
    symbols = {line.split()[2]: line.split()[1] for line in listing.splitlines()}
    visible = {name for name, kind in symbols.items() if kind.isupper()}
    assert visible == {"net_init", "net_input", "net_output", "net_run", "net_run_copy"}
    # b, d: mutable data; a model has none.
    assert not [name for name, kind in symbols.items() if kind.lower() in "bds"]

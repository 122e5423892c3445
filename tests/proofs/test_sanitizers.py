"""Generated C under gcc's address and undefined-behaviour sanitizers, with random inputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codegen.assembly.isa import isa_of
from codegen.c.choice import kernels_for
from codegen.c.emit import FLOAT_TOLERANCE, Source, Vectors, emit
from edgekit.options import Rounding, allowed
from edgekit.pipeline.vectors import make_vectors
from edgekit.schedule import PlanOptions, plan
from targets.load import core_names, load_core
from tests.codegen.kernel_cases import cases
from tests.codegen.on_core import merged
from tests.proofs.data import FLOAT_TASKS, INT8_MODELS, int8_model
from tests.proofs.emission import STRICT, Emission, compiler, driver, emission, pack, run, unpack

SANITIZE = (
    "-fsanitize=address,undefined,float-cast-overflow,float-divide-by-zero",
    "-fno-sanitize-recover=all",
)
ROUNDINGS = allowed(Rounding)
EVERY_RULE = ("kws_ref_model", "pretrainedResnet_quant", "digits", "resnet")
"""Models that are run with all roundings; together they have every operator of the others, which
are run with the one that is their default."""
SAMPLES = 4
ONE_CORE_EACH = {
    isa.name: name for name in core_names() if (isa := isa_of(load_core(name))) is not None
}
"""A core of each instruction set that has assembly."""


@pytest.fixture(autouse=True)
def no_leak_detection(monkeypatch: pytest.MonkeyPatch) -> None:
    # It needs ptrace, which containers forbid; generated code allocates nothing anyway.
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")


def run_sanitized(made: Emission, folder: Path, warnings: Sequence[str] = ()) -> None:
    """Compile with both sanitizers, run random samples, and compare with the reference."""
    command = compiler("gcc")
    made.artefact.write(folder)
    (folder / "driver.c").write_text(driver(made.artefact), encoding="utf-8")
    vectors = make_vectors(made.graph, SAMPLES)
    inputs, outputs = (
        [a.reshape(SAMPLES, -1) for a in side] for side in (vectors.inputs, vectors.outputs)
    )
    (folder / "in").write_bytes(pack(inputs))
    flags = ["-std=c99", "-O1", "-ffp-contract=off", *SANITIZE, *warnings]
    run([*command, *flags, *made.artefact.manifest.sources, "driver.c", "-o", "driver"], folder)
    assert run([folder / "driver", "in", "out"], folder) == ""
    found = unpack((folder / "out").read_bytes(), outputs)
    for got, want in zip(found, outputs, strict=True):
        if want.dtype == np.float32:
            limit = FLOAT_TOLERANCE * float(np.abs(want).max())
            np.testing.assert_allclose(got, want, rtol=0, atol=limit)
        else:
            np.testing.assert_array_equal(got, want)


def with_roundings(names: Iterable[str], usual: Rounding) -> list[tuple[str, str]]:
    """Every model with the roundings that it is run with."""
    return [(n, r) for n in names for r in ROUNDINGS if r == usual or n in EVERY_RULE]


@pytest.mark.parametrize(("name", "rounding"), with_roundings(INT8_MODELS, "litert"))
def test_int8_models(name: str, rounding: Rounding, tmp_path: Path) -> None:
    run_sanitized(emission(int8_model(name), "net", rounding), tmp_path)


@pytest.mark.parametrize("core", ONE_CORE_EACH.values(), ids=ONE_CORE_EACH)
@pytest.mark.parametrize("name", INT8_MODELS)
def test_portable_equals_of_assembly(name: str, core: str, tmp_path: Path) -> None:
    run_sanitized(emission(int8_model(name), "net", "litert", core=core), tmp_path)


@pytest.mark.parametrize("core", ONE_CORE_EACH.values(), ids=ONE_CORE_EACH)
def test_portable_equals_of_every_kernel(core: str, tmp_path: Path) -> None:
    """The table of small layers, which the models lack some kernels of, without a warning too."""
    graph = merged(cases())
    kernels = replace(kernels_for(load_core(core), optimize="fastest"), weighs=False)
    program = plan(graph, kernels.scratch_bytes, kernels.overlaps, PlanOptions(seconds=2))
    none = Vectors(
        tuple(np.zeros((0, *v.type.shape), v.type.dtype.numpy) for v in graph.inputs),
        tuple(np.zeros((0, *v.type.shape), v.type.dtype.numpy) for v in graph.outputs),
    )
    artefact = emit(program, "net", core, Source("table", "0"), none, kernels)
    run_sanitized(Emission(graph, artefact), tmp_path, STRICT)


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m3", "rv32imc"])
def test_portable_equals_of_kernels_that_pay_with_flash(core: str, tmp_path: Path) -> None:
    model = int8_model("pretrainedResnet_quant")
    made = emission(model, "net", "litert", core=core, optimize="fastest")
    assert "conv winograd" in [s.variant for s in made.artefact.manifest.steps]
    run_sanitized(made, tmp_path)


@pytest.mark.parametrize(("name", "rounding"), with_roundings(FLOAT_TASKS, "fast"))
def test_quantized_models(name: str, rounding: Rounding, tmp_path: Path) -> None:
    task = FLOAT_TASKS[name]()
    made = emission(task.model, "net", rounding, {"x": task.calibration[:10]})
    run_sanitized(made, tmp_path)


@pytest.mark.parametrize("name", FLOAT_TASKS)
def test_float32_models(name: str, tmp_path: Path) -> None:
    run_sanitized(emission(FLOAT_TASKS[name]().model, "net"), tmp_path)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("arena[@NAME@_ARENA_BYTES] = 1;", "heap-buffer-overflow"),
        ("*(int *)(arena + 1) = argc;", "misaligned address"),
        ("return 1 << argc * 20;", "shift exponent"),
    ],
)
def test_the_sanitizers_are_on(body: str, complaint: str, tmp_path: Path) -> None:
    """A driver with a fault of its own must fail, or the tests above say nothing."""
    made = emission(FLOAT_TASKS["digits"]().model, "net")
    broken = driver(made.artefact).replace("    free(arena);", f"    {body}\n    free(arena);")
    made.artefact.write(tmp_path)
    text = broken.replace("@NAME@", "NET")
    (tmp_path / "driver.c").write_text(text, encoding="utf-8")
    (tmp_path / "in").write_bytes(b"")
    command = [*compiler("gcc"), "-std=c99", "-O0", *SANITIZE, "net.c", "driver.c", "-o", "driver"]
    run(command, tmp_path)
    with pytest.raises(AssertionError, match=complaint):
        run([tmp_path / "driver", "in", "out"], tmp_path)

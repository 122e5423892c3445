"""Bytes that a plan calls dead are dead: filled with a pattern after every step, the outputs of
the generated code stay what the reference says, and those of every model of the material stay what
they are without."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.errors import EdgekitError
from edgekit.options import ConvertOptions, Optimize, Precision
from edgekit.pipeline.lowering import Lowered, is_quantized, lower
from edgekit.pipeline.source import read_source
from edgekit.pipeline.vectors import make_vectors
from targets.load import load_core
from tests.material.files import find
from tests.proofs.data import FLOAT_TASKS, INT8_MODELS, int8_model
from tests.proofs.emission import compiler, run
from tests.proofs.poison import FLAGS, SAMPLES, changed_outputs, lives, write_poisoned

PARTS = 6
"""Of the material, so that several processes share it."""
LARGEST = 1 << 24
"""Bytes of an arena; three files fix a batch of 789,444 rows and need hundreds of megabytes."""
LEAST = 36
"""Models of each part that must have been checked."""


def run_poisoned(lowered: Lowered, folder: Path, ignored: int = -1) -> str:
    """What the host test of the generated code prints; it fails where an output differs."""
    write_poisoned(lowered, folder, make_vectors(lowered.defined, SAMPLES), ignored)
    sources = ["net.c", "poison.c", "test/host_test.c"]
    run([*compiler("gcc"), *FLAGS, *sources, "-o", "poisoned"], folder)
    return run([folder / "poisoned"], folder)


def lowered_model(
    path: Path, ram: int | None = None, core: str = "host", optimize: Optimize = "speed"
) -> Lowered:
    """int8 models as they are, the others in float32."""
    source = read_source(path)
    precision: Precision | None = None if is_quantized(source.graph) else "float32"
    options = ConvertOptions(core, precision=precision, ram=ram, optimize=optimize)
    return lower(source, load_core(core), options, None)


@pytest.mark.parametrize("core", ["host", "cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("name", INT8_MODELS)
def test_mlperf_tiny(name: str, core: str, tmp_path: Path) -> None:
    """With the plan of each core; this machine runs the portable equals of its kernels."""
    assert f"{SAMPLES} vectors, 0 outputs differ" in run_poisoned(
        lowered_model(int8_model(name), core=core), tmp_path
    )


def test_kernels_that_pay_with_flash(tmp_path: Path) -> None:
    """Convolutions whose outputs follow their inputs by bands of rows."""
    model = int8_model("pretrainedResnet_quant")
    lowered = lowered_model(model, core="cortex-m4", optimize="fastest")
    assert f"{SAMPLES} vectors, 0 outputs differ" in run_poisoned(lowered, tmp_path)


@pytest.mark.parametrize(
    ("name", "ram"), [("vww_96_int8", 28 * 1024), ("pretrainedResnet_quant", 22 * 1024)]
)
def test_strips(name: str, ram: int, tmp_path: Path) -> None:
    """Rows die one after the other, and others take their place."""
    lowered = lowered_model(int8_model(name), ram)
    assert lowered.program.certificate.stages
    assert f"{SAMPLES} vectors, 0 outputs differ" in run_poisoned(lowered, tmp_path)


def test_the_poison_is_strong(tmp_path: Path) -> None:
    """A tensor that is still needed, called dead, changes the outputs."""
    lowered = lowered_model(FLOAT_TASKS["digits"]().model)
    program = lowered.program
    needed = [i for i, life in enumerate(lives(program)) if 0 <= life.first < life.last - 1]
    needed = needed or [i for i, life in enumerate(lives(program)) if life.first == 0]
    with pytest.raises(AssertionError, match="outputs differ"):
        run_poisoned(lowered, tmp_path, ignored=needed[0])


@pytest.mark.parametrize("part", range(PARTS))
def test_every_model_of_the_material(part: int, material: Path, tmp_path: Path) -> None:
    checked, wrong = 0, []
    for index, path in enumerate(find(material)[part::PARTS]):
        try:
            lowered = lowered_model(path)
        except EdgekitError:
            continue  # refused with a reason; tests/material holds which
        if lowered.program.arena_bytes > LARGEST:
            continue
        folder = tmp_path / str(index)
        folder.mkdir()
        wrong += [f"{path.relative_to(material)}: {w}" for w in changed_outputs(lowered, folder)]
        checked += 1
    assert not wrong
    assert checked >= LEAST

"""``--ram``: VWW from 64 KiB down to the smallest that there is, IC and VWW below what layers that
run as a whole can reach; every point computes what the reference does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from codegen.c.emit import Source, emit
from edgekit import api
from edgekit.api import ConvertOptions
from edgekit.errors import FitError, Problem
from edgekit.pipeline.lowering import Lowered, lower
from edgekit.pipeline.source import read_source
from edgekit.pipeline.vectors import make_vectors
from edgekit.report import answers
from edgekit.report.html import render_html
from profiles.runners import select
from targets.load import load_core
from tests.conversions import Conversions
from tests.proofs.data import int8_model, mixed_samples
from tests.proofs.emission import compiler, run
from tests.report.test_terminal import text_of
from tests.runners.support import skip_unless

KIB = 1024
VWW, IC = "vww_96_int8", "pretrainedResnet_quant"
STEPS = [n * KIB for n in (64, 56, 48, 40, 36, 34, 32, 31, 30, 29)]
SMALLEST = 28 * KIB
"""The input alone takes 27 KiB."""
PORTION = 0.15
"""Extra multiply-accumulates that are allowed for the bars."""
BARS = [(IC, 24_000), (VWW, 31_000)]


def lowered(name: str, ram: int, core: str = "host") -> Lowered:
    options = ConvertOptions(core, ram=ram)
    return lower(read_source(int8_model(name)), load_core(core), options, None)


def run_on_host(found: Lowered, folder: Path) -> str:
    """What the host test of the generated code prints."""
    vectors = make_vectors(found.graph, 2)
    emit(found.program, "net", "host", Source("net", "0"), vectors).write(folder)
    flags = ["-std=c99", "-O1", "-ffp-contract=off"]
    run([*compiler("gcc"), *flags, "net.c", "test/host_test.c", "-o", "net"], folder)
    return run([folder / "net"], folder)


def test_every_step_is_verified(tmp_path: Path) -> None:
    seen: set[tuple[int, int]] = set()
    least = 0
    for ram in [*STEPS, SMALLEST]:
        found = lowered(VWW, ram)
        proven = found.program.certificate
        assert found.program.arena_bytes <= ram
        assert proven.extra_macs >= least or not proven.extra_macs
        key = found.program.arena_bytes, len(found.program.steps)
        if key not in seen:
            folder = tmp_path / str(ram)
            folder.mkdir()
            assert "2 vectors, 0 outputs differ" in run_on_host(found, folder)
        seen.add(key)
    assert len(seen) >= 2, "strips are only used where they must be"


@pytest.mark.parametrize("core", ["host", "cortex-m4"])
def test_one_kib_less_is_refused_with_the_layer(core: str) -> None:
    with pytest.raises(FitError, match="does not fit into 27,648 bytes") as caught:
        lowered(VWW, SMALLEST - KIB, core)
    (problem,) = caught.value.problems
    assert problem.where == "QConv2D 'conv_2d_0'", "it reads the whole input"
    assert problem.allowed == "27,648 bytes"


def test_the_front_is_printed() -> None:
    found = api.plan(int8_model(VWW), "cortex-m4", ram=SMALLEST)
    assert found.arena_bytes <= SMALLEST
    assert found.schedule.stages
    front = found.schedule.front
    sizes = [p.arena_bytes for p in front]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 36_000
    assert sizes[-1] <= SMALLEST
    assert not front[0].stages
    text = text_of(answers.plan_view(found))
    assert "RAM against work" in text
    assert all(f"{size:,}" in text for size in sizes)


@pytest.mark.parametrize(("name", "ram"), [*BARS, (VWW, SMALLEST)])
def test_on_the_emulated_m4(name: str, ram: int, conversions: Conversions) -> None:
    found = select(load_core("cortex-m4"))
    skip_unless(found if isinstance(found, Problem) else None)
    deployment = conversions(int8_model(name), ConvertOptions("cortex-m4", ram=ram, vectors=2))
    report = deployment.report
    assert report.verification.bit_exact
    assert report.verification.emulated
    assert report.memory.arena_bytes is not None
    assert report.memory.arena_bytes <= ram
    assert report.schedule is not None
    assert report.schedule.stages
    assert report.schedule.extra_macs <= PORTION * report.model.macs
    assert report.schedule.front[-1].arena_bytes <= ram
    assert "<h2>RAM against work</h2>" in render_html(report)
    x = mixed_samples(name, deployment.manifest.inputs[0].shape, 4, seed=7)
    plain = conversions(int8_model(name), ConvertOptions("cortex-m4", vectors=1))
    (wanted,) = plain.run({"x": x}).values()
    (whole,) = deployment.run({"x": x}, on="emulator").values()
    np.testing.assert_array_equal(whole, wanted)

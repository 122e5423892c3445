"""Helpers of every kind under gcc's sanitizers, and with the same bits on every emulated core."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgekit.artefact import Artefact, preprocess_manifest
from edgekit.errors import Problem
from edgekit.ir import DType
from edgekit.pipeline.helpers import processed, raw_samples
from profiles.runners import select
from targets.load import core_names, load_core
from targets.toolchains import available
from tests.processing.helpers import emit, graph, written
from tests.processing.kinds import Kinds, images, sounds
from tests.proofs.emission import compiler, driver, pack, run, unpack
from tests.proofs.test_sanitizers import SANITIZE
from tests.runners.support import skip_unless

CORES = tuple(c for c in core_names() if c != "host")
KINDS = pytest.mark.parametrize(
    ("kinds", "dtype"),
    [(images, DType.INT8), (sounds, DType.INT8), (sounds, DType.FLOAT32)],
)


@KINDS
def test_sanitizers_find_nothing(
    kinds: Callable[[DType], Kinds], dtype: DType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Buffers of exact size from malloc, random samples and both extremes."""
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
    shapes, settings = kinds(dtype)
    artefact = emit(graph(shapes), settings)
    folder = written(artefact)
    part = preprocess_manifest(artefact.manifest)
    (folder / "driver.c").write_text(driver(Artefact(part)), encoding="utf-8")
    raws = [raw_samples(p, 2) for p in part.inputs]
    wanted = processed(artefact.manifest, raws)
    (folder / "in").write_bytes(pack(raws))
    flags = ["-std=c99", "-O1", "-ffp-contract=off", *SANITIZE]
    run([*compiler("gcc"), *flags, *part.sources, "driver.c", "-o", "driver"], folder)
    assert run([folder / "driver", "in", "out"], folder) == ""
    for have, want in zip(unpack((folder / "out").read_bytes(), wanted), wanted, strict=True):
        np.testing.assert_array_equal(have, want)


@pytest.fixture(scope="module")
def artefact() -> tuple[Artefact, Path]:
    """Sound in both arithmetics, and images, in one model."""
    shapes, settings = sounds(DType.FLOAT32)
    chosen = ("fixed128", "fixed512", "float128", "float256")
    pictures, own = images(DType.FLOAT32)
    shapes = {n: shapes[n] for n in chosen} | {n: pictures[n] for n in ("x3", "x9", "x28")}
    made = emit(graph(shapes), {n: (settings | own)[n] for n in shapes})
    return made, written(made)


@pytest.mark.parametrize("core", CORES)
def test_every_core_gives_the_same_bits(core: str, artefact: tuple[Artefact, Path]) -> None:
    made, folder = artefact
    target = load_core(core)
    runner = select(target)
    skip_unless(runner if isinstance(runner, Problem) else None)
    assert not isinstance(runner, Problem)
    part = preprocess_manifest(made.manifest)
    raws = [raw_samples(p, 1) for p in part.inputs]
    tools = available(target)
    tool = tools[CORES.index(core) % len(tools)]
    image = tool.build_firmware(folder, part, target, folder / f"{core}.elf")
    found = runner.run(image, part, raws).outputs
    for have, want in zip(found, processed(made.manifest, raws), strict=True):
        np.testing.assert_array_equal(have.reshape(want.shape), want)

"""Of several images the one that suits what a model was made for is kept, alone or combined."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from codegen.c.choice import KernelSet
from codegen.c.combine import combine
from codegen.c.emit import Source, Vectors, emit
from edgekit.artefact import Manifest, load_manifest
from edgekit.options import Optimize, allowed
from edgekit.pipeline.verification import Candidate, choose
from edgekit.schedule import plan
from profiles.memory import MemoryUse
from profiles.runners.base import RunResult
from targets.load import load_core
from targets.toolchains.base import OPTIMIZATION, Image
from tests.codegen.states import accumulator


def manifest(name: str, optimize: Optimize, folder: Path) -> Manifest:
    """Of an emitted model, read from its folder."""
    graph, kernels = accumulator(8), KernelSet(optimize=optimize)
    none = Vectors((np.empty(0),), (np.empty(0),))
    program = plan(graph, kernels.scratch_bytes)
    emit(program, name, "host", Source("", ""), none, kernels).write(folder)
    return load_manifest(folder)


@pytest.mark.parametrize(
    ("levels", "together"),
    [
        (("balanced", "balanced"), "balanced"),
        (("size", "size"), "size"),
        (("size", "balanced"), "balanced"),
        (("balanced", "speed", "size"), "speed"),
        (("speed", "fastest"), "fastest"),
    ],
)
def test_a_combination_is_made_for_the_fastest(
    levels: tuple[Optimize, ...], together: Optimize, tmp_path: Path
) -> None:
    found = [manifest(f"m{i}", level, tmp_path / str(i)) for i, level in enumerate(levels)]
    assert tuple(m.optimize for m in found) == levels
    assert combine(found, "all").manifest.optimize == together


def test_every_level_has_a_flag() -> None:
    assert tuple(OPTIMIZATION) == allowed(Optimize)


@pytest.mark.parametrize(
    ("wanted", "kept"), [("fastest", 0), ("speed", 0), ("balanced", 1), ("size", 2)]
)
def test_the_image_that_is_kept(wanted: Optimize, kept: int) -> None:
    """Of the one with fewest instructions, the smallest product, and the smallest."""
    figures = ((100, 4000), (120, 2000), (500, 1000))
    images = [
        Candidate(
            Image(Path(), "gcc", "", load_core("host"), False),
            MemoryUse(code, 0, 0, 0, code),
            RunResult([], (count,)),
        )
        for count, code in figures
    ]
    assert choose(images, None, wanted)[0] == kept

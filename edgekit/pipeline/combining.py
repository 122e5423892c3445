"""Several converted models in one firmware, run in turn in one arena, checked like a single one."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from codegen.c.assembly import functions
from codegen.c.combine import combine, parts_of
from codegen.c.emit import Vectors
from edgekit.artefact import Manifest
from edgekit.errors import Problem, UsageError
from edgekit.ir import Graph
from edgekit.options import EmulatorChoice, ToolchainChoice
from edgekit.pipeline.builds import build_all
from edgekit.pipeline.convert import symbol_name
from edgekit.pipeline.output import refuse_existing, staged
from edgekit.pipeline.vectors import reference_outputs
from edgekit.pipeline.verification import NOT_RUN, Verified, verify_images
from edgekit.report.results import Combination, CombinedModel
from profiles.elf import load_firmware
from targets.fit import check_fit
from targets.model import Target


@dataclass(frozen=True)
class Member:
    """A converted model: where it lies, what it is, and its stored inputs."""

    folder: Path
    manifest: Manifest
    graph: Graph
    inputs: Sequence[NDArray[Any]]
    target: Target


def combine_models(
    models: Sequence[Member],
    out: Path,
    name: str | None,
    toolchain: ToolchainChoice,
    emulator: EmulatorChoice,
    force: bool,
    progress: Callable[[str], None],
) -> Combination:
    """Combine converted models into ``out``.

    The firmware runs one model after the other in the same arena, on the vectors stored with each;
    every output must equal the reference of its model.

    Raises:
        UsageError: fewer than two models, models of different cores or of one name.
        FitError: together they do not fit the board.
        ToolError, CheckFailed: as for a conversion.
    """
    refuse_existing(out, force, [m.folder for m in models])
    manifests = [m.manifest for m in models]
    own = symbol_name(name, "_".join(m.name for m in manifests)[:40])
    _refuse(models, own)
    artefact = combine(manifests, own)
    made = artefact.manifest
    target = models[0].target
    check_fit(target, made.weights_bytes, made.arena_bytes + made.state_bytes)
    with staged(out) as folder:
        artefact.write(folder)
        for model in models:
            for file in sorted([*model.folder.glob("*.c"), *model.folder.glob("*.h")]):
                shutil.copyfile(file, folder / file.name)
        images = build_all(folder, made, target.core, toolchain, progress)
        vectors = _vectors(models)
        verified = verify_images(images, made, target.core, vectors, emulator, progress)
        shared = None if target.core.is_host else _shared(models, verified.best.image.path)
    return _answer(out, manifests, made, verified, shared)


def _refuse(models: Sequence[Member], name: str) -> None:
    problems = []
    if len(models) < 2:
        problems.append(Problem("is alone", str(models[0].folder), "two or more"))
    first = models[0].manifest.target
    for model in models:
        if model.manifest.target != first:
            problems.append(Problem(f"is for {model.manifest.target}", str(model.folder), first))
    for used, times in Counter([*(m.manifest.name for m in models), name]).items():
        if times > 1 and len(models) > 1:
            hint = "Convert with --name, or give the combination another one."
            problems.append(Problem("is taken twice", f"name '{used}'", hint=hint))
    if problems:
        raise UsageError("these models cannot be combined", problems)


def _vectors(models: Sequence[Member]) -> Vectors:
    """As many stored samples as every model has."""
    counts = [
        len(a) // p.shape[0]
        for m in models
        for a, p in zip(m.inputs, m.manifest.inputs, strict=True)
    ]
    inputs, outputs = [], []
    for model in models:
        ports = model.manifest.inputs
        some = [a[: min(counts) * p.shape[0]] for a, p in zip(model.inputs, ports, strict=True)]
        inputs += some
        outputs += reference_outputs(model.graph, some)
    return Vectors(tuple(inputs), tuple(outputs))


def _shared(models: Sequence[Member], image: Path) -> int:
    """Bytes of the functions in an image that several models hold, once for each further model."""
    files = [m.folder / f"{m.manifest.name}_assembly.h" for m in models]
    held = Counter(f for p in files if p.exists() for f in functions(p.read_text("utf-8")))
    return sum(s.size * (held[s.name] - 1) for s in load_firmware(image).symbols if held[s.name])


def _answer(
    out: Path,
    manifests: Sequence[Manifest],
    made: Manifest,
    verified: Verified,
    shared: int | None,
) -> Combination:
    best = verified.best
    parts = [
        CombinedModel(m.name, m.arena_bytes + m.region_bytes, m.state_bytes, p.state_offset)
        for m, p in zip(manifests, parts_of(manifests), strict=True)
    ]
    return Combination(
        path=str(out),
        target=made.target,
        models=tuple(parts),
        arena_bytes=made.arena_bytes + made.region_bytes,
        apart_bytes=sum(p.arena_bytes for p in parts),
        state_bytes=made.state_bytes,
        flash_bytes=best.memory.flash_bytes if best.memory else None,
        shared_bytes=shared,
        stack_bytes=best.run.stack_bytes if best.run else None,
        vectors=verified.vectors,
        identical=all(c.identical for c in verified.checks),
        emulator=None if verified.emulator == NOT_RUN else verified.emulator,
    )

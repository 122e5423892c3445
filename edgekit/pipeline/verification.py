"""Run what was built and compare it with the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from codegen.c.emit import Vectors
from edgekit.artefact import Manifest
from edgekit.errors import CheckFailed, Problem, ToolError
from edgekit.options import EmulatorChoice, Optimize
from edgekit.pipeline.builds import Images
from edgekit.pipeline.checks import Check, compare
from profiles.memory import MemoryUse, measure_memory
from profiles.runners import HOST, Runner, RunResult, select
from targets.model import Core
from targets.toolchains import Image

NOT_RUN = "not_run"


@dataclass(frozen=True)
class Candidate:
    """One compiler's image with its figures.

    Attributes:
        image: what was built.
        memory: flash and static RAM; None for the host, whose library holds start-up code too.
        run: None where no emulator ran it.
    """

    image: Image
    memory: MemoryUse | None
    run: RunResult | None

    @property
    def instructions(self) -> int | None:
        """Instructions of the first vector's inference."""
        return self.run.instructions[0] if self.run and self.run.instructions else None


@dataclass(frozen=True)
class Verified:
    """What running the images showed.

    Attributes:
        checks: one per image that ran.
        candidates: every image for the target.
        chosen: index of the image that is kept.
        why: why it was chosen, in words.
        emulator: name and version, or ``not_run``.
        reason: why it was not run, empty otherwise.
        vectors: number of vectors compared.
        host: libraries for this machine that ran.
    """

    checks: tuple[Check, ...]
    candidates: tuple[Candidate, ...]
    chosen: int
    why: str
    emulator: str
    reason: str
    vectors: int
    host: tuple[Image, ...] = ()

    @property
    def best(self) -> Candidate:
        """The image that is kept."""
        return self.candidates[self.chosen]


def verify_images(
    images: Images,
    manifest: Manifest,
    core: Core,
    vectors: Vectors,
    emulator: EmulatorChoice,
    progress: Callable[[str], None],
    flash_bytes: int | None = None,
    refuse: bool = True,
) -> Verified:
    """Run every image on the vectors.

    Args:
        images: what was built.
        manifest, core, vectors: what to run where, and what must come out.
        emulator: where to run firmware.
        progress: receives one line per run.
        flash_bytes: of the board; an image that fits is preferred to a faster one that does not.
        refuse: raise where an output differs; otherwise the checks say so.

    Raises:
        CheckFailed: an output differs from the reference.
        ToolError: a guest faulted, or the chosen emulator cannot run the core.
    """
    count = len(vectors.inputs[0]) if vectors.inputs else 1
    checks = []
    for image in images.host:
        progress(f"checking {count} vectors on the host ({image.toolchain})")
        result = HOST.run(image, manifest, list(vectors.inputs))
        checks.append(
            compare(f"host {image.toolchain}", manifest.outputs, vectors.outputs, result.outputs)
        )
    runner, reason = _runner(core, emulator)
    candidates = []
    for image in images.host if core.is_host else images.firmware:
        run = None
        if runner is not None:
            progress(f"checking {count} vectors on {core.name} ({image.toolchain}, {runner.name})")
            run = runner.run(image, manifest, list(vectors.inputs), profile=True)
            where = f"{core.name} {image.toolchain}"
            checks.append(compare(where, manifest.outputs, vectors.outputs, run.outputs))
        memory = None if core.is_host else measure_memory(image, manifest)
        candidates.append(Candidate(image, memory, run))
    if refuse:
        _refuse_differences(checks)
    chosen, why = choose(candidates, flash_bytes, manifest.optimize)
    version = NOT_RUN if runner is None else runner.version(core)
    return Verified(
        tuple(checks), tuple(candidates), chosen, why, version, reason, count, images.host
    )


def _runner(core: Core, emulator: EmulatorChoice) -> tuple[Runner | None, str]:
    if core.is_host:
        return None, "the target is this machine; it was run natively"
    if emulator == "none":
        return None, "--emulator none"
    found = select(core, emulator)
    if not isinstance(found, Problem):
        return found, ""
    if emulator != "auto":
        raise ToolError(f"{emulator} cannot run {core.name}", [found])
    return None, str(found)


def _refuse_differences(checks: list[Check]) -> None:
    problems = [
        Problem(f"differs by up to {c.max_abs_diff:g}: {c.detail}", c.where)
        for c in checks
        if not c.passed
    ]
    if problems:
        raise CheckFailed("the generated code does not compute what the reference does", problems)


def choose(
    candidates: Sequence[Candidate], flash_bytes: int | None, wanted: Optimize
) -> tuple[int, str]:
    """Index of the image that is kept, and why in words.

    Args:
        candidates: one for each compiler.
        flash_bytes: as for `verify_images`.
        wanted: what the model was made for.
    """
    if len(candidates) == 1:
        return 0, "the only compiler used"
    sizes = [c.memory.flash_bytes if c.memory else 0 for c in candidates]
    order = [i for i, n in enumerate(sizes) if flash_bytes is None or n <= flash_bytes]
    counts = [c.instructions for c in candidates]
    if len(order) == 1:
        return order[0], "the only image that fits the board's flash"
    known = {i: n for i in order if (n := counts[i]) is not None}
    if wanted != "size" and known and len(known) == len(order):
        if wanted == "balanced":
            code = [c.memory.code_bytes if c.memory else 1 for c in candidates]
            best = min(known, key=lambda i: known[i] * code[i])
            return best, "smallest product of code and instructions"
        return min(known, key=known.__getitem__), "fewest executed instructions"
    if any(sizes):
        return min(order or range(len(sizes)), key=sizes.__getitem__), "smallest code"
    return 0, "the first compiler that is present"

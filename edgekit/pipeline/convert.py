"""One conversion: import, lower, emit, build, verify, measure, report; then keep it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c.emit import STACK_UNKNOWN, Source, Vectors, emit
from codegen.c.literals import is_prefix, prefix
from codegen.c.processing import add_processing
from edgekit.artefact import STORE, Manifest
from edgekit.errors import ToolError, UsageError
from edgekit.ir import Graph
from edgekit.ir.serialize import save_graph
from edgekit.options import ConvertOptions
from edgekit.pipeline.builds import build_all, confirm_images
from edgekit.pipeline.helpers import check_helpers, rankings
from edgekit.pipeline.lowering import Lowered, lower
from edgekit.pipeline.memories import check_weights, rooms, weights_room
from edgekit.pipeline.output import staged
from edgekit.pipeline.reporting import elsewhere_bytes, make_report
from edgekit.pipeline.source import read_source
from edgekit.pipeline.vectors import make_vectors
from edgekit.pipeline.verification import NOT_RUN, Verified, verify_images
from edgekit.processing import Processing
from edgekit.report.codec import to_json
from edgekit.report.model import Report
from edgekit.schedule.planfile import plan_text
from targets.fit import check_fit
from targets.load import resolve
from targets.model import Target

Arrays = Mapping[str, NDArray[Any]]
Progress = Callable[[str], None]

VECTORS = "vectors.npz"
PLAN = "plan.json"
REPORT = "report.json"
PAGE = "report.html"
NONE = Processing()


@dataclass(frozen=True)
class Conversion:
    """What a conversion leaves in memory."""

    lowered: Lowered
    manifest: Manifest
    report: Report


def convert_model(
    model: Path | str | Graph,
    out: Path,
    options: ConvertOptions,
    calibration: Arrays | None,
    progress: Progress,
    refuse: bool = True,
    processing: Processing = NONE,
) -> Conversion:
    """Convert a model into ``out``, which is either complete afterwards or as it was before.

    With ``refuse`` False code that differs from the reference is kept, to be debugged.

    Raises:
        UsageError: wrong options.
        ModelError, DataError: model or calibration refused.
        FitError: the board is too small.
        ToolError: compiler or emulator missing or failed.
        CheckFailed: the generated code does not compute what the reference does.
    """
    target = resolve(options.target)
    check_weights(options.weights, target)
    progress("reading the model")
    source = read_source(model, options.shapes, options.signature)
    name = symbol_name(options.name, source.file)
    progress("lowering to " + target.core.name)
    memories = rooms(options.memories, target)
    board = target.board
    lowered = lower(source, target.core, options, calibration, memories, board, progress)
    vectors = make_vectors(lowered.defined, options.vectors, calibration)
    progress("emitting C")
    origin = Source(source.file, source.sha256 or "not a file")
    copies = weights_room(options.weights, target, lowered.program)
    core = target.core.name
    artefact = emit(lowered.program, name, core, origin, vectors, lowered.kernels, copies)
    artefact = add_processing(artefact, processing)
    known = artefact.manifest
    check_fit(target, known.weights_bytes, known.arena_bytes + known.state_bytes)
    with staged(out) as folder:
        artefact.write(folder)
        _store(folder, lowered, vectors)
        verified = _build_and_verify(
            folder, artefact.manifest, target, vectors, options, progress, refuse
        )
        report = make_report(lowered, artefact.manifest, target, options, verified, calibration)
        report = replace(
            report,
            preprocessing=check_helpers(folder, artefact.manifest, verified, options, progress),
            postprocessing=rankings(artefact.manifest),
        )
        _refuse_misfit(target, report)
        progress("writing the report")
        state_stack(folder, artefact.manifest, report.memory.stack_bytes)
        confirm_images(folder, artefact.manifest)
        write_report(folder, report)
    return Conversion(lowered, artefact.manifest, report)


def symbol_name(wanted: str | None, file: str) -> str:
    """The symbol prefix: as given, or from the file's name.

    Raises:
        UsageError: the given one is not a C identifier.
    """
    if wanted is None:
        return prefix(Path(file).stem)
    if not is_prefix(wanted):
        allowed = "use letters, digits and underscores, and no word or header of C"
        what = f"--name '{wanted}' cannot name C symbols and files"
        raise UsageError(f"{what}; {allowed}, e.g. {prefix(wanted)}")
    return wanted


def write_report(folder: Path, report: Report) -> None:
    """Write ``report.json`` and ``report.html``."""
    from edgekit.report.html import render_html

    (folder / REPORT).write_text(to_json(report), encoding="utf-8")
    (folder / PAGE).write_text(render_html(report), encoding="utf-8")


def state_stack(folder: Path, manifest: Manifest, stack_bytes: int | None) -> None:
    """Write the measured stack into the generated header and README.

    The bytes of these files stay a function of model, options and tools: the figure is counted on
    the emulated core and repeats exactly.
    """
    if stack_bytes is None:
        return
    for name in (*manifest.headers, "README.md"):
        path = folder / name
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(STACK_UNKNOWN, f"{stack_bytes} bytes"), encoding="utf-8")


def _build_and_verify(
    folder: Path,
    manifest: Manifest,
    target: Target,
    vectors: Vectors,
    options: ConvertOptions,
    progress: Progress,
    refuse: bool,
) -> Verified:
    images = build_all(folder, manifest, target.core, options.toolchain, progress)
    flash = target.board.flash_bytes if target.board else None
    verified = verify_images(
        images, manifest, target.core, vectors, options.emulator, progress, flash, refuse,
    )  # fmt: skip
    if options.require_emulator and verified.emulator == NOT_RUN and not target.core.is_host:
        raise ToolError(f"--require-emulator: {target.core.name} was not run: {verified.reason}")
    return verified


def _refuse_misfit(target: Target, report: Report) -> None:
    memory = report.memory
    ram = memory.ram_bytes
    if ram is None:  # the stack was not measured: check what is known
        ram = (memory.arena_bytes or 0) + (memory.state_bytes or 0) + (memory.static_bytes or 0)
        ram += memory.region_bytes + memory.copied_bytes
    check_fit(target, memory.flash_bytes or 0, ram - elsewhere_bytes(target.board, memory))


def _store(folder: Path, lowered: Lowered, vectors: Vectors) -> None:
    store = folder / STORE
    store.mkdir()
    save_graph(lowered.graph, store)
    text = plan_text(lowered.program, lowered.source.file)
    (store / PLAN).write_text(text, encoding="utf-8", newline="\n")
    arrays = {f"input_{i}": a for i, a in enumerate(vectors.inputs)}
    arrays |= {f"output_{i}": a for i, a in enumerate(vectors.outputs)}
    np.savez_compressed(store / VECTORS, **arrays)  # type: ignore[arg-type]

"""Checks the helpers before a model against their numpy definition, and describes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.artefact import Manifest, Port, RawInput, preprocess_manifest, raw_manifest
from edgekit.errors import CheckFailed, DataError, Problem
from edgekit.ir import DType
from edgekit.options import ConvertOptions, ToolchainChoice
from edgekit.pipeline.builds import firmware_image
from edgekit.pipeline.checks import Check, compare
from edgekit.pipeline.evaluation import by_name
from edgekit.pipeline.vectors import SEED
from edgekit.pipeline.verification import NOT_RUN, Verified
from edgekit.processing import Processing
from edgekit.report.processing import Postprocessing, Preprocessing
from profiles.runners import HOST, RunResult, select
from profiles.runners.data import check_inputs
from quantize.processing import process

Array = NDArray[Any]
Progress = Callable[[str], None]


def processing_of(manifest: Manifest) -> Processing:
    """The settings that an artefact was made with."""
    return Processing.from_settings(
        {r.port.name: r.settings for r in manifest.raw_inputs},
        {r.name: r.settings for r in manifest.ranked_outputs},
    )


def processed(manifest: Manifest, raws: list[Array]) -> list[Array]:
    """What the numpy definition makes of the helpers' inputs, samples first."""
    settings = processing_of(manifest).inputs
    return [
        process(raw, settings[r.port.name], manifest.inputs[r.index])
        for raw, r in zip(raws, manifest.raw_inputs, strict=True)
    ]


def raw_feeds(manifest: Manifest, inputs: Mapping[str, Array]) -> list[Array]:
    """Arrays for `raw_manifest`, by the inputs' names, checked.

    Raises:
        DataError: they do not fit.
    """
    if not manifest.raw_inputs:
        raise DataError("the model was converted without processing: it takes no raw inputs")
    whole = raw_manifest(manifest)
    named = by_name(inputs, [p.name for p in whole.inputs])
    places = [f"input '{p.name}'" for p in whole.inputs if p.name not in named]
    if places:
        problems = [Problem("no array is given", where) for where in places]
        raise DataError("the raw inputs do not fit the model", problems)
    arrays = [named[p.name] for p in whole.inputs]
    check_inputs(whole, arrays)
    return arrays


def filled(manifest: Manifest, arrays: list[Array]) -> list[Array]:
    """The model's own inputs for arrays of `raw_feeds`, by the numpy definition."""
    raws = [arrays[r.index] for r in manifest.raw_inputs]
    inner = list(arrays)
    for raw, made in zip(manifest.raw_inputs, processed(manifest, raws), strict=True):
        inner[raw.index] = made
    return inner


def check_helpers(
    folder: Path,
    manifest: Manifest,
    verified: Verified,
    options: ConvertOptions,
    progress: Progress,
) -> tuple[Preprocessing, ...]:
    """Run the helpers wherever the model ran, and compare.

    Returns:
        One description per helper, with the instructions of one call where an emulator ran it.

    Raises:
        CheckFailed: a result differs from the numpy definition.
        ToolError: a compiler or an emulator failed.
    """
    if not manifest.raw_inputs:
        return ()
    raws = [raw_samples(r.port, options.vectors) for r in manifest.raw_inputs]
    wanted = processed(manifest, raws)
    part = preprocess_manifest(manifest)
    checks = []
    progress("checking the preprocessing")
    for image in verified.host:
        found = HOST.run(image, part, raws).outputs
        checks.append(compare(f"host {image.toolchain}", part.outputs, wanted, found))
    run = _emulated(folder, part, verified, options, raws)
    if run is not None:
        best = verified.best.image
        where = f"{best.core.name} {best.toolchain}"
        checks.append(compare(where, part.outputs, wanted, run.outputs))
    _refuse(checks)
    same = tuple(c.where for c in checks)
    return tuple(describe(r, run, same) for r in manifest.raw_inputs)


def describe(raw: RawInput, run: RunResult | None, compared: tuple[str, ...]) -> Preprocessing:
    """One helper as the report has it.

    Args:
        raw: the helper.
        run: all helpers on the emulated core; None where nothing ran there.
        compared: where the results were found identical.
    """
    counts = {c.symbol: c.instructions for c in run.layers} if run else {}
    return Preprocessing(
        input=raw.port.name,
        kind=str(raw.settings["kind"]),
        settings={k: v for k, v in raw.settings.items() if k != "kind"},
        dtype=raw.port.dtype.value,
        shape=raw.port.shape,
        scratch_bytes=raw.scratch_bytes,
        table_bytes=raw.table_bytes,
        instructions=counts.get(raw.symbol),
        stack_bytes=run.stack_bytes if run else None,
        compared=compared,
    )


def rankings(manifest: Manifest) -> tuple[Postprocessing, ...]:
    """The helpers after the model as the report has them."""
    return tuple(Postprocessing(r.name, **r.settings) for r in manifest.ranked_outputs)


def raw_samples(port: Port, count: int) -> Array:
    """Samples for a helper: random ones, one of them quiet, then both extremes.

    Args:
        port: the helper's input.
        count: how many random ones.
    """
    rng = np.random.default_rng(SEED)
    low, high = port.dtype.bounds
    shape = (count + 2, *port.shape[1:])
    raw = rng.integers(low, high, shape, port.dtype.numpy, endpoint=True)
    if port.dtype is DType.INT16:
        raw[0] >>= 10
    raw[-2], raw[-1] = low, high
    return raw


def _emulated(
    folder: Path, part: Manifest, verified: Verified, options: ConvertOptions, raws: list[Array]
) -> RunResult | None:
    best = verified.best.image
    if verified.emulator == NOT_RUN or best.core.is_host:
        return None
    runner = select(best.core, options.emulator)
    assert not isinstance(runner, Problem), "it ran the model"
    choice: ToolchainChoice = "zig" if best.toolchain == "zig" else "gcc"
    image = firmware_image(folder, part, best.core, choice, part="preprocess")
    return runner.run(image, part, raws, profile=True)


def _refuse(checks: list[Check]) -> None:
    problems = [Problem(f"differs: {c.detail}", c.where) for c in checks if not c.identical]
    if problems:
        raise CheckFailed("the preprocessing does not compute what its definition does", problems)

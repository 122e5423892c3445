"""Processing becomes C: ``NAME_preprocess.h`` and ``.c`` beside the model's own files."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from codegen.c import kernels
from codegen.c.emit import kernel_guard, kernel_texts
from codegen.c.literals import comment
from codegen.c.processing.audio import audio_samples, check_audio, emit_audio
from codegen.c.processing.helper import HelperWriter
from codegen.c.processing.image import check_image, emit_image
from codegen.c.processing.rank import check_rank, rank_context
from codegen.c.render import render
from edgekit import __version__
from edgekit.artefact import (
    Artefact,
    Manifest,
    Port,
    RankedOutput,
    RawInput,
    preprocess_manifest,
    raw_manifest,
)
from edgekit.errors import Problem, UsageError
from edgekit.ir import DType
from edgekit.processing import AudioInput, ImageInput, InputProcessing, Processing, Ranking
from targets.toolchains.base import OPTIMIZATION

ELEMENTS = (DType.INT8, DType.FLOAT32)
"""Element types of a model's input that helpers can write."""


def add_processing(artefact: Artefact, processing: Processing) -> Artefact:
    """The artefact with the helpers before and after the model.

    Args:
        artefact: of `codegen.c.emit.emit`.
        processing: settings by name of input and output.

    Raises:
        UsageError: with every setting that does not fit the model.
    """
    problems = _unknown(artefact.manifest, processing)
    writers = [
        (HelperWriter(artefact.manifest.name, port, index), processing.inputs[port.name])
        for index, port in enumerate(artefact.manifest.inputs)
        if port.name in processing.inputs
    ]
    for writer, settings in writers:
        _check(writer, settings)
        problems += writer.problems
    ranked = [
        (port, processing.outputs[port.name])
        for port in artefact.manifest.outputs
        if port.name in processing.outputs
    ]
    for port, ranking in ranked:
        problems += check_rank(port, ranking)
    if problems:
        raise UsageError("the processing settings do not fit the model", problems)
    for writer, settings in writers:
        _write(writer, settings)
    made = _with_outputs(_with_inputs(artefact, writers), ranked)
    return _documented(made, writers, ranked) if processing else artefact


def _unknown(manifest: Manifest, processing: Processing) -> list[Problem]:
    found = []
    for section, names, ports in (
        ("processing", processing.inputs, manifest.inputs),
        ("postprocessing", processing.outputs, manifest.outputs),
    ):
        known = [p.name for p in ports]
        what = "input" if section == "processing" else "output"
        found += [
            Problem(f"the model has no {what} of this name", f"{section}.{n}", ", ".join(known))
            for n in names
            if n not in known
        ]
    return found


def _check(writer: HelperWriter, settings: InputProcessing) -> None:
    if writer.port.dtype not in ELEMENTS:
        allowed = ", ".join(d.value for d in ELEMENTS)
        writer.refuse(f"the model's input is {writer.port.dtype.value}", allowed)
        return
    if writer.port.shape[0] != 1:
        writer.refuse(f"the model takes {writer.port.shape[0]} samples at once", "one")
    if isinstance(settings, ImageInput):
        check_image(writer, settings)
    else:
        check_audio(writer, settings)


def _write(writer: HelperWriter, settings: InputProcessing) -> None:
    port = writer.port
    if isinstance(settings, ImageInput):
        writer.raw = raw_port(port, writer.index, DType.UINT8, settings.shape)
        emit_image(writer, settings)
    else:
        samples = audio_samples(port, settings)
        writer.raw = raw_port(port, writer.index, DType.INT16, (1, samples))
        emit_audio(writer, settings)


def raw_port(port: Port, index: int, dtype: DType, shape: tuple[int, ...]) -> Port:
    """The input of a helper."""
    return Port(port.name, f"raw_{index}", dtype, shape, "", None, 0, dtype, shape)


def _with_inputs(
    artefact: Artefact, writers: list[tuple[HelperWriter, InputProcessing]]
) -> Artefact:
    if not writers:
        return artefact
    name = artefact.manifest.name
    raws = tuple(_raw_input(w, settings) for w, settings in writers)
    sources = (*artefact.manifest.sources, f"{name}_preprocess.c")
    headers = (*artefact.manifest.headers, f"{name}_preprocess.h")
    manifest = dataclasses.replace(
        artefact.manifest, sources=sources, headers=headers, raw_inputs=raws
    )
    context = _context(manifest) | {
        "helpers": [_helper_text(w, settings) for w, settings in writers],
        "preprocess": preprocess_manifest(manifest),
        "raw": raw_manifest(manifest),
        "kernels": kernel_texts([w for w, _ in writers]),
        "constants": [c for w, _ in writers for c in w.constants],
    }
    files = {
        f"{name}_preprocess.h": render("preprocess.h.j2", context),
        f"{name}_preprocess.c": render("preprocess.c.j2", context),
        f"{name}_preprocess_kernels.h": render(
            "kernels.h.j2", context | _kernel_names(name, "preprocess")
        ),
    }
    return Artefact(manifest, {**artefact.files, **files})


def _with_outputs(artefact: Artefact, ranked: list[tuple[Port, Ranking]]) -> Artefact:
    if not ranked:
        return artefact
    name = artefact.manifest.name
    outputs = tuple(
        RankedOutput(p.name, f"{name}_rank_{p.c_name}", dataclasses.asdict(r)) for p, r in ranked
    )
    manifest = dataclasses.replace(
        artefact.manifest,
        sources=(*artefact.manifest.sources, f"{name}_postprocess.c"),
        headers=(*artefact.manifest.headers, f"{name}_postprocess.h"),
        ranked_outputs=outputs,
    )
    ranks = [rank_context(p, r) for p, r in ranked]
    names = kernels.closure(["ek_common.h", *dict.fromkeys(f"{r['kernel']}.c" for r in ranks)])
    context = _context(manifest) | {
        "ranks": ranks,
        "kernels": [{"guard": kernel_guard(n), "text": kernels.source(n)} for n in names],
    }
    files = {
        f"{name}_postprocess.h": render("postprocess.h.j2", context),
        f"{name}_postprocess.c": render("postprocess.c.j2", context),
        f"{name}_postprocess_kernels.h": render(
            "kernels.h.j2", context | _kernel_names(name, "postprocess")
        ),
    }
    return Artefact(manifest, {**artefact.files, **files})


def _documented(
    artefact: Artefact,
    writers: list[tuple[HelperWriter, InputProcessing]],
    ranked: list[tuple[Port, Ranking]],
) -> Artefact:
    """The project's own files with the new sources in them."""
    context = _context(artefact.manifest) | {
        "helpers": [_helper_text(w, settings) for w, settings in writers],
        "scratch": preprocess_manifest(artefact.manifest).arena_bytes,
        "ranks": [rank_context(p, r) for p, r in ranked],
    }
    files = {
        "CMakeLists.txt": render("CMakeLists.txt.j2", context),
        "README.md": artefact.files["README.md"] + render("processing.md.j2", context),
    }
    return Artefact(artefact.manifest, {**artefact.files, **files})


def _context(manifest: Manifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "NAME": manifest.name.upper(),
        "version": __version__,
        "flag": OPTIMIZATION[manifest.optimize],
        "sources": manifest.sources,
        "manifest": manifest,
    }


def _kernel_names(name: str, part: str) -> dict[str, str]:
    return {"name": f"{name}_{part}", "NAME": f"{name}_{part}".upper()}


def _raw_input(writer: HelperWriter, settings: InputProcessing) -> RawInput:
    assert writer.raw is not None
    return RawInput(
        port=writer.raw,
        index=writer.index,
        symbol=f"{writer.name}_process_{writer.index}",
        scratch_bytes=writer.scratch_bytes,
        table_bytes=sum(c.data.nbytes for c in writer.constants),
        settings=dataclasses.asdict(settings),
    )


def _helper_text(writer: HelperWriter, settings: InputProcessing) -> dict[str, Any]:
    return {
        "index": writer.index,
        "port": writer.port,
        "raw": writer.raw,
        "lines": writer.lines,
        "frames": writer.frames,
        "uses_scratch": writer.scratch_bytes > 0,
        "settings": setting_lines(settings),
    }


def setting_lines(settings: InputProcessing) -> list[str]:
    """``key = value`` of every setting that has a part in the result, for comments."""
    values = dataclasses.asdict(settings)
    unused = settings.unused if isinstance(settings, AudioInput) else ()
    return [
        comment(f"{key} = {json.dumps(value)}")
        for key, value in values.items()
        if key not in unused
    ]

"""A program becomes C99: header, source, kernels, constants, CMake, host test and README."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from codegen.c import kernels
from codegen.c.assembly import assembly_texts, is_assembly
from codegen.c.choice import PORTABLE, KernelSet
from codegen.c.copies import ALIGN, NO_COPIES, choose_copies
from codegen.c.literals import array_literal, comment
from codegen.c.manifest import describe
from codegen.c.render import local, render
from codegen.c.step import StepWriter, pointer
from codegen.c.writer import COPIED, Constant, Writer
from edgekit import __version__
from edgekit.artefact import Artefact, Manifest
from edgekit.errors import ModelError
from edgekit.schedule import Program, Room
from edgekit.schedule.program import ARENA, STATE
from targets.toolchains.base import OPTIMIZATION

FLOAT_TOLERANCE = 1e-4
"""Largest difference, relative to the largest magnitude, between float32 results."""

STACK_UNKNOWN = "not measured"
"""Stands in generated files for the stack until it has been measured."""


@dataclass(frozen=True)
class Source:
    """What the generated files say about where they come from."""

    file: str
    sha256: str


@dataclass(frozen=True)
class Vectors:
    """Stored inputs and the outputs that the reference computes for them.

    Arrays have a leading sample axis and the artefact's layout and element type, in the order of
    the ports.
    """

    inputs: tuple[NDArray[Any], ...]
    outputs: tuple[NDArray[Any], ...]


def emit(
    program: Program,
    name: str,
    target: str,
    source: Source,
    vectors: Vectors,
    chosen: KernelSet = PORTABLE,
    weights: Room | None = None,
) -> Artefact:
    """Emit a lowered program.

    Args:
        program: scheduled graph of operators that have a C kernel.
        name: symbol prefix, a C identifier.
        target: core name, written into comments.
        source: provenance, written into comments.
        vectors: stored for the host test.
        chosen: the kernels that the program was planned with.
        weights: memory that constants are copied to before the first run; None: they are read
            where they are stored.

    Returns:
        Files and manifest; the same arguments give the same bytes.

    Raises:
        ModelError: a node cannot be emitted (shape, batch, accumulator range).
    """
    writers = _write_steps(program, name, chosen, {}, {})
    copies = NO_COPIES if weights is None else choose_copies(writers, weights)
    common = _common(writers) if program.certificate.stages else {}
    if copies.offsets or common:  # which constants there are was only known now
        writers = _write_steps(program, name, chosen, copies.offsets, common)
    constants = [c for w in writers for c in w.constants]
    states = _states(program, name, constants)
    manifest = describe(program, name, target, writers, constants, chosen)
    manifest = replace(manifest, copied=copies.described(name))
    context = {
        **_about(manifest, source),
        "title": _title(program, manifest),
        "steps": [_step_text(w, manifest) for w in writers],
        "copies": [(c, copies.offsets[c.symbol]) for c in constants if c.symbol in copies.offsets],
        "states": states,
        "moves": _moves(program),
        "constants": constants,
        "kernels": kernel_texts(writers),
        "assembly": assembly_texts(name, writers),
        "count": _vector_count(manifest, vectors),
        "vectors": _vector_texts(manifest, vectors),
    }
    files = _templates(name, is_assembly(writers))
    return Artefact(manifest, {path: render(t, context) for path, t in files.items()})


def _templates(name: str, assembly: bool) -> dict[str, str]:
    """What each file is rendered from."""
    files = {
        f"{name}.h": "model.h.j2",
        f"{name}.c": "model.c.j2",
        f"{name}_kernels.h": "kernels.h.j2",
        f"{name}_weights.h": "weights.h.j2",
        "CMakeLists.txt": "CMakeLists.txt.j2",
        "README.md": "README.md.j2",
        "test/host_test.c": "host_test.c.j2",
        "test/vectors.h": "vectors.h.j2",
    }
    if assembly:
        files[f"{name}_assembly.h"] = "assembly.h.j2"
    return files


def _about(manifest: Manifest, source: Source) -> dict[str, Any]:
    """What the templates say of the artefact as a whole."""
    return {
        "name": manifest.name,
        "NAME": manifest.name.upper(),
        "version": __version__,
        "target": comment(manifest.target),
        "flag": OPTIMIZATION[manifest.optimize],
        "sources": manifest.sources,
        "source": comment(source.file),
        "sha256": source.sha256,
        "arena_bytes": manifest.arena_bytes,
        "arena_align": manifest.arena_align,
        "arena_memory": manifest.arena_memory,
        "regions": manifest.regions,
        "copied": manifest.copied,
        "manifest": manifest,
        "weights_align": ALIGN,
        "state_bytes": manifest.state_bytes,
        "weights_bytes": manifest.weights_bytes,
        "inputs": manifest.inputs,
        "outputs": manifest.outputs,
        "stack": STACK_UNKNOWN,
        "exact": all(p.dtype.is_integer for p in manifest.outputs),
        "tolerance": FLOAT_TOLERANCE,
    }


def _write_steps(
    program: Program,
    name: str,
    chosen: KernelSet,
    copies: Mapping[str, int],
    common: Mapping[str, str],
) -> list[StepWriter]:
    writers = []
    errors = []
    shared: dict[tuple[str, ...], str] = {}
    for step in program.steps:
        writer = StepWriter(name, program, step, shared=shared, copies=copies, common=common)
        try:
            chosen.emitter(step.node).emit(writer)
        except ModelError as error:
            errors.append(error)
        writers.append(writer)
    if len({e.summary for e in errors}) == 1:
        raise ModelError(errors[0].summary, [p for e in errors for p in e.problems])
    if errors:
        problems = [p for e in errors for p in e.problems]
        raise ModelError("some operators cannot be written as C", problems)
    return writers


def _common(writers: Sequence[StepWriter]) -> dict[str, str]:
    """Names for the small constants that several steps declare, by what they hold: strips of a
    layer mostly have one geometry."""
    users = Counter(key for w in writers for key in set(w.contents.values()))
    found: dict[str, str] = {}
    for w in writers:
        for variable, key in w.contents.items():
            if users[key] > 1:
                found.setdefault(key, f"{w.name}_s_{w.tag}_{variable}")
    return found


def _step_text(writer: StepWriter, manifest: Manifest) -> dict[str, Any]:
    node = writer.node
    program = writer.program
    pointers = [pointer(r) for r in (ARENA, *(r.name for r in program.regions))]
    pointers += [COPIED] if manifest.copied else []
    pointers += [STATE] if program.state_bytes else []
    shapes = " + ".join(str(v.type) for v in node.inputs if v is not None and not v.is_constant)
    notes = [comment(f"{shapes} -> {', '.join(str(v.type) for v in node.outputs)}")]
    origin = "; ".join(node.origin)
    if origin and origin != node.name:
        notes.append("from " + comment(origin))
    body = " ".join(writer.lines)
    return {
        "index": writer.step.index,
        "symbol": manifest.steps[writer.step.index].symbol,
        "title": comment(f"{node.op.name} '{node.name}'"),
        "notes": notes,
        "definitions": writer.definitions,
        "lines": writer.lines,
        "unused": [p for p in pointers if f"({p} + " not in body],
    }


def kernel_texts(writers: Sequence[Writer]) -> list[dict[str, str]]:
    """Every kernel file that the writers use, each once, what it includes first."""
    names = kernels.closure(["ek_common.h", *dict.fromkeys(k for w in writers for k in w.kernels)])
    texts = [{"guard": kernel_guard(n), "text": kernels.source(n)} for n in names]
    for kernel, rule in dict.fromkeys(v for w in writers for v in w.variants):
        guard = kernel_guard(f"{kernel}_{rule}")
        texts.append({"guard": guard, "text": kernels.variant(kernel, rule)})
    return texts


def kernel_guard(name: str) -> str:
    """The macro that says that a kernel is already there."""
    return f"EK_HAVE_{name.removeprefix('ek_').replace('.', '_').upper()}"


def _states(program: Program, name: str, constants: list[Constant]) -> list[dict[str, Any]]:
    texts = []
    for i, link in enumerate(program.graph.states):
        symbol = f"{name}_w_state_{i}"
        constants.append(Constant(symbol, link.state.type.dtype.c_name, link.initial))
        offset = program.location[link.state.name].offset
        texts.append({"symbol": symbol, "offset": offset, "nbytes": link.state.type.nbytes})
    return texts


def _moves(program: Program) -> list[dict[str, Any]]:
    return [
        {
            "source": f"{local(m.source.region)} + {m.source.offset}",
            "home": f"{local(m.home.region)} + {m.home.offset}",
            "nbytes": m.home.nbytes,
        }
        for m in program.moves
    ]


def _vector_count(manifest: Manifest, vectors: Vectors) -> int:
    """Samples that are stored: one takes as many rows of an array as its port has."""
    ports, arrays = (*manifest.inputs, *manifest.outputs), (*vectors.inputs, *vectors.outputs)
    sizes = [(math.prod(p.shape), data.size) for p, data in zip(ports, arrays, strict=True)]
    return next((total // size for size, total in sizes if size), 0)


def _vector_texts(manifest: Manifest, vectors: Vectors) -> list[dict[str, Any]]:
    count = _vector_count(manifest, vectors)
    pairs = [*zip(manifest.inputs, vectors.inputs, strict=True)]
    pairs += zip(manifest.outputs, vectors.outputs, strict=True)
    return [
        {
            "c_name": port.c_name,
            "c_type": port.dtype.c_name,
            "size": math.prod(port.shape),
            # No stored vectors: nothing to divide into rows.
            "rows": [array_literal(row) for row in data.reshape(count, -1)] if count else [],
        }
        for port, data in pairs
    ]


def _title(program: Program, manifest: Manifest) -> str:
    layers = len(program.steps)
    return f"{manifest.precision} network, {layers} layers, {program.graph.macs():,} MACs"

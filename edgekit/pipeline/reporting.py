"""The report of a conversion, assembled from what the stages found."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from numpy.typing import NDArray

from codegen.c.choice import is_alias
from codegen.c.emit import FLOAT_TOLERANCE
from edgekit import __version__
from edgekit.artefact import Manifest
from edgekit.ir import Graph
from edgekit.ir.graph import node_macs
from edgekit.ir.ops import Dequantize, Quantize
from edgekit.options import ConvertOptions
from edgekit.pipeline.lowering import Lowered
from edgekit.pipeline.verification import NOT_RUN, Candidate, Verified
from edgekit.report import model as m
from edgekit.report.placement import Buffer, FrontPoint, MemoryRegion, MemorySplit, Schedule
from edgekit.report.processing import Scalar
from edgekit.schedule import Program
from edgekit.schedule.fitting import Point
from edgekit.schedule.program import STATE
from profiles.cycles import estimate_cycles
from quantize.layer_errors import quantization_error
from targets.model import Board, Target

PACKAGES = ("numpy", "onnx", "ai-edge-litert", "ziglang", "unicorn", "capstone")
ERROR_SAMPLES = 32
STEPS = (Quantize, Dequantize)


def make_report(
    lowered: Lowered,
    manifest: Manifest,
    target: Target,
    options: ConvertOptions,
    verified: Verified,
    calibration: Mapping[str, NDArray[Any]] | None,
) -> m.Report:
    """Everything that one conversion found."""
    best = verified.best
    memory = memory_of(manifest, best)
    latency = latency_of(manifest, target, best)
    return m.Report(
        model=_model(lowered),
        target=target_info(target),
        options=_options(options, lowered),
        memory=memory,
        latency=latency,
        verification=_verification(lowered, verified),
        versions=_versions(best, verified),
        quantization=_errors(lowered, calibration),
        schedule=schedule_of(lowered.program, lowered.front),
        fit=_fit(target, memory),
        toolchain=_toolchains(verified),
        graph=graph_nodes(lowered.whole),
        warnings=(*_warnings(verified), *float_parts(lowered, latency.layers)),
    )


def graph_nodes(graph: Graph) -> tuple[m.GraphNode, ...]:
    """The graph for drawing."""
    return tuple(
        m.GraphNode(
            n.name,
            n.op.name,
            tuple(v.name for v in n.inputs if v is not None and not v.is_constant),
            tuple(v.name for v in n.outputs),
            n.output.type.shape,
            node_macs(n),
        )
        for n in graph.nodes
    )


def memory_of(manifest: Manifest, candidate: Candidate) -> m.Memory:
    """Memory of a linked image and its run."""
    found, run = candidate.memory, candidate.run
    if found is None:
        weights = manifest.weights_bytes - manifest.table_bytes
        return m.Memory(
            manifest.arena_bytes,
            manifest.state_bytes,
            weights_bytes=weights,
            table_bytes=manifest.table_bytes,
            region_bytes=manifest.region_bytes,
            copied_bytes=manifest.copied_bytes,
        )
    stack = run.stack_bytes if run else None
    caller = manifest.arena_bytes + manifest.region_bytes + manifest.state_bytes
    known = caller + manifest.copied_bytes + found.static_bytes
    return m.Memory(
        arena_bytes=manifest.arena_bytes,
        state_bytes=manifest.state_bytes,
        static_bytes=found.static_bytes,
        stack_bytes=stack,
        ram_bytes=None if stack is None else known + stack,
        weights_bytes=found.weights_bytes,
        table_bytes=found.table_bytes,
        code_bytes=found.code_bytes,
        flash_bytes=found.flash_bytes,
        region_bytes=manifest.region_bytes,
        copied_bytes=manifest.copied_bytes,
    )


def latency_of(manifest: Manifest, target: Target, candidate: Candidate) -> m.Latency:
    """Counted instructions of the first vector, and the cycle estimate of the run."""
    run = candidate.run
    counts = {c.symbol: c.instructions for c in run.layers} if run else {}
    layers = tuple(
        m.LayerCost(
            s.name, s.op, s.macs, counts.get(s.symbol), s.origin, s.variant, s.parts,
            max(s.parts, key=lambda name: s.parts[name], default=s.refused),
        )
        for s in manifest.steps
    )  # fmt: skip
    return m.Latency(
        candidate.instructions,
        layers,
        run.other_instructions if run else None,
        cycles_of(candidate, wait_states_of(target)),
    )


def wait_states_of(target: Target) -> int:
    """Flash wait states of the board; 0 for a bare core (the report names the method)."""
    return (target.board.flash_wait_states or 0) if target.board else 0


def cycles_of(candidate: Candidate, wait_states: int) -> m.Cycles | None:
    """The labelled cycle estimate of one inference, None where nothing was counted."""
    run = candidate.run
    if run is None:
        return None
    found = estimate_cycles(candidate.image, run, wait_states)
    return None if found is None else m.Cycles(**asdict(found))


def _model(lowered: Lowered) -> m.ModelInfo:
    graph, source = lowered.canonical, lowered.source
    return m.ModelInfo(
        name=source.file,
        sha256=source.sha256,
        macs=lowered.canonical.macs(),
        parameters=graph.parameters(),
        format=source.format,
        operators=dict(Counter(n.op.name for n in graph.nodes)),
    )


def target_info(target: Target) -> m.TargetInfo:
    """The target as the report describes it."""
    board = target.board
    return m.TargetInfo(
        name=target.name,
        core=target.core.name,
        board=board.name if board else None,
        clock_hz=board.clock_hz if board else None,
        flash_bytes=board.flash_bytes if board else None,
        sram_bytes=board.contiguous_sram_bytes if board else None,
        features=target.core.features,
    )


def _options(options: ConvertOptions, lowered: Lowered) -> dict[str, Scalar | tuple[str, ...]]:
    given = {k: v for k, v in asdict(options).items() if k not in ("target", "force")}
    # as the command line spells them: a report's options are texts and numbers
    shapes = (f"{name}={','.join(map(str, dims))}" for name, dims in options.shapes.items())
    given["shapes"] = tuple(shapes)
    sizes = options.memories.items()
    given["memories"] = tuple(n if size is None else f"{n}={size}" for n, size in sizes)
    given["weights"] = tuple(f"{n}={s}" if s else n for n, s in options.weights.items())
    given["plan"] = options.plan and options.plan.name
    return {**given, "precision": lowered.precision, "rounding": lowered.rounding}


def _verification(lowered: Lowered, verified: Verified) -> m.Verification:
    rule = f"edgekit integer reference ({lowered.rounding} rounding)"
    real = f"edgekit float reference (tolerance {FLOAT_TOLERANCE:g} of the largest magnitude)"
    host = tuple(c.where.removeprefix("host ") for c in verified.checks if "host " in c.where)
    emulated = tuple(c.where.split()[-1] for c in verified.checks if "host " not in c.where)
    return m.Verification(
        reference=rule if lowered.precision == "int8" else real,
        vectors=verified.vectors,
        bit_exact=all(c.identical for c in verified.checks) if verified.checks else None,
        max_abs_diff=max((c.max_abs_diff for c in verified.checks), default=None),
        emulator=verified.emulator,
        reason=verified.reason or None,
        host=host,
        emulated=emulated,
    )


def _versions(best: Candidate, verified: Verified) -> m.Versions:
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return m.Versions(
        edgekit=__version__,
        python=platform.python_version(),
        toolchain=best.image.version,
        emulator=None if verified.emulator == NOT_RUN else verified.emulator,
        packages=packages,
    )


def _errors(
    lowered: Lowered, calibration: Mapping[str, NDArray[Any]] | None
) -> tuple[m.LayerError, ...]:
    if not lowered.quantized_here or calibration is None:
        return ()
    some = {k: a[:ERROR_SAMPLES] for k, a in calibration.items()}
    found = quantization_error(lowered.canonical, lowered.defined, some)
    return tuple(m.LayerError(e.name, e.sqnr_db, e.max_abs, e.mean_abs) for e in found)


def schedule_of(program: Program, front: Sequence[Point] = ()) -> Schedule:
    """The program as the report draws it, beside plans with more and less RAM."""
    graph = program.graph
    roles = {v.name: "input" for v in graph.inputs} | {
        program.location[v.name].name: "output" for v in graph.outputs
    }
    buffers = [
        Buffer(b.name, b.offset, b.nbytes, b.first, b.last, roles.get(b.name, "tensor"), b.region)
        for b in program.buffers
        if b.region != STATE
    ]
    buffers += [
        Buffer(b.name, b.offset, b.nbytes, b.first, b.last, "scratch", b.region)
        for b in (s.scratch for s in program.steps)
        if b
    ]
    steps = tuple(s.node.name for s in program.steps)
    proven = program.certificate
    return Schedule(
        steps,
        tuple(buffers),
        proven.bound_bytes,
        proven.levers,
        proven.peak_step,
        split_of(program),
        tuple(map(str, proven.stages)),
        proven.extra_macs,
        tuple(FrontPoint(**asdict(point)) for point in front),
    )


def split_of(program: Program) -> MemorySplit | None:
    """What lies in which memory."""
    split = program.split
    if split is None:
        return None
    regions = tuple(MemoryRegion(r.name, r.nbytes) for r in split.regions)
    return MemorySplit(
        split.arena, program.arena_bytes, regions, split.moved_bytes, split.bound_bytes
    )


def _fit(target: Target, memory: m.Memory) -> m.Fit | None:
    board = target.board
    if board is None:
        return None
    fits = None
    if memory.ram_bytes is not None and memory.flash_bytes is not None:
        fits = (
            memory.ram_bytes - elsewhere_bytes(board, memory) <= board.contiguous_sram_bytes
            and memory.flash_bytes <= board.flash_bytes
        )
    return m.Fit(board.name, board.flash_bytes, board.contiguous_sram_bytes, fits)


def elsewhere_bytes(board: Board | None, memory: m.Memory) -> int:
    """RAM outside the piece that the arena lies in: held against the memories that it is for."""
    copied = memory.copied_bytes if board and board.memories else 0
    return memory.region_bytes + copied


def _toolchains(verified: Verified) -> tuple[m.ToolchainCandidate, ...]:
    found = [
        m.ToolchainCandidate(
            c.image.toolchain,
            c.image.version,
            c.memory.code_bytes if c.memory else None,
            c.instructions,
        )
        for c in verified.candidates
    ]
    found[verified.chosen] = replace(found[verified.chosen], chosen=True, why=verified.why)
    return tuple(found)


def float_parts(lowered: Lowered, layers: Sequence[m.LayerCost]) -> tuple[str, ...]:
    """A line on what an int8 program computes in float32, with the instructions counted for each
    operator and for the conversions; none where it computes nothing in float32."""
    real = [
        n for n in lowered.graph.nodes
        if any(v.type.dtype.is_float for v in (*n.outputs, *(v for v in n.inputs if v is not None)))
    ]  # fmt: skip
    operators = [n for n in real if not (isinstance(n.op, STEPS) or is_alias(n.op))]
    if lowered.precision != "int8" or not operators:
        return ()
    counts = {layer.name: layer.instructions for layer in layers}
    named = ", ".join(f"{n.op.name} '{n.name}'{_counted(counts.get(n.name))}" for n in operators)
    conversions = [counts.get(n.name) for n in real if isinstance(n.op, STEPS)]
    known = [c for c in conversions if c is not None]
    total = _counted(sum(known) if len(known) == len(conversions) and known else None)
    return (
        f"computed in float32, without an int8 form: {named}; "
        f"conversions to and from float32: {len(conversions)}{total}",
    )


def _counted(instructions: int | None) -> str:
    return "" if instructions is None else f" ({instructions:,} instructions)"


def _warnings(verified: Verified) -> tuple[str, ...]:
    warnings = []
    if verified.emulator == NOT_RUN and not verified.best.image.core.is_host:
        warnings.append(f"the image was not run on an emulated core: {verified.reason}")
    close = [c for c in verified.checks if not c.identical]
    if close:
        worst = max(c.max_abs_diff for c in close)
        warnings.append(
            f"float32 results are within tolerance but not identical (largest difference {worst:g})"
        )
    return tuple(warnings)

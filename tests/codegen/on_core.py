"""Many layers in one firmware: the kernels of an instruction set against the numpy reference."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codegen.c.choice import KernelSet
from codegen.c.emit import Source, Vectors, emit
from codegen.c.step import Variant
from edgekit.errors import Problem
from edgekit.ir import Graph, Node, Value, verify
from edgekit.pipeline.vectors import reference_outputs
from edgekit.schedule import Buffer, Overlap, Program, Room, plan
from profiles.runners import HOST, select
from profiles.runners.base import RunResult
from targets.load import load_core
from targets.toolchains import available, get_toolchain
from tests.codegen.batch import assert_equal, samples
from tests.runners.support import skip_unless

Planner = Callable[[Graph, KernelSet], Program]
SCALAR = [
    ("armv7_m", "host"), ("armv7_m", "cortex-m3"),
    ("armv6_m", "host"), ("armv6_m", "cortex-m0plus"),
]  # fmt: skip
"""Instruction sets without dual products, and where their kernels or the equals of them run."""


def merged(graphs: Sequence[Graph]) -> Graph:
    """One graph with the nodes of all, independent of each other."""
    whole = Graph("merged")
    for index, graph in enumerate(graphs):
        values: dict[str, Value] = {}
        for value in graph.inputs:
            values[value.name] = whole.add_input(f"x{index}_{value.name}", value.type)
        for node in graph.nodes:
            inputs = [
                v if v is None or v.name in values else whole.constant(v.array) for v in node.inputs
            ]
            inputs = [v if v is None else values.get(v.name, v) for v in inputs]
            made = whole.add_node(node.op, inputs, [v.type for v in node.outputs])
            values.update(
                (old.name, new) for old, new in zip(node.outputs, made.outputs, strict=True)
            )
        whole.outputs += [values[v.name] for v in graph.outputs]
    verify(whole, "the test")
    whole.bind_ports()
    return whole


def simple(graph: Graph, kernels: KernelSet) -> Program:
    """No tensor over another."""
    return plan(graph, kernels.scratch_bytes)


def chosen(graph: Graph, kernels: KernelSet) -> list[str]:
    """The variant of each node, empty for portable kernels."""
    found = [kernels.emitter(n) for n in graph.nodes if n.op.name != "Reshape"]
    return [e.name if isinstance(e, Variant) else "" for e in found]


def check(
    graph: Graph,
    kernels: KernelSet,
    core: str,
    toolchain: str = "",
    planner: Planner = simple,
    count: int = 3,
    emulator: str = "auto",
    room: Room | None = None,
) -> RunResult:
    """Run a graph with random samples and the extremes; it must give what the reference does.

    Args:
        graph: independent nodes, see `merged`.
        kernels: what may be chosen.
        core: ``host`` (the portable equals run) or a core that is emulated.
        toolchain: compiler; by default the first that is present.
        planner: places the tensors.
        count: samples.
        emulator: what runs the core.
        room: where constants are copied to; by default they stay where they are.
    """
    target = load_core(core)
    tool = get_toolchain(toolchain or available(target)[0].name)
    skip_unless(tool.missing(target))
    none = Vectors(
        tuple(np.zeros((0, *v.type.shape), v.type.dtype.numpy) for v in graph.inputs),
        tuple(np.zeros((0, *v.type.shape), v.type.dtype.numpy) for v in graph.outputs),
    )
    artefact = emit(planner(graph, kernels), "m", core, Source("m", "0"), none, kernels, room)
    rng = np.random.default_rng(0)
    inputs = [samples(rng, v.type, count) for v in graph.inputs]
    with tempfile.TemporaryDirectory(prefix="edgekit-tests-") as name:
        folder = Path(name)
        artefact.write(folder)
        if core == "host":
            image = tool.build_host_library(folder, artefact.manifest, folder / "m.so")
            run = HOST.run(image, artefact.manifest, inputs)
        else:
            runner = select(target, emulator)
            if isinstance(runner, Problem):
                pytest.skip(str(runner))
            image = tool.build_firmware(folder, artefact.manifest, target, folder / "m.elf")
            run = runner.run(image, artefact.manifest, inputs, profile=True)
    wanted = reference_outputs(graph, inputs)
    for value, found, want in zip(graph.outputs, run.outputs, wanted, strict=True):
        assert_equal(found, want, str(value))
    return run


def check_grid(
    layers: Iterable[Graph], kernels: KernelSet, names: set[str], core: str, toolchain: str = ""
) -> None:
    """Every layer: its kernel is one of ``names`` (each is chosen), its outputs are the
    reference's, and on a core it takes the instructions that its kernel says."""
    graph = merged(list(layers))
    assert set(chosen(graph, kernels)) == names
    run = check(graph, kernels, core, toolchain)
    if core != "host":
        compare_counts(graph, kernels, run)


def compare_counts(graph: Graph, kernels: KernelSet, run: RunResult, glue: float = 0.15) -> None:
    """What a variant says of its instructions is what the core executes, a part of glue aside."""
    nodes = [n for n in graph.nodes if n.op.name != "Reshape"]
    for node, layer in zip(nodes, run.layers, strict=True):
        variant = kernels.emitter(node)
        if isinstance(variant, Variant):
            assert layer.instructions == pytest.approx(variant.instructions(node), glue, 12), node


def at_limit(backward: bool) -> Planner:
    """Plans that put the output of every node over its first input as far as its kernel allows."""

    def planner(graph: Graph, kernels: KernelSet) -> Program:
        program = plan(graph, kernels.scratch_bytes)
        places: dict[str, int] = {}
        steps = []
        end = 0
        for step in program.steps:
            over = _overlap(step.node, kernels, backward)
            source = program.location[step.node.input(0).name]
            target = program.location[step.node.output.name]
            distance = _distance(over, backward, source, target)
            base = end + max(0, -distance)
            places |= {source.name: base, target.name: base + distance}
            end = max(base + source.nbytes, base + distance + target.nbytes)
            for other in (*_others(program, step.node), *([step.scratch] if step.scratch else [])):
                places[other.name] = -(-end // program.align) * program.align
                end = places[other.name] + other.nbytes
            end = -(-end // program.align) * program.align
            steps.append(replace(step, backward=backward and over is not None))

        def moved(buffer: Buffer) -> Buffer:
            return replace(buffer, offset=places[buffer.name])

        return replace(
            program,
            buffers=tuple(map(moved, program.buffers)),
            location={name: moved(b) for name, b in program.location.items()},
            steps=tuple(replace(s, scratch=s.scratch and moved(s.scratch)) for s in steps),
            arena_bytes=end,
        )

    return planner


def _overlap(node: Node, kernels: KernelSet, backward: bool) -> Overlap | None:
    declared = next(iter(kernels.overlaps(node)), None)
    if declared is None:
        return None
    return declared if (declared.backward if backward else declared.forward) is not None else None


def _distance(over: Overlap | None, backward: bool, source: Buffer, target: Buffer) -> int:
    """Of the output from the input, a multiple of 8."""
    if over is not None and backward and over.backward is not None:
        return -(-over.backward // 8) * 8
    if over is not None and over.forward is not None:
        return over.forward // 8 * 8
    return -(-source.nbytes // 8) * 8


def _others(program: Program, node: Node) -> list[Buffer]:
    return [
        program.location[v.name] for v in node.inputs[1:] if v is not None and not v.is_constant
    ]


def assert_counted(variant: Variant, node: Node, instructions: int, rel: float, few: int) -> None:
    """Whether a layer took about what its kernel says; what it leaves to portable C is the
    compiler's and may differ by half."""
    cost = variant.cost(node)
    bound = few + rel * cost.total + 0.5 * cost.fallback
    assert instructions == pytest.approx(cost.total, abs=bound)

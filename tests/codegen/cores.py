"""Many small graphs in one model, computed by a core's own kernels: on the host and on the core."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from codegen.c.choice import VARIANTS, KernelSet, kernels_for
from codegen.c.emit import Source, emit
from edgekit.ir import Graph
from edgekit.pipeline.vectors import make_vectors, reference_outputs
from edgekit.schedule import PlanOptions, plan, verify_program
from profiles.runners import HOST
from targets.load import load_core
from targets.toolchains import get_toolchain
from tests.codegen.batch import Array, samples
from tests.codegen.on_core import merged
from tests.codegen.test_overlap import compile_at, limits
from tests.runners.support import emulator, skip_unless


def able(core_name: str) -> KernelSet:
    """The kernels of a core, also where portable C would be cheaper."""
    return replace(kernels_for(load_core(core_name)), weighs=False)


def check_limits(core_name: str, graphs: Sequence[Graph]) -> None:
    """Every overlap that a core's kernels declare is safe at exactly its limit, on the host."""
    chosen = able(core_name)
    cases = [(g, at) for g in graphs for at in limits(g, chosen)]
    assert len(cases) >= len(graphs)
    for case in compile_at(cases, chosen):
        case.check_samples()


def check_on(
    core_name: str,
    graphs: Sequence[Graph],
    variant: str | None,
    toolchain: str = "gcc",
    emulated: str = "unicorn",
) -> list[int]:
    """Every graph's outputs, by the kernels of a core, are those of the reference.

    Args:
        core_name: whose kernels are used, and which is emulated.
        graphs: small ones.
        variant: the only one that may be chosen, and is for every graph's last node; None: any,
            also where portable C would be cheaper.
        toolchain: builds for the host and for the core.
        emulated: the emulator.

    Returns:
        Instructions that the core executed for each node in one run.
    """
    core, host, tool = load_core(core_name), load_core("host"), get_toolchain(toolchain)
    skip_unless(tool.missing(host))
    skip_unless(tool.missing(core))
    chosen = able(core_name)
    if variant is not None:
        names = {v.name for found in VARIANTS[chosen.isa].values() for v in found}
        without = frozenset(names - {variant})
        chosen = KernelSet(chosen.isa, without, features=chosen.features)
    whole = merged(graphs)
    program = plan(whole, chosen.scratch_bytes, chosen.overlaps, PlanOptions(seconds=2))
    verify_program(program, chosen.overlaps)
    made = emit(program, "m", core_name, Source("g", "0"), make_vectors(whole, 1), chosen)
    if variant is not None:
        given = [s.variant for s in made.manifest.steps if s.op != "Reshape"]
        assert given == [variant] * len(given)
    rng = np.random.default_rng(0)
    inputs = [samples(rng, v.type, 4) for v in whole.inputs]
    wanted = reference_outputs(whole, inputs)
    with tempfile.TemporaryDirectory(prefix="edgekit-tests-") as name:
        folder = Path(name)
        made.write(folder)
        image = tool.build_host_library(folder, made.manifest, folder / "m.so")
        _compare(HOST.run(image, made.manifest, inputs).outputs, wanted, whole)
        runner = emulator(emulated, core_name)
        image = tool.build_firmware(folder, made.manifest, core, folder / "m.elf")
        run = runner.run(image, made.manifest, inputs, profile=True)
        _compare(run.outputs, wanted, whole)
        layers = zip(made.manifest.steps, run.layers, strict=True)
        executed = {step.name: layer.instructions for step, layer in layers}
        return [executed[n.name] for n in whole.nodes if n.name in executed]


def _compare(found: Sequence[Array], wanted: Sequence[Array], graph: Graph) -> None:
    for value, a, b in zip(graph.outputs, found, wanted, strict=True):
        assert value.producer is not None
        np.testing.assert_array_equal(a.reshape(b.shape), b, err_msg=str(value.producer))

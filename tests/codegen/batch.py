"""Many small graphs in one host library: compiling is what takes the time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c.choice import PORTABLE, KernelSet
from codegen.c.emit import FLOAT_TOLERANCE, Source, emit
from edgekit.artefact import Manifest
from edgekit.ir import DType, Graph, TensorType, verify
from edgekit.pipeline.vectors import make_vectors, reference_outputs
from edgekit.schedule import PlanOptions, Program, plan, verify_program
from profiles.runners import HOST
from targets.load import load_core
from targets.toolchains import TOOLCHAINS, Image, available, get_toolchain
from tests.runners.support import skip_unless

Array = NDArray[Any]
_FOLDER = tempfile.TemporaryDirectory(prefix="edgekit-tests-")
BOTH = tuple(TOOLCHAINS)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A graph and the library that computes it."""

    graph: Graph
    manifest: Manifest
    image: Image

    def run(self, inputs: Sequence[Array], carry_state: bool = False) -> list[Array]:
        """Outputs of the generated code, samples first."""
        return HOST.run(self.image, self.manifest, inputs, carry_state=carry_state).outputs

    def check(self, inputs: Sequence[Array]) -> None:
        """The generated code computes what the reference does."""
        wanted = reference_outputs(self.graph, list(inputs))
        for found, want in zip(self.run(inputs), wanted, strict=True):
            assert_equal(found, want, str(self.graph))

    def check_samples(self, seed: int = 0) -> None:
        """`check` with random samples and the two extremes."""
        rng = np.random.default_rng(seed)
        self.check([samples(rng, v.type, 4) for v in self.graph.inputs])


def assert_equal(found: Array, want: Array, what: str) -> None:
    """Integers are identical; floats are close for the largest magnitude."""
    found = found.reshape(want.shape)
    if want.dtype.kind == "f":
        close = FLOAT_TOLERANCE / 10 if want.dtype == np.float32 else 1e-13
        limit = close * max(float(np.abs(want).max()), 1e-30)
        np.testing.assert_allclose(found, want, rtol=0, atol=limit, err_msg=what)
    else:
        np.testing.assert_array_equal(found, want, err_msg=what)


def samples(rng: np.random.Generator, type: TensorType, count: int) -> Array:
    """Random samples; for integers the smallest and the largest everywhere come first."""
    rows, rest = (type.shape or (1,))[0], type.shape[1:]
    if type.dtype is DType.BOOL:
        return rng.random((count * rows, *rest)) < 0.5
    if not type.dtype.is_integer:
        return rng.normal(0, 3, (count * rows, *rest)).astype(type.dtype.numpy)
    low, high = type.dtype.bounds
    x = rng.integers(low, high, (count, rows, *rest), type.dtype.numpy, endpoint=True)
    x[0], x[1 % count] = low, high
    return x.reshape(count * rows, *rest)


def tightest(graph: Graph) -> Program:
    """The plan that a conversion makes, PORTABLE.overlaps included."""
    program = plan(graph, PORTABLE.scratch_bytes, PORTABLE.overlaps, PlanOptions(seconds=2))
    verify_program(program, PORTABLE.overlaps)
    return program


def compile_all(
    graphs: Sequence[Graph],
    toolchain: str = "",
    planner: Callable[[Graph], Program] = tightest,
    chosen: KernelSet = PORTABLE,
) -> list[Compiled]:
    """Emit every graph and compile them as one translation unit (so names may not clash).

    Args:
        graphs: lowered graphs.
        toolchain: compiler; by default the first that is present.
        planner: makes the program of a graph.
        chosen: the kernels that it was planned with; those in assembly run as their equals.
    """
    host = load_core("host")
    tool = get_toolchain(toolchain or available(host)[0].name)
    skip_unless(tool.missing(host))
    folder = Path(tempfile.mkdtemp(dir=_FOLDER.name))
    manifests = []
    for index, graph in enumerate(graphs):
        verify(graph, "the test")
        if not graph.input_bindings:
            graph.bind_ports()
        artefact = emit(
            planner(graph), f"g{index}", "host", Source("g", "0"), make_vectors(graph, 1), chosen
        )
        artefact.write(folder)
        manifests.append(artefact.manifest)
    unit = "".join(f'#include "g{i}.c"\n' for i in range(len(graphs)))
    (folder / "all.c").write_text(unit, encoding="utf-8")
    whole = replace(manifests[0], sources=("all.c",))
    image = tool.build_host_library(folder, whole, folder / "all.so")
    return [Compiled(g, m, image) for g, m in zip(graphs, manifests, strict=True)]

"""Counts the kernels on an emulated core and fits the cost model: the tool behind the data.

``python -m profiles.cost.fit [--core NAME]... [--check]``
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codegen.c import kernels
from codegen.c.choice import PORTABLE
from codegen.c.emit import Source, Vectors, emit
from edgekit.artefact import Manifest
from edgekit.errors import EdgekitError, Problem, ToolError
from edgekit.ir import DType
from edgekit.schedule import plan
from profiles.cost import table
from profiles.cost.call import Call, NoKernel, call_of
from profiles.cost.features import FEATURES
from profiles.cost.grid import SEED, Point, build, float_points, integer_points
from profiles.cost.table import FOLDER, Family, Images, Table, to_toml
from profiles.runners import Runner, select
from targets.cache import content_key
from targets.load import core_names, load_core
from targets.model import Core
from targets.toolchains import Toolchain, available

UNROLLS = (1, 2, 4, 8, 16)
ALONE = ("avg_pool_s8", "max_pool_s8", "mean_s8.double", "mean_s8.high", "softmax_s8",
         "dense_s8.away", "dense_s8.double", "dense_s8.high")  # fmt: skip
"""What a model often has only one of. Compilers specialise a kernel that is called once."""
LAYERS = ("conv2d_s8", "depthwise_s8", "dense_s8")
"""Where models spend their time: these decide which compiler is preferred."""
Counts = dict[str, dict[tuple[int, ...], int]]
"""Family -> key -> instructions."""


def kernels_digest() -> str:
    """Identifies the kernel sources that figures belong to, with all that they include."""
    names = sorted(kernels.closure([f"ek_{kernel}.c" for kernel in FEATURES]))
    return content_key(part for n in names for part in (n, kernels.source(n)))


def count_points(
    points: Sequence[Point], name: str, core: Core, tool: Toolchain, runner: Runner
) -> Counts:
    """Instructions of every point, by family and key.

    Raises:
        ToolError: a compiler or an emulator failed.
    """
    graph = build(name, points)
    none = Vectors(
        tuple(np.zeros((0, *v.type.shape), v.type.dtype.numpy) for v in graph.inputs),
        tuple(np.zeros((0, *v.type.shape), v.type.dtype.numpy) for v in graph.outputs),
    )
    artefact = emit(plan(graph, PORTABLE.scratch_bytes), name, core.name, Source("grid", ""), none)
    with tempfile.TemporaryDirectory(prefix="edgekit-cost-") as folder:
        artefact.write(Path(folder))
        elf = Path(folder) / "grid.elf"
        image = tool.build_firmware(Path(folder), artefact.manifest, core, elf)
        run = runner.run(image, artefact.manifest, _inputs(artefact.manifest), profile=True)
    found: Counts = defaultdict(dict)
    for point, layer in zip(points, run.layers, strict=True):
        call = grid_call(point)
        found[call.family][call.key] = layer.instructions
    return found


def grid_call(point: Point) -> Call:
    """The kernel call of a point of the grid."""
    call = call_of(point.op, point.shapes, point.dtype.value, "litert")
    if isinstance(call, NoKernel):
        raise ValueError(f"{point.op.name} of {point.shapes}: {call.reason}")
    return call


def _inputs(manifest: Manifest) -> list[NDArray[np.generic]]:
    rng = np.random.default_rng(SEED)
    return [
        rng.standard_normal(p.shape).astype(np.float32)
        if p.dtype is DType.FLOAT32
        else rng.integers(-128, 128, p.shape, dtype=np.int8)
        for p in manifest.inputs
    ]


def fit_family(kernel: str, counted: Mapping[tuple[int, ...], int]) -> Family:
    """The model with the smallest median error among all unrollings."""
    fits = [_fit(kernel, counted, unroll) for unroll in UNROLLS]
    return min(fits, key=lambda f: (round(f.median_error + 0.25 * f.worst_error, 4), f.unroll))


def _fit(kernel: str, counted: Mapping[tuple[int, ...], int], unroll: int) -> Family:
    rows = [FEATURES[kernel](key, unroll) for key in counted]
    names = list(rows[0])
    matrix = np.array([[row[n] for n in names] for row in rows], np.float64)
    truth = np.array(list(counted.values()), np.float64)
    solution = nonnegative(matrix / truth[:, None], np.ones(len(truth)))
    coefficients = {n: float(f"{c:.6g}") for n, c in zip(names, solution, strict=True) if c > 0}
    family = Family(unroll, coefficients, len(counted), 0.0, 0.0, counted)
    found = np.array([family.modelled(kernel, key) for key in counted])
    errors = np.abs(found / truth - 1)
    return Family(
        unroll, coefficients, len(counted), float(np.median(errors)), float(errors.max()), counted
    )


def nonnegative(matrix: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least squares with non-negative unknowns.

    Method: active set of Lawson and Hanson, "Solving Least Squares Problems" (1974), chapter 23.
    """
    size = np.abs(matrix).max(axis=0)
    scaled = matrix / np.where(size == 0, 1, size)
    x = np.zeros(matrix.shape[1])
    free = np.zeros(len(x), bool)
    for _ in range(10 * len(x)):
        slope = scaled.T @ (wanted - scaled @ x)
        slope[free] = 0
        if slope.max(initial=0.0) < 1e-9:
            break
        free[int(slope.argmax())] = True
        while True:
            trial = np.zeros(len(x))
            trial[free] = np.linalg.lstsq(scaled[:, free], wanted, rcond=None)[0]
            if trial[free].min() > 0:
                break
            low = free & (trial <= 0)
            step = float(np.min(x[low] / (x[low] - trial[low])))
            x = x + step * (trial - x)
            free &= x > 1e-12
        x = trial
    return np.asarray(x / np.where(size == 0, 1, size))


def measure_core(core: Core) -> Table:
    """Count and fit every kernel with every compiler that is present.

    Raises:
        ToolError: no compiler or no emulator for the core.
    """
    runner = select(core)
    if isinstance(runner, Problem):
        raise ToolError(f"no emulator can run {core.name}", [runner])
    tools = available(core)
    if not tools:
        raise ToolError(f"no compiler can build for {core.name}")
    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(lambda tool: _count_all(core, tool, runner), tools))
    images = {
        tool.name: Images(
            tool.version(core),
            {n: fit_family(n.split(".")[0], c) for n, c in found.items()},
        )
        for tool, found in zip(tools, counts, strict=True)
    }
    totals = [
        sum(sum(c.values()) for n, c in found.items() if n.startswith(LAYERS)) for found in counts
    ]
    preferred = tools[int(np.argmin(totals))].name
    return Table(core.name, runner.version(core), kernels_digest(), preferred, images)


def _count_all(core: Core, tool: Toolchain, runner: Runner) -> Counts:
    points = integer_points()
    found = count_points(points, "integer", core, tool, runner)
    for name, counted in count_points(float_points(), "real", core, tool, runner).items():
        found[name].update(counted)
    for point in points:
        name = grid_call(point).family
        if name in ALONE:
            for counted in count_points([point], "alone", core, tool, runner).values():
                found[f"{name}.{table.ALONE}"].update(counted)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m profiles.cost.fit", description=__doc__)
    mcus = [name for name in core_names() if name != "host"]
    parser.add_argument("--core", action="append", choices=mcus, help="default: every core")
    chosen = parser.parse_args(arguments).core or mcus
    for name in chosen:
        try:
            made = measure_core(load_core(name))
        except EdgekitError as error:
            print(error, file=sys.stderr)
            return error.exit_code
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / f"{name}.toml"
        path.write_text(to_toml(made), encoding="utf-8", newline="\n")
        for toolchain, images in made.toolchains.items():
            errors = [f.median_error for f in images.families.values()]
            worst = max(images.families.items(), key=lambda item: item[1].worst_error)
            mark = "*" if toolchain == made.preferred else " "
            print(
                f"{name:14} {toolchain}{mark} {len(errors)} families, median error "
                f"{np.median(errors):.2%}, worst {worst[1].worst_error:.1%} ({worst[0]})"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

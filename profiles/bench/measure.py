"""The measurements: converted models on every core, and how long conversion takes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit import api
from edgekit.errors import ToolError
from edgekit.ir import Graph
from edgekit.options import EmulatorChoice, Precision
from edgekit.report.model import Report
from profiles.bench.models import BenchModel, chain
from profiles.cost import kernel_of, node_cost
from targets.load import core_names, load_core

CHAINS = (10, 100, 1000)
TIMING_CORE = "cortex-m4"
REPEATS = 3
Log = Callable[[str], None]


@dataclass(frozen=True)
class LayerRun:
    """One layer of a model on one core.

    Attributes:
        name: of its node.
        variant: kernel in assembly that computes it; empty: portable C.
        expected: instructions by the cost interface.
        macs: multiply-accumulates.
        instructions: counted.
    """

    name: str
    variant: str
    expected: int | None
    macs: int
    instructions: int | None

    @property
    def error(self) -> float | None:
        """Of ``expected``, relative to the count."""
        if self.expected is None or not self.instructions:
            return None
        return self.expected / self.instructions - 1


@dataclass(frozen=True)
class ModelRun:
    """One model on one core.

    Attributes:
        model: the model.
        core: the core.
        report: of the conversion.
        expected: instructions by the cost model, for the compiler that was kept.
        layers: its layers, in the order of execution.
    """

    model: BenchModel
    core: str
    report: Report
    expected: int | None
    layers: tuple[LayerRun, ...] = ()


@dataclass(frozen=True)
class ChainTime:
    """How long a chain took to convert, by stage, in seconds."""

    layers: int
    seconds: float
    stages: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Times:
    """Wall times of this machine, in seconds; None where the model is not there."""

    help_seconds: float
    resnet_seconds: float | None
    resnet_emulated_seconds: float | None
    chains: tuple[ChainTime, ...]


def run_models(models: Sequence[BenchModel], log: Log) -> Iterator[ModelRun]:
    """Convert every model for every emulated core; skips by name what is not there."""
    for model in models:
        if not model.path.is_file():
            log(f"skipped {model.title}: no file {model.path.name}")
            continue
        for core in core_names():
            if load_core(core).is_host:
                continue
            log(f"{model.key} on {core}")
            try:
                yield run_model(model, core)
            except ToolError as error:
                log(f"skipped {model.title} on {core}: {error.summary}")


def run_model(model: BenchModel, core: str, precision: Precision | None = None) -> ModelRun:
    """Convert one model for one core, in float32 where that is asked for.

    Raises:
        ToolError: no emulator or no compiler for the core.
    """
    options = api.ConvertOptions(core, precision, require_emulator=True)
    done = api.convert(model.path, None, options, calibration=model.calibration)
    kept = next(c.name for c in done.report.toolchain if c.chosen)
    expected = expected_instructions(done.graph, core, kept)
    layers = layer_runs(done.graph, done.report, core, kept)
    return ModelRun(model, core, done.report, expected, layers)


def layer_runs(graph: Graph, report: Report, core: str, toolchain: str) -> tuple[LayerRun, ...]:
    """What was counted and what the cost model says, layer by layer."""
    expected = expected_layers(graph, core, toolchain)
    return tuple(
        LayerRun(c.name, c.variant, expected[c.name], c.macs, c.instructions)
        for c in report.latency.layers
    )


def expected_layers(graph: Graph, core: str, toolchain: str) -> dict[str, int | None]:
    """Instructions of each node of a lowered graph by the cost interface."""
    target = load_core(core)
    shapes = {n.name: [() if v is None else v.type.shape for v in n.inputs] for n in graph.nodes}
    kernels = {n.name: kernel_of(n.op, shapes[n.name]) for n in graph.nodes}
    uses = Counter(kernels.values())
    return {
        n.name: node_cost(
            n, target, toolchain=toolchain, alone=uses[kernels[n.name]] == 1
        ).instructions
        for n in graph.nodes
    }


def expected_instructions(graph: Graph, core: str, toolchain: str) -> int | None:
    """Their sum; None where a node has no figure."""
    figures = list(expected_layers(graph, core, toolchain).values())
    return None if None in figures else sum(f for f in figures if f is not None)


def measure_times(models: Sequence[BenchModel], log: Log) -> Times:
    """Wall times, each the best of several warm runs."""
    resnet = next((m.path for m in models if m.key == "ic" and m.path.is_file()), None)
    log("edgekit --help")
    shown = _best(_help)
    plain = emulated = None
    if resnet is not None:
        log("converting ResNet8")
        plain = _best(lambda: _convert(resnet, "none"))
        emulated = _best(lambda: _convert(resnet, "auto"))
    chains = []
    _convert(chain(2), "none")
    for layers in CHAINS:
        log(f"converting a chain of {layers} layers")
        chains.append(_time_chain(layers))
    return Times(shown, plain, emulated, tuple(chains))


def _time_chain(layers: int) -> ChainTime:
    graph = chain(layers)
    marks: list[tuple[str, float]] = []
    start = time.perf_counter()
    options = api.ConvertOptions(TIMING_CORE, emulator="none")
    api.convert(graph, None, options, progress=lambda s: marks.append((s, time.perf_counter())))
    end = time.perf_counter()
    spans: dict[str, float] = {}
    for (label, begin), (_, stop) in zip(marks, [*marks[1:], ("", end)], strict=True):
        stage = label.split(":")[0].split(" ")[0]
        spans[stage] = spans.get(stage, 0.0) + stop - begin
    return ChainTime(layers, end - start, tuple(spans.items()))


def _convert(model: Path | Graph, emulator: EmulatorChoice) -> None:
    options = api.ConvertOptions(TIMING_CORE, emulator=emulator)
    api.convert(model, None, options)


def _help() -> None:
    subprocess.run(
        [sys.executable, "-m", "edgekit.cli.main", "--help"], check=True, capture_output=True
    )


def _best(action: Callable[[], None]) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)

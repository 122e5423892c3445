"""A converted model: run it, profile it, debug it, evaluate it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgekit.artefact import STORE, Manifest, Port, load_manifest, made_again, raw_manifest
from edgekit.errors import DataError, Problem, ToolError, UsageError, convert_again
from edgekit.ir import Graph
from edgekit.ir.serialize import load_graph
from edgekit.npz import LABELS, load_arrays
from edgekit.options import EmulatorChoice, Place, ToolchainChoice
from edgekit.pipeline.builds import firmware_image, host_image
from edgekit.pipeline.checks import count_identical
from edgekit.pipeline.convert import REPORT, VECTORS, write_report
from edgekit.pipeline.debugging import compare_trace
from edgekit.pipeline.evaluation import by_name, score
from edgekit.pipeline.helpers import filled, raw_feeds
from edgekit.pipeline.reporting import latency_of
from edgekit.pipeline.vectors import reference_outputs
from edgekit.pipeline.verification import Candidate
from edgekit.report.codec import from_json
from edgekit.report.model import Accuracy, Report
from edgekit.report.results import DebugResult, Evaluation, Profile
from profiles.runners import HOST, Runner, select
from quantize.ports import feeds, results
from quantize.schemes import dequantize_array
from targets.load import resolve
from targets.model import Core, Target
from targets.toolchains import Image

Array = NDArray[Any]


class Deployment:
    """A folder that `edgekit.api.convert` made.

    Attributes:
        folder: the folder.
        manifest: what the artefact is.
        report: what the conversion found.
        float_graph: the canonical graph before quantization; only right after a conversion.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        report: Report,
        graph: Graph | None = None,
        float_graph: Graph | None = None,
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.report = report
        self.float_graph = float_graph
        self._graph = graph
        self.holder: object = None
        """Keeps a temporary folder alive as long as the deployment."""

    @staticmethod
    def load(folder: Path | str) -> Deployment:
        """Open a converted model.

        Raises:
            DataError: the folder is not one, or is damaged.
        """
        folder = Path(folder)
        manifest = load_manifest(folder)
        path = folder / REPORT
        try:
            report = from_json(path.read_bytes(), str(path))
        except OSError as error:
            what = f"{path} cannot be read: {error.strerror}"
            raise DataError(f"{what}. {made_again(folder)}") from error
        return Deployment(folder, manifest, report)

    @property
    def graph(self) -> Graph:
        """The lowered graph that the artefact computes."""
        if self._graph is None:
            self._graph = load_graph(self.folder / STORE)
        return self._graph

    @property
    def target(self) -> Target:
        """The core or board that the artefact was made for."""
        return resolve(self.report.target.name)

    @property
    def core(self) -> Core:
        """Its core."""
        return self.target.core

    def vectors(self) -> list[Array]:
        """Stored input vectors in the artefact's layout, one array per input."""
        names = [f"input_{i}" for i in range(len(self.manifest.inputs))]
        try:
            arrays = load_arrays(self.folder / STORE / VECTORS)
            return [arrays[name] for name in names]
        except KeyError as error:
            raise self._damaged(f"{STORE}/{VECTORS} has no array {error}") from None
        except DataError as error:
            # its hints are for files that users write
            raise self._damaged(f"the vectors in {STORE}/{VECTORS} cannot be read") from error

    def run(
        self,
        inputs: Mapping[str, Array],
        on: Place = "reference",
        carry_state: bool = False,
        toolchain: ToolchainChoice = "auto",
        emulator: EmulatorChoice = "auto",
        raw: bool = False,
    ) -> dict[str, Array]:
        """Run samples.

        Args:
            inputs: arrays by input name (or ``x``), ``(n, *shape)``, in the model's own layout and
                dtype. A float model that edgekit quantized takes and gives float32.
            on: ``reference``, ``host`` or ``emulator``.
            carry_state: keep state from sample to sample instead of resetting it.
            toolchain: compiler of the image; auto takes the one that the conversion chose, on the
                host the first with a stored image.
            emulator: where to run it.
            raw: the inputs are pixels, uint8 ``(n, height, width, channels)``, or sound, int16
                ``(n, samples)``, as the helpers of ``processing`` take them.

        Returns:
            Arrays by output name, ``(n, *shape)``, in the model's own layout and dtype.

        Raises:
            DataError: the inputs do not fit.
            ToolError: compiler or emulator missing or failed.
        """
        if raw:
            manifest, inner = raw_manifest(self.manifest), raw_feeds(self.manifest, inputs)
        else:
            named = feeds(self.graph, inputs, "input data")
            manifest, inner = self.manifest, [named[v.name] for v in self.graph.inputs]
        if on == "reference":
            inner = filled(self.manifest, inner) if raw else inner
            found = reference_outputs(self.graph, inner, carry_state)
        elif on == "host":
            image = host_image(self.folder, self.manifest, toolchain)
            found = HOST.run(image, manifest, inner, carry_state=carry_state).outputs
        else:
            runner = self._runner(emulator)
            image = self._image(toolchain, raw=raw)
            found = runner.run(image, manifest, inner, carry_state=carry_state).outputs
        by_name = {
            v.name: a.reshape(-1, *v.type.shape[1:])
            for v, a in zip(self.graph.outputs, found, strict=True)
        }
        return results(self.graph, by_name)

    def profile(
        self,
        on: Place = "emulator",
        toolchain: ToolchainChoice = "auto",
        emulator: EmulatorChoice = "auto",
    ) -> Profile:
        """Count the instructions of one inference on the emulated core, per layer.

        Raises:
            UsageError: ``on`` is not ``emulator``, or the target is this machine.
            ToolError: compiler or emulator missing or failed.
        """
        if on != "emulator" or self.core.is_host:
            where = "a model made for this machine" if self.core.is_host else f"--on {on}"
            problem = Problem("instructions are counted on emulated cores", where, "--on emulator")
            raise UsageError("nothing can be profiled there", [problem])
        runner, image = self._runner(emulator), self._image(toolchain)
        one = self._first(self.vectors())
        run = runner.run(image, self.manifest, one, profile=True)
        candidate = Candidate(image, None, run)
        latency = latency_of(self.manifest, self.target, candidate)
        return Profile(
            on=on,
            instructions=latency.instructions,
            layers=latency.layers,
            other_instructions=latency.other_instructions,
            stack_bytes=run.stack_bytes,
            cycles=latency.cycles,
            toolchain=image.version,
            emulator=runner.version(self.core),
        )

    def debug(
        self,
        inputs: Mapping[str, Array] | None = None,
        on: Place = "host",
        toolchain: ToolchainChoice = "auto",
        emulator: EmulatorChoice = "auto",
    ) -> DebugResult:
        """Compare every tensor of one sample with the reference.

        Args:
            inputs: as for `run`, the first sample is used; None takes a stored vector.
            on: ``host`` or ``emulator`` (``reference`` only dumps the tensors).
            toolchain, emulator: as for `run`.

        Raises:
            DataError: the inputs do not fit.
            ToolError: compiler or emulator missing or failed.
        """
        if inputs is None:
            inner = self._first(self.vectors())
        else:
            named = feeds(self.graph, inputs, "input data")
            inner = self._first([named[v.name] for v in self.graph.inputs])
        snapshots: list[bytes] | None = None
        if on == "host":
            image = host_image(self.folder, self.manifest, toolchain, trace=True)
            snapshots = HOST.trace(image, self.manifest, inner)
        elif on == "emulator":
            image = self._image(toolchain, trace=True)
            snapshots = self._runner(emulator).trace(image, self.manifest, inner)
        return compare_trace(self.graph, self.manifest, inner, snapshots, on)

    def evaluate(
        self,
        data: Mapping[str, Array],
        on: Place = "reference",
        toolchain: ToolchainChoice = "auto",
        emulator: EmulatorChoice = "auto",
        compare: bool = False,
    ) -> Evaluation:
        """Accuracy over labelled data: inputs as for `run`, labels in ``y``.

        Args:
            data: inputs and labels.
            on, toolchain, emulator: as for `run`.
            compare: also count the samples whose outputs equal the reference bit for bit.

        Raises:
            DataError: labels are missing or do not fit.
        """
        inputs = {k: v for k, v in data.items() if k != LABELS}
        outputs = self.run(inputs, on, toolchain=toolchain, emulator=emulator)
        where = self.core.name if on == "emulator" else on
        subject = f"{self.manifest.precision} on {where}"
        names = [p.name for p in self.manifest.inputs]
        result = score(
            {p.name: _real(p, outputs[p.name]) for p in self.manifest.outputs},
            {p.name: _real(p, by_name(inputs, names)[p.name]) for p in self.manifest.inputs},
            data.get(LABELS),
            subject,
            on,
        )
        if not compare:
            return result
        return replace(result, identical=count_identical(outputs, self.run(inputs)))

    def record(self, *evaluations: Evaluation) -> None:
        """Put accuracy figures into the report and write it anew."""
        figures = [f for e in evaluations for f in _accuracies(e)]
        names = {(f.subject, f.metric) for f in figures}
        kept = [a for a in self.report.accuracy if (a.subject, a.metric) not in names]
        self.report = replace(self.report, accuracy=(*kept, *figures))
        write_report(self.folder, self.report)

    def _first(self, inputs: list[Array]) -> list[Array]:
        """The first sample of each input."""
        ports = self.manifest.inputs
        return [a[: math.prod(p.shape[:1])] for p, a in zip(ports, inputs, strict=True)]

    def _damaged(self, what: str) -> DataError:
        return DataError(f"{self.folder} is damaged: {what}. {convert_again(self.folder)}")

    def _runner(self, emulator: EmulatorChoice) -> Runner:
        found = select(self.core, emulator)
        if isinstance(found, Problem):
            raise ToolError(f"no emulator can run {self.core.name}", [found])
        return found

    def _image(self, choice: ToolchainChoice, trace: bool = False, raw: bool = False) -> Image:
        if choice == "auto":
            known = [c.name for c in self.report.toolchain if c.chosen]
            choice = "gcc" if known == ["gcc"] else "zig" if known == ["zig"] else "auto"
        if self.core.is_host:
            return host_image(self.folder, self.manifest, choice, trace=trace)
        if raw:
            manifest = raw_manifest(self.manifest)
            return firmware_image(self.folder, manifest, self.core, choice, part="raw")
        return firmware_image(self.folder, self.manifest, self.core, choice, trace=trace)


def _real(port: Port, array: Array) -> Array:
    """The real numbers that a caller's array stands for."""
    if array.dtype.kind == "f" or port.quant is None:
        return array
    return dequantize_array(array, port.quant)


def _accuracies(evaluation: Evaluation) -> list[Accuracy]:
    figures = {"top1": evaluation.top1, "mse": evaluation.mse, "auc": evaluation.auc}
    return [
        Accuracy(evaluation.subject, metric, value, evaluation.samples)
        for metric, value in figures.items()
        if value is not None
    ]

"""The public Python API.

>>> from edgekit import api
>>> deployment = api.convert("model.onnx", "out", api.ConvertOptions("cortex-m4"),
...                          calibration="calib.npz")          # doctest: +SKIP
>>> deployment.report.memory.ram_bytes                         # doctest: +SKIP
>>> deployment.run({"x": samples}, on="emulator")              # doctest: +SKIP
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.shadowing import check_siblings

check_siblings()

from edgekit.options import (  # noqa: E402 (siblings are checked first)
    LEVERS,
    PLAN_TIME,
    ConvertOptions,
    EmulatorChoice,
    Lever,
    Place,
    ToolchainChoice,
)
from edgekit.processing import AudioInput, ImageInput, Processing, Ranking  # noqa: E402

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgekit.deployment import Deployment
    from edgekit.ir import Graph
    from edgekit.report.results import (
        Combination,
        Evaluation,
        Inspection,
        MemoryPlan,
        QuantizeSummary,
    )

    Arrays = Mapping[str, NDArray[Any]]

__all__ = [
    "AudioInput",
    "ConvertOptions",
    "ImageInput",
    "Processing",
    "Ranking",
    "combine",
    "convert",
    "evaluate",
    "inspect",
    "load",
    "plan",
    "quantize",
]


def convert(
    model: Path | str | Graph,
    out: Path | str | None,
    options: ConvertOptions,
    *,
    calibration: Path | str | Arrays | None = None,
    processing: Processing | None = None,
    progress: Callable[[str], None] | None = None,
    refuse: bool = True,
) -> Deployment:
    """Turn a model into verified C for a target.

    Args:
        model: ``.onnx`` or ``.tflite`` file, or a graph.
        out: folder to make; None makes a temporary one, which goes with the deployment.
        options: target and everything else.
        calibration: samples for a float model, as arrays or as an ``.npz`` file: named as the
            model's inputs (or ``x``), samples first, in the model's own layout and dtype.
        processing: what comes before its inputs and after its outputs, see docs/processing.md.
        progress: receives one line per stage.
        refuse: False keeps code that differs from the reference, so that ``.debug`` can say where.

    Returns:
        The deployment: ``.run``, ``.profile``, ``.debug``, ``.evaluate``, ``.report``.

    Raises:
        UsageError, ModelError, DataError, FitError, ToolError, CheckFailed: see `edgekit.errors`.
    """
    from edgekit.deployment import Deployment
    from edgekit.pipeline.convert import convert_model

    holder = None
    if out is None:
        holder = tempfile.TemporaryDirectory(prefix="edgekit-")
        out = Path(holder.name) / "out"
    samples = _arrays(calibration)
    step = progress or (lambda text: None)
    wanted = processing or Processing()
    done = convert_model(model, Path(out), options, samples, step, refuse, wanted)
    deployment = Deployment(
        Path(out), done.manifest, done.report, done.lowered.graph, done.lowered.canonical
    )
    deployment.holder = holder
    return deployment


def combine(
    folders: Sequence[Path | str],
    out: Path | str,
    *,
    name: str | None = None,
    toolchain: ToolchainChoice = "auto",
    emulator: EmulatorChoice = "auto",
    force: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Combination:
    """Put converted models into one firmware that runs them in turn in one arena.

    Args:
        folders: that `convert` made, two or more for the same core.
        out: folder to make.
        name: prefix of its C symbols.
        toolchain, emulator: as for `convert`.
        force: replace an existing folder.
        progress: receives one line per stage.

    Raises:
        UsageError, DataError, FitError, ToolError, CheckFailed: see `edgekit.errors`.
    """
    from edgekit.pipeline.combining import Member, combine_models

    step = progress or (lambda text: None)
    models = [load(folder) for folder in folders]
    parts = [Member(m.folder, m.manifest, m.graph, m.vectors(), m.target) for m in models]
    return combine_models(parts, Path(out), name, toolchain, emulator, force, step)


def load(out: Path | str) -> Deployment:
    """Open a folder that `convert` made.

    Raises:
        DataError: it is not one, or is damaged.
    """
    from edgekit.deployment import Deployment

    return Deployment.load(out)


def inspect(
    model: Path | str | Graph,
    target: str | None = None,
    *,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    signature: str = "",
) -> Inspection:
    """Operators, shapes, MACs, parameters, a lower bound of RAM, and what a target supports.

    Args:
        model: ``.onnx`` or ``.tflite`` file, or a graph.
        target: core or board to ask about.
        shapes: of inputs whose axes an ONNX file leaves open, by name.
        signature: which signature of a TFLite file; by default its first subgraph.

    Raises:
        ModelError: the file cannot be read at all.
        UsageError: there is no such target.
    """
    from edgekit.pipeline.inspection import inspect_model

    return inspect_model(model, target, shapes, signature)


def plan(
    model: Path | str | Graph,
    target: str | None = None,
    *,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    signature: str = "",
    plan_time: float = PLAN_TIME,
    levers: tuple[Lever, ...] = LEVERS,
    save: Path | str | None = None,
    memories: Mapping[str, int | None] | None = None,
    ram: int | None = None,
) -> MemoryPlan:
    """Place every tensor of a model in the arena, with a proof of how good the plan is.

    Args:
        model: ``.onnx`` or ``.tflite`` file, or a graph.
        target: core or board to plan for.
        shapes, signature: as for `inspect`.
        plan_time: time limit in seconds.
        levers: what the plan may use beside the place of each tensor.
        save: file to write the plan to, for ``ConvertOptions(plan=...)``; replaced if there.
        memories: what the arena is split over, as for `edgekit.options.ConvertOptions`.
        ram: bytes that arena and state may take; the answer has the front of RAM against work.

    Raises:
        ModelError: the file cannot be read, or an operator has no kernel.
        UsageError: there is no such target or memory.
        FitError: the memories or the RAM are too small.
    """
    from edgekit.pipeline.planning import plan_model

    file = None if save is None else Path(save)
    return plan_model(model, target, plan_time, levers, shapes, file, signature, memories, ram)


def quantize(
    model: Path | str | Graph,
    calibration: Path | str | Arrays,
    out: Path | str,
    *,
    observer: str = "minmax",
    percentile: float = 99.99,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    signature: str = "",
) -> QuantizeSummary:
    """Quantize a float model to int8 and write it as a QDQ ONNX file.

    ``shapes`` and ``signature`` as for `inspect`; the other arguments as for `convert`.

    Raises:
        ModelError, DataError: model or calibration refused.
    """
    from edgekit.pipeline.quantization import quantize_model

    samples = _arrays(calibration) or {}
    return quantize_model(model, samples, Path(out), observer, percentile, shapes, signature)


def evaluate(
    path: Path | str,
    data: Path | str | Arrays,
    on: Place = "reference",
    compare: bool = False,
    *,
    toolchain: ToolchainChoice = "auto",
    emulator: EmulatorChoice = "auto",
) -> Evaluation:
    """Accuracy of a converted model (folder) or of a model file over labelled data.

    Args:
        path: folder of a converted model, or a model file (then ``on`` must be ``reference``).
        data: inputs as for `edgekit.deployment.Deployment.run`, labels in ``y``.
        on: ``reference``, ``host`` or ``emulator``.
        compare: also count the samples whose outputs equal the reference bit for bit.
        toolchain, emulator: as for `edgekit.deployment.Deployment.run`.

    Raises:
        ModelError, DataError: model or data refused.
    """
    arrays = _arrays(data) or {}
    if Path(path).is_dir():
        return load(path).evaluate(arrays, on, toolchain, emulator, compare)
    from edgekit.pipeline.quantization import evaluate_model

    return evaluate_model(path, arrays, on)


def _arrays(source: Path | str | Arrays | None) -> Arrays | None:
    if isinstance(source, Path | str):
        from edgekit.npz import load_arrays

        return load_arrays(source)
    return source

"""The public Python API. Users import this module, `edgekit.errors` for what it raises, and
`edgekit.plugins` for operators of their own.

>>> import numpy as np
>>> from edgekit import api
>>> folder = "examples/digits"
>>> options = api.ConvertOptions("cortex-m4")
>>> calibration = f"{folder}/calibration.npz"
>>> deployment = api.convert(f"{folder}/digits.onnx", None, options, calibration=calibration)
>>> deployment.report.verification.bit_exact
True
>>> samples = np.load(f"{folder}/test.npz")["x"][:3]
>>> deployment.run({"image": samples}, on="emulator")["probabilities"].shape
(3, 10)

Arrays of samples, everywhere: a mapping from the names of the model's inputs to arrays (or ``x``
for a single input), or an ``.npz`` file of them. The first axis counts samples, ``(n, *shape)``
where the model's own batch axis is 1; layout and dtype are those of the model file. A float model
that edgekit quantized takes and gives float32.

Errors derive from `edgekit.errors.EdgekitError` and list every problem found: UsageError (options),
ModelError (the model), DataError (samples, converted folders), FitError (the memory), ToolError
(compiler or emulator), CheckFailed (code that differs from the reference).
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
        calibration: arrays of samples for a float model; None: it stays float32, or is quantized
            already.
        processing: what comes before its inputs and after its outputs, see docs/processing.md.
        progress: receives one line per stage.
        refuse: False keeps code that differs from the reference, so that ``.debug`` can say where.

    Returns:
        The deployment: ``.run``, ``.profile``, ``.debug``, ``.evaluate``, ``.report``.

    Raises:
        UsageError: the options are wrong, a float model comes without calibration and without
            ``precision="float32"``, or ``out`` exists and ``options.force`` is False.
        ModelError, DataError: model or calibration refused.
        FitError: the board is too small.
        ToolError: a compiler or an emulator is missing or failed.
        CheckFailed: the code does not compute what the reference does.

    Source of the arithmetic: `quantize.schemes` (Jacob et al., 2018), `quantize.requantize`.
    """
    from edgekit.deployment import Deployment
    from edgekit.pipeline.convert import convert_model
    from edgekit.pipeline.output import refuse_existing

    holder = None
    if out is None:
        holder = tempfile.TemporaryDirectory(prefix="edgekit-")
        out = Path(holder.name) / "out"
    reads = [Path(p) for p in (model, calibration) if isinstance(p, Path | str)]
    refuse_existing(Path(out), options.force, reads)
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
        name: prefix of its C symbols; None: from those of the models.
        toolchain, emulator: as in `ConvertOptions`.
        force: replace an existing folder.
        progress: receives one line per stage.

    Returns:
        Bytes of arena, states, flash and stack, and whether every output equals the reference.

    Raises:
        UsageError: fewer than two models, models of different cores or of one name, or ``out``
            exists.
        DataError: a folder is no converted model, or is damaged.
        FitError: together they do not fit the board.
        ToolError: a compiler or an emulator is missing or failed.
        CheckFailed: an output differs from the reference.
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
        shapes: of inputs whose axes an ONNX file leaves open, by name, batch axis included.
        signature: which signature of a TFLite file; by default its first subgraph.

    Returns:
        Facts in bytes, MACs and (modelled, not counted) instructions; the arena's lower bound is
        that of layers as a whole.

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
        save: file to write the plan to, for ``ConvertOptions(plan=...)`` with the same target;
            replaced if there.
        memories: what the arena is split over, as in `ConvertOptions`.
        ram: bytes that arena and state may take; the answer has the front of RAM against work.

    Returns:
        Offsets and sizes in bytes, and the bound that no plan with the same levers can undercut.

    Raises:
        ModelError: the file cannot be read, or an operator has no kernel.
        UsageError: there is no such target or memory, or both ``memories`` and ``ram`` are given.
        FitError: the memories or the RAM are too small.

    Method: docs/design/004-scheduling.md, docs/design/022-strips.md.
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

    Args:
        model: ``.onnx`` or ``.tflite`` file, or a graph.
        calibration: arrays of samples, whose ranges decide the scales.
        out: file to write; replaced if there.
        observer: ``minmax``, or ``percentile``, which leaves rare extremes out of the ranges.
        percentile: of the numbers of a tensor that lie within its range, in percent.
        shapes, signature: as for `inspect`.

    Returns:
        Samples used, and the error of each layer against the float model.

    Raises:
        UsageError: the model is int8 already.
        ModelError, DataError: model or calibration refused.

    Source: `quantize.schemes` (Jacob et al., 2018).
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
        data: arrays of samples, and labels in ``y``: class numbers ``(n,)``; where the model
            reconstructs its input none, or ``(n,)`` with 1 for an anomaly and 0; or real values of
            the output's shape.
        on: ``reference``, ``host`` or ``emulator``.
        compare: also count the samples whose outputs equal the reference bit for bit; for a folder.
        toolchain, emulator: as for `edgekit.deployment.Deployment.run`.

    Returns:
        Top-1 as a fraction, or mean squared error and area under the ROC curve.

    Raises:
        UsageError: a model file is to run elsewhere than on the reference.
        ModelError, DataError: model or data refused.
        ToolError: a compiler or an emulator is missing or failed.
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

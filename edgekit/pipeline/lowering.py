"""From the imported graph to the scheduled program of a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from codegen.c.choice import KernelSet, kernels_for, unsupported
from edgekit.errors import ModelError, Problem, UsageError
from edgekit.ir import DType, Graph
from edgekit.options import ConvertOptions, Rounding
from edgekit.passes import CANONICAL, TO_NHWC, Pass, run_passes
from edgekit.passes.copy_state_outputs import CopyStateOutputs
from edgekit.passes.dead_code import DeadCode
from edgekit.pipeline.balancing import balance
from edgekit.pipeline.scheduling import schedule
from edgekit.pipeline.source import ModelSource, select_outputs
from edgekit.schedule import Program, Room
from edgekit.schedule.fitting import Point
from quantize.dead_channels import DeadChannels
from quantize.lower import LowerInteger
from quantize.ptq import quantize_graph
from targets.model import Board, Core

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Lowered:
    """A model in every form that later stages need.

    Attributes:
        source: the model as it came.
        canonical: model-level graph after the canonical passes; float where the model was float.
        defined: lowered graph: integer operators, or float32 ones in the kernels' layout. Its
            outputs are what every artefact is held against.
        whole: the same without what need not be computed.
        graph: the same with layers taken apart into strips; what the program executes.
        program: the schedule of ``graph``.
        kernels: what its steps are planned with.
        precision: ``int8`` or ``float32``.
        rounding: rounding reference of an int8 program, None for float32.
        quantized_here: True where calibration made the float model int8.
        front: plans with more and less RAM, where the RAM was limited.
    """

    source: ModelSource
    canonical: Graph
    defined: Graph
    whole: Graph
    graph: Graph
    program: Program
    kernels: KernelSet
    precision: str
    rounding: Rounding | None
    quantized_here: bool
    front: Sequence[Point] = ()


def nhwc_int8(rounding: Rounding | None) -> tuple[Pass, ...]:
    """Lowering for the C kernels: NHWC, then integer operators (none for float32)."""
    if rounding is None:
        return TO_NHWC
    return (*TO_NHWC, LowerInteger(rounding), DeadCode())


LOWERINGS: dict[str, Callable[[Rounding | None], tuple[Pass, ...]]] = {"nhwc-int8": nhwc_int8}
"""What a core's ``lowering`` field names."""

TO_EXECUTE: tuple[Pass, ...] = (DeadChannels(), DeadCode(), CopyStateOutputs())
"""From a lowered graph to one that computes the same outputs with less work."""


def lower(
    source: ModelSource,
    core: Core,
    options: ConvertOptions,
    calibration: Arrays | None,
    memories: Sequence[Room] = (),
    board: Board | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Lowered:
    """Canonicalise, quantize if asked to, lower and schedule, over ``memories`` if there are any.

    With a board layers are executed in strips where its RAM is too small otherwise. ``progress``
    receives one line for each build of `--optimize balanced`.

    Raises:
        UsageError: options that contradict each other or the model.
        ToolError: a compiler that `--optimize balanced` builds with is missing or fails.
        ModelError: operators without a form for the target, all named.
        DataError: calibration data that do not fit.
        FitError: the memories or the RAM that the options give are too small.
    """
    graph = run_passes(select_outputs(source.graph, options.outputs), (*CANONICAL, DeadCode()))
    is_int8 = is_quantized(graph)
    precision = _precision(graph, is_int8, options, calibration is not None)
    model = graph
    quantized_here = precision == "int8" and not is_int8
    if quantized_here and calibration is not None:
        model = quantize_graph(
            graph, calibration, observer=options.observer, percentile=options.percentile
        )
    rounding: Rounding | None = None
    if precision == "int8":
        rounding = options.rounding or ("fast" if quantized_here else own_rounding(source))
    defined = run_passes(model, LOWERINGS[core.lowering](rounding))
    lowered = run_passes(defined, TO_EXECUTE)
    problems = unsupported(lowered)
    if problems:
        raise ModelError("some operators have no kernel for this target", problems)
    kernels = kernels_for(core, options.kernels, options.optimize)
    if options.optimize == "balanced":
        kernels = balance(lowered, kernels, core, options.toolchain, progress)
    program, front = schedule(lowered, kernels, options, memories, board)
    return Lowered(
        source, graph, defined, lowered, program.graph, program, kernels, precision, rounding,
        quantized_here, front,
    )  # fmt: skip


def own_rounding(source: ModelSource) -> Rounding:
    """Whose rounding a model that came quantized expects."""
    return "onnx" if source.format == "onnx" else "litert"


def is_quantized(graph: Graph) -> bool:
    """True where any activation is an integer with quantization."""
    values = [*graph.inputs, *(v for n in graph.nodes for v in n.outputs)]
    return any(v.type.quant is not None and v.type.dtype is not DType.FLOAT32 for v in values)


def _precision(graph: Graph, is_int8: bool, options: ConvertOptions, calibrated: bool) -> str:
    wanted = options.precision
    if is_int8 and wanted == "float32":
        problem = Problem("is already int8", graph.name, "--precision int8, or the float model")
        raise UsageError("an int8 model cannot run in float32", [problem])
    if is_int8:
        if calibrated:
            hint = "Leave --calibration out, or convert the float model."
            problem = Problem("is already int8", graph.name, hint=hint)
            raise UsageError("calibration samples are for float models", [problem])
        return "int8"
    if (wanted is None and not calibrated) or (wanted == "int8" and not calibrated):
        hint = "Give --calibration SAMPLES.npz for int8, or --precision float32."
        raise UsageError(f"'{graph.name}' is a float model. {hint}")
    return wanted or "int8"

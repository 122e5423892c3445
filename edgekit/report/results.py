"""What the commands other than ``convert`` answer, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from edgekit.report.model import (
    SCHEMA_VERSION,
    Cycles,
    LayerCost,
    LayerError,
    ModelInfo,
    TargetInfo,
)
from edgekit.report.placement import Schedule
from targets.doctor import Finding
from targets.model import Board, Core


@dataclass(frozen=True)
class TensorInfo:
    """One input or output of a model.

    Attributes:
        name: its name.
        dtype: element type.
        shape: dimensions, batch axis included.
        layout: axis names in order, empty where axes have no such meaning.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    layout: str = ""


@dataclass(frozen=True)
class InspectedNode:
    """One operator of a model.

    Attributes:
        name: the node's name.
        op: the operator.
        shape: shape of the first output.
        macs: multiply-accumulates.
        parameters: trained numbers.
        instructions: expected cost on the target.
        cost_origin: ``measured`` or ``modelled``; null without a figure.
        supported: whether the target supports it; null without a target.
        reason: why not.
    """

    name: str
    op: str
    shape: tuple[int, ...]
    macs: int = 0
    parameters: int = 0
    instructions: int | None = None
    cost_origin: str | None = None
    supported: bool | None = None
    reason: str = ""


@dataclass(frozen=True)
class PlannedStep:
    """One step of a memory plan.

    Attributes:
        name: the node's name.
        op: the operator.
        used_bytes: bytes in use during the step, in all regions; shared bytes count once.
        offset: where the (first) result lies in its region.
        size: bytes of the result.
        scratch_bytes: scratch of the kernel.
        over: steps (or inputs of the model) whose results it takes bytes of.
        backward: whether the kernel walks from the last output pixel to the first.
        region: of the (first) result.
    """

    name: str
    op: str
    used_bytes: int
    offset: int
    size: int
    scratch_bytes: int = 0
    over: tuple[str, ...] = ()
    backward: bool = False
    region: str = "arena"


@dataclass(frozen=True)
class MemoryPlan:
    """Answer of ``edgekit plan``.

    Attributes:
        model: the model's file.
        figures_for: precision that the plan is for: ``int8`` unless the model must stay in float.
        arena_bytes: size of the arena; inputs, outputs and scratch included.
        state_bytes: bytes that persist between runs.
        lower_bound_bytes: arena bytes that no plan with these levers can undercut.
        gap_bytes: arena above the bound; 0 is a proof that the plan is optimal.
        levers: what the plan was allowed to use.
        peak_step: the step at which most bytes are needed; empty where inputs or outputs alone
            need as much.
        first_fit_bytes: arena of greedy placement by size in the given order, without overlaps.
        seconds: time that planning took.
        steps: in execution order.
        schedule: where every tensor lies and when it lives.
        target: the target that was asked about.
        schema_version: version of this layout.
    """

    model: str
    figures_for: str
    arena_bytes: int
    state_bytes: int
    lower_bound_bytes: int
    gap_bytes: int
    levers: tuple[str, ...]
    peak_step: str
    first_fit_bytes: int
    seconds: float
    steps: tuple[PlannedStep, ...]
    schedule: Schedule
    target: TargetInfo | None = None
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Inspection:
    """Answer of ``edgekit inspect``.

    Attributes:
        model: the model.
        precision: ``float32`` or ``int8``.
        inputs: inputs as the caller sees them.
        outputs: outputs as the caller sees them.
        nodes: operators in execution order.
        figures_for: precision that the figures below are for: ``int8`` unless the model must stay
            in float.
        ram_lower_bound_bytes: arena bytes that no plan of whole layers can undercut, overlaps
            included; ``plan --ram`` says what strips save.
        weights_bytes: constants as they would be stored.
        target: the target asked about.
        shortage: why the board cannot hold the model; empty where it may (`convert` tells).
        schema_version: version of this format.
    """

    model: ModelInfo
    precision: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    nodes: tuple[InspectedNode, ...]
    figures_for: str = "int8"
    ram_lower_bound_bytes: int | None = None
    weights_bytes: int | None = None
    target: TargetInfo | None = None
    shortage: str = ""
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class CombinedModel:
    """A model of a combination.

    Attributes:
        name: its prefix.
        arena_bytes: what it needs alone, in all memories.
        state_bytes: of its own.
        state_offset: where that starts in the common state.
    """

    name: str
    arena_bytes: int
    state_bytes: int
    state_offset: int


@dataclass(frozen=True)
class Combination:
    """Answer of ``edgekit combine``.

    Attributes:
        path: the folder written.
        target: the core.
        models: in the order in which they run.
        arena_bytes: the common arena, in all memories.
        apart_bytes: arenas of their own together.
        state_bytes: states of all models.
        flash_bytes: of the linked image; None where it was built for this machine.
        shared_bytes: how much more it would be if each model had its own assembly functions, of
            which equal ones are linked once; None as above.
        stack_bytes: deepest stack seen; None where no emulator ran it.
        vectors: samples compared, of each model.
        identical: whether every output equals the reference bit for bit.
        emulator: where the firmware ran; None: nowhere.
        schema_version: version of this layout.
    """

    path: str
    target: str
    models: tuple[CombinedModel, ...]
    arena_bytes: int
    apart_bytes: int
    state_bytes: int
    flash_bytes: int | None
    shared_bytes: int | None
    stack_bytes: int | None
    vectors: int
    identical: bool
    emulator: str | None
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class QuantizeSummary:
    """Answer of ``edgekit quantize``.

    Attributes:
        path: the file written.
        samples: calibration samples used.
        observer: how ranges were found.
        layers: error of each layer on the calibration samples.
        schema_version: version of this format.
    """

    path: str
    samples: int
    observer: str
    layers: tuple[LayerError, ...] = ()
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Evaluation:
    """Answer of ``edgekit evaluate``.

    Attributes:
        subject: what was evaluated, e.g. ``int8 on the emulated core``.
        on: ``reference``, ``host`` or ``emulator``.
        samples: number of samples.
        top1: fraction of samples whose largest output is the label.
        correct: number of those samples.
        mse: mean squared error of a reconstruction.
        auc: area under the ROC curve of the reconstruction error against the label.
        identical: samples whose outputs equal the reference bit for bit; null where not compared.
        schema_version: version of this format.
    """

    subject: str
    on: str
    samples: int
    top1: float | None = None
    correct: int | None = None
    mse: float | None = None
    auc: float | None = None
    identical: int | None = None
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Profile:
    """Answer of ``edgekit profile``.

    Attributes:
        on: where it ran.
        instructions: instructions of one inference; null on the host, where they are not counted.
        layers: the same per step, in execution order.
        other_instructions: instructions outside every step.
        stack_bytes: deepest stack.
        cycles: the labelled estimate.
        toolchain: name and version of the compiler.
        emulator: name and version of the emulator.
        schema_version: version of this format.
    """

    on: str
    instructions: int | None
    layers: tuple[LayerCost, ...] = ()
    other_instructions: int | None = None
    stack_bytes: int | None = None
    cycles: Cycles | None = None
    toolchain: str | None = None
    emulator: str | None = None
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class DebugStep:
    """One tensor, compared with the reference.

    Attributes:
        index: the step that wrote it.
        name: the step's name.
        op: the operator.
        tensor: the tensor's name.
        elements: number of elements.
        different: number of elements that differ from the reference.
        max_abs_diff: largest difference, in units of the tensor's own type.
    """

    index: int
    name: str
    op: str
    tensor: str
    elements: int
    different: int
    max_abs_diff: float | None = None


@dataclass(frozen=True)
class DebugResult:
    """Answer of ``edgekit debug``.

    Attributes:
        on: where it ran.
        steps: every tensor in the order in which it is written.
        first_difference: name of the first step whose tensor differs; null where none does.
        tensors: the tensors themselves, by name; not part of the JSON.
        schema_version: version of this format.
    """

    on: str
    steps: tuple[DebugStep, ...]
    first_difference: str | None = None
    tensors: dict[str, NDArray[Any]] = field(default_factory=dict, metadata={"json": False})
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class RunSummary:
    """Answer of ``edgekit run``.

    Attributes:
        path: the file written.
        on: where it ran.
        samples: number of samples.
        outputs: the arrays written; the first dimension is the samples.
        schema_version: version of this format.
    """

    path: str
    on: str
    samples: int
    outputs: tuple[TensorInfo, ...]
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class TargetList:
    """Answer of ``edgekit targets``.

    Attributes:
        cores: every core.
        boards: every board.
        schema_version: version of this format.
    """

    cores: tuple[Core, ...]
    boards: tuple[Board, ...]
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class TargetFacts:
    """Answer of ``edgekit targets show``.

    Attributes:
        core: the core.
        board: the board; null where a core was asked for.
        schema_version: version of this format.
    """

    core: Core
    board: Board | None
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Diagnosis:
    """Answer of ``edgekit doctor``.

    Attributes:
        findings: every tool that was looked for.
        schema_version: version of this format.
    """

    findings: tuple[Finding, ...]
    schema_version: int = SCHEMA_VERSION

"""The report of one conversion, as data. ``OUT/report.json`` is exactly these classes.

Two rules hold for every field: a figure that is not known is None (``null`` in JSON), never a
guess or a zero; and instruction counts are instruction counts - only ``cycles`` speaks of cycles,
with its method and source.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgekit.report.placement import Schedule
from edgekit.report.processing import Postprocessing, Preprocessing, Scalar

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class ModelInfo:
    """The model as it came.

    Attributes:
        name: the model's name.
        sha256: digest of the file in hexadecimal; null for a model that was never a file.
        macs: multiply-accumulates of one inference.
        parameters: trained numbers: weights and biases.
        format: format of the source, e.g. ``tflite`` or ``onnx``.
        operators: how often each operator occurs.
    """

    name: str
    sha256: str | None
    macs: int
    parameters: int
    format: str | None = None
    operators: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class TargetInfo:
    """What the code was made for.

    Attributes:
        name: the target as it was asked for, a core or a board.
        core: the processor core.
        board: the board; null where a bare core was asked for.
        clock_hz: clock of the board, hertz.
        flash_bytes: flash of the board, bytes.
        sram_bytes: RAM of the board, bytes.
        features: instruction-set features that the code may use.
    """

    name: str
    core: str
    board: str | None = None
    clock_hz: int | None = None
    flash_bytes: int | None = None
    sram_bytes: int | None = None
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Memory:
    """Memory of the linked image, all in bytes.

    Attributes:
        arena_bytes: activations and scratch, given by the caller.
        state_bytes: state kept between runs, given by the caller.
        static_bytes: ``.data`` and ``.bss`` of the model.
        stack_bytes: deepest stack seen while the model ran.
        ram_bytes: arena, further regions, copied constants, state, static and stack together.
        weights_bytes: weights and biases in flash.
        table_bytes: quantization tables in flash.
        code_bytes: linked text and read-only data that is neither weights nor tables, without
            start-up and test harness.
        flash_bytes: code, weights, tables and the initial content of static data.
        region_bytes: pieces of the arena in slower memories, given by the caller.
        copied_bytes: copies of constants that a run reads instead of those in flash, in memory
            given by the caller.
    """

    arena_bytes: int | None
    state_bytes: int | None = None
    static_bytes: int | None = None
    stack_bytes: int | None = None
    ram_bytes: int | None = None
    weights_bytes: int | None = None
    table_bytes: int | None = None
    code_bytes: int | None = None
    flash_bytes: int | None = None
    region_bytes: int = 0
    copied_bytes: int = 0


@dataclass(frozen=True)
class LayerCost:
    """Cost of one step.

    Attributes:
        name: the step's name.
        op: the operator.
        macs: multiply-accumulates.
        instructions: instructions executed in one inference.
        origin: names in the source model.
        variant: the kernel in assembly that computes it; empty for portable C.
        parts: instructions of that kernel by what they are spent on, by its own count: `products`,
            `packing`, `requantize`, `borders`, `fallback` (channels in portable C), `control`.
        limit: the largest of them; for portable C why there is no kernel in assembly, empty where
            none was looked for.
    """

    name: str
    op: str
    macs: int
    instructions: int | None = None
    origin: tuple[str, ...] = ()
    variant: str = ""
    parts: dict[str, int] = field(default_factory=dict)
    limit: str = ""


@dataclass(frozen=True)
class Cycles:
    """An estimate of processor cycles: a model, not a measurement.

    Attributes:
        low: lower end.
        typical: the estimate; null where only a range can be given.
        high: upper end.
        method: name of the cycle model.
        source: where its figures come from.
    """

    low: int
    typical: int | None
    high: int
    method: str
    source: str = ""


@dataclass(frozen=True)
class Latency:
    """Cost of one inference.

    Attributes:
        instructions: instructions executed, counted on the emulated core for the first stored
            vector, input and output copies included.
        layers: the same per step, in execution order.
        other_instructions: instructions outside every step: copying inputs and outputs, and the
            calls.
        cycles: the labelled estimate, the mean over all stored vectors.
    """

    instructions: int | None = None
    layers: tuple[LayerCost, ...] = ()
    other_instructions: int | None = None
    cycles: Cycles | None = None


@dataclass(frozen=True)
class Verification:
    """What was compared with what, and what came out.

    Attributes:
        reference: the arithmetic that defines the right result.
        vectors: number of stored input vectors.
        bit_exact: true where every output of every run equals the reference; null where nothing
            could be run.
        max_abs_diff: largest difference, in units of the output's own type.
        emulator: name and version, or ``not_run``.
        reason: why something was not run.
        host: host compilers whose result was compared.
        emulated: toolchains whose image was run on the emulated core and compared.
    """

    reference: str
    vectors: int
    bit_exact: bool | None
    max_abs_diff: float | None
    emulator: str
    reason: str | None = None
    host: tuple[str, ...] = ()
    emulated: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerError:
    """What quantization does to one layer's output.

    Attributes:
        layer: the layer's name.
        sqnr_db: signal to quantization noise, decibel; null where there is no error at all.
        max_abs_error: largest absolute error, in real units.
        mean_abs_error: mean absolute error, in real units.
    """

    layer: str
    sqnr_db: float | None
    max_abs_error: float | None
    mean_abs_error: float | None


@dataclass(frozen=True)
class Fit:
    """Whether the model fits the board.

    Attributes:
        board: the board.
        flash_available_bytes: flash that the board offers.
        ram_available_bytes: RAM that the board offers.
        fits: true, or null where a figure it needs is not known; a model that does not fit is
            refused and has no report.
    """

    board: str
    flash_available_bytes: int
    ram_available_bytes: int
    fits: bool | None


@dataclass(frozen=True)
class ToolchainCandidate:
    """One compiler that was tried.

    Attributes:
        name: ``zig`` or ``gcc``.
        version: its version.
        code_bytes: size of the code it made.
        instructions: instructions of one inference in its image.
        chosen: whether its image is the one reported.
        why: the reason in words.
    """

    name: str
    version: str
    code_bytes: int | None = None
    instructions: int | None = None
    chosen: bool = False
    why: str = ""


@dataclass(frozen=True)
class Accuracy:
    """A figure over labelled data.

    Attributes:
        subject: what was evaluated, e.g. ``float model`` or ``int8 on the emulated core``.
        metric: ``top1``, ``mse`` or ``auc``.
        value: the figure; top1 and auc as a fraction.
        samples: number of samples.
    """

    subject: str
    metric: str
    value: float
    samples: int


@dataclass(frozen=True)
class GraphNode:
    """One node of the graph that the report draws.

    Attributes:
        name: the node's name.
        op: the operator.
        inputs: names of the tensors it reads, constants left out.
        outputs: names of the tensors it writes.
        shape: shape of the first output.
        macs: multiply-accumulates.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    shape: tuple[int, ...]
    macs: int = 0


@dataclass(frozen=True)
class Versions:
    """What made the figures.

    Attributes:
        edgekit: version of edgekit.
        python: version of Python.
        toolchain: name and version of the compiler of the reported image.
        emulator: name and version of the emulator that ran it.
        packages: versions of Python packages that took part.
    """

    edgekit: str
    python: str
    toolchain: str | None = None
    emulator: str | None = None
    packages: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """Everything that one conversion found.

    Attributes:
        model: the model as it came.
        target: what the code was made for.
        options: the options of the conversion.
        memory: memory of the linked image.
        latency: cost of one inference.
        verification: what was compared with what.
        versions: what made the figures.
        quantization: error of each layer against the float model; empty where there is none.
        schedule: where every tensor lies and when it lives.
        fit: whether it fits the board; null for a bare core.
        toolchain: every compiler that was tried.
        accuracy: figures over labelled data.
        graph: the graph in execution order.
        preprocessing: helpers that make inputs from pixels or samples.
        postprocessing: helpers that rank outputs.
        warnings: what a reader must know before trusting the figures.
        schema_version: version of this format.
    """

    model: ModelInfo
    target: TargetInfo
    options: dict[str, Scalar | tuple[str, ...]]
    memory: Memory
    latency: Latency
    verification: Verification
    versions: Versions
    quantization: tuple[LayerError, ...] = ()
    schedule: Schedule | None = None
    fit: Fit | None = None
    toolchain: tuple[ToolchainCandidate, ...] = ()
    accuracy: tuple[Accuracy, ...] = ()
    graph: tuple[GraphNode, ...] = ()
    preprocessing: tuple[Preprocessing, ...] = ()
    postprocessing: tuple[Postprocessing, ...] = ()
    warnings: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION

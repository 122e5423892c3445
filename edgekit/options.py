"""Allowed values of options, written once for the Python API, the command line and edgekit.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from edgekit.errors import Problem, UsageError

Precision = Literal["int8", "float32"]
Rounding = Literal["litert", "tflm", "onnx", "fast"]
ToolchainChoice = Literal["auto", "zig", "gcc"]
EmulatorChoice = Literal["auto", "unicorn", "qemu", "none"]
Observer = Literal["minmax", "percentile"]
Kernels = Literal["fastest", "portable"]
Optimize = Literal["fastest", "speed", "balanced", "size"]
Lever = Literal["order", "in-place", "rows", "patches"]
Place = Literal["reference", "host", "emulator"]
LEVERS: tuple[Lever, ...] = ("order", "in-place", "rows")
"""What a memory plan may use: another order of the steps, results written over their operands
element by element, and results written over the part of their input that is already consumed."""
PATCHES: Lever = "patches"
ALL_LEVERS: tuple[Lever, ...] = (*LEVERS, PATCHES)
"""With the one that costs instructions: layers executed strip by strip."""
PLAN_TIME = 10.0
"""Seconds that a memory plan may take unless an option says otherwise."""


def allowed(choice: Any) -> tuple[str, ...]:
    """The values of one of the types above."""
    return get_args(choice)


@dataclass(frozen=True)
class ConvertOptions:
    """Options of a conversion; see ``edgekit convert --help``.

    Attributes:
        target: core or board.
        precision: arithmetic of the generated code; None: int8 where the model is quantized or
            calibration samples are given.
        rounding: whose rounding the integers follow; None: for a model that came
            quantized ``onnx`` or ``litert``, as its file is, ``fast`` for one that edgekit
            quantizes.
        toolchain: ``auto`` builds with every compiler present and keeps the better image.
        emulator: where the image is run and checked.
        name: prefix of every C symbol; None: from the model's file name.
        shapes: of inputs whose axes an ONNX file leaves open, by name; an open batch axis is 1 by
            default.
        signature: which signature of a TFLite file; empty: its first subgraph.
        outputs: tensors to give as outputs instead of the model's own.
        observer, percentile: how activation ranges are found, as for `edgekit.api.quantize`.
        vectors: test vectors to store and compare, 1 to 1000.
        plan_time: time limit of the memory plan in seconds, up to 3600.
        kernels: ``fastest`` may use assembly of the target's instruction set, ``portable`` writes
            C alone.
        optimize: ``speed``; ``fastest``: as speed, and with kernels that pay for instructions with
            flash where they save a twentieth of a layer's (Winograd: four times the weights of 3x3
            layers); ``size``: portable kernels,
            compiled for size; ``balanced``: as speed, without the kinds of kernels whose absence
            makes the code smaller by a larger factor than it adds instructions.
        memories: bytes that the arena may take in each memory of the target, the fastest first;
            None: all that the board has there. Empty: the arena is one piece.
        weights: bytes that copies of constants may take in a memory of the target, by its name:
            those that are read most for each byte are copied there before the first run. None: what
            the arena leaves of that memory on a board, everything on a core alone. Empty: every
            constant is read from flash.
        ram: bytes that arena and state may take together; layers are executed in strips where they
            must be. None: what the board has, and no strips for a core alone.
        plan: plan file of `edgekit.api.plan` to follow instead of planning anew.
        require_emulator: raise where no emulator can run the target.
        force: replace an existing folder.

    Raises:
        UsageError: a value is not among those allowed; all of them are named.
    """

    target: str
    precision: Precision | None = None
    rounding: Rounding | None = None
    toolchain: ToolchainChoice = "auto"
    emulator: EmulatorChoice = "auto"
    name: str | None = None
    signature: str = ""
    outputs: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    observer: Observer = "minmax"
    percentile: float = 99.99
    vectors: int = 4
    plan_time: float = PLAN_TIME
    kernels: Kernels = "fastest"
    optimize: Optimize = "speed"
    memories: Mapping[str, int | None] = field(default_factory=dict)
    weights: Mapping[str, int | None] = field(default_factory=dict)
    ram: int | None = None
    plan: Path | None = None
    require_emulator: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        choices = {
            "precision": Precision,
            "rounding": Rounding,
            "toolchain": ToolchainChoice,
            "emulator": EmulatorChoice,
            "observer": Observer,
            "kernels": Kernels,
            "optimize": Optimize,
        }
        problems = [
            Problem(f"is {getattr(self, name)!r}", name, ", ".join(allowed(choice)))
            for name, choice in choices.items()
            if getattr(self, name) not in (None, *allowed(choice))
        ]
        if not 50 < self.percentile <= 100:
            problems.append(Problem(f"is {self.percentile!r}", "percentile", "above 50, up to 100"))
        if not 1 <= self.vectors <= 1000:
            problems.append(Problem(f"is {self.vectors!r}", "vectors", "1 to 1000"))
        if not 0 < self.plan_time <= 3600:
            problems.append(Problem(f"is {self.plan_time!r}", "plan_time", "above 0, up to 3600"))
        if self.ram is not None and self.ram < 1:
            problems.append(Problem(f"is {self.ram!r}", "ram", "at least 1"))
        if len(self.weights) > 1:
            named = ", ".join(self.weights)
            problems.append(Problem(f"names several memories: {named}", "weights", "one"))
        if self.ram is not None and (self.memories or self.plan is not None):
            problems.append(Problem("has no effect with memories or plan", "ram"))
        if problems:
            raise UsageError("some options are wrong", problems)

"""The sections of ``edgekit.toml``: the options of each command, and the processing of a model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgekit.options import (
    LEVERS,
    PLAN_TIME,
    EmulatorChoice,
    Kernels,
    Lever,
    Observer,
    Optimize,
    Place,
    Precision,
    Rounding,
    ToolchainChoice,
)
from edgekit.processing import InputProcessing, Ranking

Percentile = Annotated[float, Field(gt=50, le=100)]
PlanTime = Annotated[float, Field(gt=0, le=3600)]
ImageEmulator = Literal["auto", "unicorn", "qemu"]  # a stored image is run or not asked for


class Section(BaseModel):
    """Base of every section: unknown keys are errors, numbers are not read from strings."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ModelSection(Section):
    """What every command that reads a model file has."""

    model: str | None = Field(
        default=None, examples=["model.onnx"], description="model file (.tflite or .onnx)"
    )
    shape: tuple[str, ...] = Field(
        default=(), strict=False, description="sizes of open axes, as x=1,3,224,224"
    )
    signature: str = Field(
        default="", examples=["serving_default"], description="which signature of a TFLite file"
    )


class InspectSection(ModelSection):
    """Options of ``edgekit inspect``."""

    target: str | None = Field(default=None, examples=["cortex-m4"], description="core or board")


class PlanSection(ModelSection):
    """Options of ``edgekit plan``."""

    target: str | None = Field(default=None, examples=["cortex-m4"], description="core or board")
    plan_time: PlanTime = Field(
        default=PLAN_TIME, strict=False, description="limit of the memory plan in seconds"
    )
    levers: tuple[Lever, ...] = Field(
        default=LEVERS, strict=False, description="what the plan may use"
    )
    memory: tuple[str, ...] = Field(
        default=(), strict=False, description="memories of the arena, as dtcm=64KiB, fastest first"
    )
    ram: str | None = Field(default=None, examples=["64KiB"], description="RAM for arena and state")
    save: str | None = Field(default=None, examples=["plan.json"], description="plan file to write")
    force: bool = Field(default=False, description="replace an existing file")


class QuantizeSection(ModelSection):
    """Options of ``edgekit quantize``."""

    model: str | None = Field(default=None, examples=["model.onnx"], description="float model file")
    out: str | None = Field(
        default=None, examples=["model_int8.onnx"], description="int8 ONNX file to write"
    )
    calibration: str | None = Field(
        default=None, examples=["calib.npz"], description=".npz with calibration samples"
    )
    observer: Observer = Field(default="minmax", description="how activation ranges are found")
    percentile: Percentile = Field(
        default=99.99, description="for the percentile observer, in percent"
    )
    force: bool = Field(default=False, description="replace an existing file")


class ConvertSection(ModelSection):
    """Options of ``edgekit convert``."""

    target: str | None = Field(
        default=None, examples=["cortex-m4"], description="core or board, see: edgekit targets"
    )
    out: str | None = Field(default=None, examples=["out"], description="folder to make")
    calibration: str | None = Field(
        default=None, examples=["calib.npz"], description=".npz with calibration samples"
    )
    precision: Precision | None = Field(
        default=None, examples=["int8"], description="arithmetic of the generated code"
    )
    rounding: Rounding | None = Field(
        default=None, examples=["litert"], description="whose rounding the integers follow"
    )
    toolchain: ToolchainChoice = Field(
        default="auto", description="auto builds with every compiler"
    )
    emulator: EmulatorChoice = Field(
        default="auto", description="where the image is run and checked"
    )
    require_emulator: bool = Field(default=False, description="exit 4 where no emulator can run it")
    name: str | None = Field(
        default=None, examples=["model"], description="prefix of every C symbol"
    )
    outputs: tuple[str, ...] = Field(
        default=(), strict=False, description="tensors to give as outputs"
    )
    observer: Observer = Field(default="minmax", description="how activation ranges are found")
    percentile: Percentile = Field(
        default=99.99, description="for the percentile observer, in percent"
    )
    vectors: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=4, description="stored test vectors"
    )
    plan_time: PlanTime = Field(
        default=PLAN_TIME, strict=False, description="limit of the memory plan in seconds"
    )
    memory: tuple[str, ...] = Field(
        default=(), strict=False, description="memories of the arena, as dtcm=64KiB, fastest first"
    )
    ram: str | None = Field(default=None, examples=["64KiB"], description="RAM for arena and state")
    weights: str = Field(
        default="flash", description="memory that constants are copied to, as dtcm=32KiB, or flash"
    )
    plan: str | None = Field(
        default=None, examples=["plan.json"], description="plan file to follow"
    )
    kernels: Kernels = Field(
        default="fastest", description="assembly where the target has it, or C alone"
    )
    optimize: Optimize = Field(default="speed", description="speed, code size, or both")
    force: bool = Field(default=False, description="replace an existing folder")


class RunSection(Section):
    """Options of ``edgekit run``."""

    folder: str | None = Field(
        default=None, examples=["out"], description="converted model (OUT of convert)"
    )
    on: Place = Field(default="emulator", description="where to run")
    input: str | None = Field(default=None, examples=["x.npz"], description=".npz with inputs")
    output: str | None = Field(default=None, examples=["y.npz"], description=".npz to write")
    carry_state: bool = Field(default=False, description="keep state from sample to sample")
    raw: bool = Field(default=False, description="samples are images or sound, before the helpers")
    toolchain: ToolchainChoice = Field(default="auto", description="compiler of the image")
    emulator: ImageEmulator = Field(default="auto", description="emulator to run it")
    force: bool = Field(default=False, description="replace an existing file")


class EvaluateSection(Section):
    """Options of ``edgekit evaluate``."""

    path: str | None = Field(
        default=None, examples=["out"], description="converted model or model file"
    )
    on: Place = Field(default="reference", description="where to run")
    data: str | None = Field(
        default=None, examples=["test.npz"], description=".npz with inputs and labels y"
    )
    toolchain: ToolchainChoice = Field(default="auto", description="compiler of the image")
    emulator: ImageEmulator = Field(default="auto", description="emulator to run it")
    compare: bool = Field(default=False, description="count outputs that equal the reference")


class ProfileSection(Section):
    """Options of ``edgekit profile``."""

    folder: str | None = Field(
        default=None, examples=["out"], description="converted model (OUT of convert)"
    )
    on: Place = Field(default="emulator", description="where to run")
    toolchain: ToolchainChoice = Field(default="auto", description="compiler of the image")
    emulator: ImageEmulator = Field(default="auto", description="emulator to run it")


class DebugSection(Section):
    """Options of ``edgekit debug``."""

    folder: str | None = Field(
        default=None, examples=["out"], description="converted model (OUT of convert), or a model"
    )
    on: Place = Field(default="host", description="where to run")
    target: str = Field(default="host", description="core or board of a model")
    precision: Precision | None = Field(
        default=None, examples=["float32"], description="arithmetic of a model"
    )
    calibration: str | None = Field(
        default=None, examples=["calib.npz"], description="samples that make a model int8"
    )
    input: str | None = Field(
        default=None, examples=["x.npz"], description=".npz whose first sample is run"
    )
    output: str | None = Field(
        default=None, examples=["y.npz"], description=".npz to write the tensors to"
    )
    tensors: tuple[str, ...] = Field(
        default=(), strict=False, description="layers or tensors to write; empty: all"
    )
    toolchain: ToolchainChoice = Field(default="auto", description="compiler of the image")
    emulator: ImageEmulator = Field(default="auto", description="emulator to run it")
    force: bool = Field(default=False, description="replace an existing file")


InputSection = Annotated[InputProcessing, Field(discriminator="kind")]


class Config(Section):
    """The whole file."""

    inspect: InspectSection = InspectSection()
    plan: PlanSection = PlanSection()
    quantize: QuantizeSection = QuantizeSection()
    convert: ConvertSection = ConvertSection()
    run: RunSection = RunSection()
    evaluate: EvaluateSection = EvaluateSection()
    profile: ProfileSection = ProfileSection()
    debug: DebugSection = DebugSection()
    processing: dict[str, InputSection] = Field(
        default={}, description="what comes before each input of the model of convert, by its name"
    )
    postprocessing: dict[str, Ranking] = Field(
        default={}, description="what comes after each output of the model of convert, by its name"
    )


def command_sections() -> dict[str, type[Section]]:
    """The sections that hold a command's options."""
    kinds = {name: info.annotation for name, info in Config.model_fields.items()}
    return {n: k for n, k in kinds.items() if isinstance(k, type) and issubclass(k, Section)}

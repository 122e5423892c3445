"""``edgekit.toml``: the options of the commands in a file. The command line wins over it.

One section for each command, keys as the options are called with ``_`` for ``-``. Relative paths
are relative to the file. Importing this module imports pydantic; the command line does so only
when a file is given.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from edgekit.errors import Problem, UsageError
from edgekit.options import (
    LEVERS,
    PLAN_TIME,
    EmulatorChoice,
    Lever,
    Observer,
    Place,
    Precision,
    Rounding,
    ToolchainChoice,
)
from edgekit.processing import KINDS, InputProcessing, Processing, Ranking
from edgekit.processing.settings import SettingsError

Percentile = Annotated[float, Field(gt=50, le=100)]
PlanTime = Annotated[float, Field(gt=0, le=3600)]
ImageEmulator = Literal["auto", "unicorn", "qemu"]  # a stored image is run or not asked for


class Section(BaseModel):
    """Base of every section: unknown keys are errors, numbers are not read from strings."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class InspectSection(Section):
    """Options of ``edgekit inspect``."""

    model: str | None = Field(
        default=None, examples=["model.onnx"], description="model file (.tflite or .onnx)"
    )
    target: str | None = Field(default=None, examples=["cortex-m4"], description="core or board")
    shape: tuple[str, ...] = Field(
        default=(), strict=False, description="sizes of open axes, as x=1,3,224,224"
    )


class PlanSection(Section):
    """Options of ``edgekit plan``."""

    model: str | None = Field(
        default=None, examples=["model.onnx"], description="model file (.tflite or .onnx)"
    )
    target: str | None = Field(default=None, examples=["cortex-m4"], description="core or board")
    shape: tuple[str, ...] = Field(
        default=(), strict=False, description="sizes of open axes, as x=1,3,224,224"
    )
    plan_time: PlanTime = Field(
        default=PLAN_TIME, strict=False, description="limit of the memory plan in seconds"
    )
    levers: tuple[Lever, ...] = Field(
        default=LEVERS, strict=False, description="what the plan may use"
    )


class QuantizeSection(Section):
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
    shape: tuple[str, ...] = Field(
        default=(), strict=False, description="sizes of open axes, as x=1,3,224,224"
    )
    force: bool = Field(default=False, description="replace an existing file")


class ConvertSection(Section):
    """Options of ``edgekit convert``."""

    model: str | None = Field(
        default=None, examples=["model.onnx"], description="model file (.tflite or .onnx)"
    )
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
    shape: tuple[str, ...] = Field(
        default=(), strict=False, description="sizes of open axes, as x=1,3,224,224"
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


UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
"""What pydantic calls a key that a section does not have."""
PROCESSING_EXAMPLE = """\
## What comes before an input and after an output of the model, by its name; see docs/processing.md.
# [processing.image]
# kind = "image"
# height = 240
# width = 320
# scale = [0.00392156862745098]
# [postprocessing.scores]
# labels = ["nobody", "person"]
"""

PATH_KEYS = frozenset({"model", "out", "calibration", "folder", "input", "output", "path", "data"})


def load_config(path: Path) -> Config:
    """Read and check a file.

    Raises:
        UsageError: it is missing, no TOML, or has wrong keys or values; with every problem found.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the config file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from None
    try:
        # as JSON: there strict means numbers and strings, not Python's own tuples and dataclasses
        return Config.model_validate_json(json.dumps(raw, default=str))
    except ValidationError as error:
        problems = [p for e in error.errors() for p in _problems(e)]
        hint = "print every key with: edgekit config"
        raise UsageError(f"{path} has {len(problems)} wrong entries; {hint}", problems) from None


def load_processing(path: Path) -> Processing:
    """What the file says of the model's inputs and outputs.

    Raises:
        UsageError: as `load_config`.
    """
    config = load_config(path)
    return Processing(config.processing, config.postprocessing)


def section_values(path: Path, command: str) -> dict[str, Any]:
    """What the file says for one command, only the keys that it gives.

    Args:
        path: the file.
        command: the command's name; one without a section gives an empty dict.

    Returns:
        Values by key, relative paths made relative to the file's folder.

    Raises:
        UsageError: as `load_config`.
    """
    section = getattr(load_config(path), command, None)
    values: dict[str, Any] = {} if section is None else section.model_dump(exclude_unset=True)
    return {
        key: str(path.parent / value) if key in PATH_KEYS and value is not None else value
        for key, value in values.items()
    }


def schema_json() -> str:
    """JSON Schema of the file."""
    return json.dumps(Config.model_json_schema(), indent=2) + "\n"


def template() -> str:
    """A file with every key, its meaning and its default or an example, all commented out."""
    lines = ["# edgekit.toml: use it with --config edgekit.toml; the command line wins.", ""]
    for name, kind in command_sections().items():
        lines.append(f"[{name}]")
        for key, info in kind.model_fields.items():
            # what has no default gets an example, so that every line holds once uncommented
            default = (info.examples or [None])[0] if info.default is None else info.default
            value = json.dumps(default)
            choices = _choices(kind, key)
            note = f" ({', '.join(choices)})" if choices else ""
            lines.append(f"# {key} = {value}  # {info.description}{note}")
        lines.append("")
    return "\n".join([*lines, PROCESSING_EXAMPLE])


def command_sections() -> dict[str, type[Section]]:
    """The sections that hold a command's options."""
    kinds = {name: info.annotation for name, info in Config.model_fields.items()}
    return {n: k for n, k in kinds.items() if isinstance(k, type) and issubclass(k, Section)}


def _choices(section: type[Section], key: str) -> list[str]:
    schema = section.model_json_schema()["properties"][key]
    return [c for part in (schema, *schema.get("anyOf", ())) for c in part.get("enum", ())]


def _problems(error: ErrorDetails) -> list[Problem]:
    """What one finding of pydantic says: one thing, or every rule that a section breaks."""
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, SettingsError):
        where = ".".join(map(str, _section(error["loc"])))
        return [replace(p, where=f"{where}.{p.where}") for p in cause.problems]
    return [_problem(error["loc"], error["type"], error["msg"], error["input"])]


def _section(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """A place in the file: pydantic puts the kind of a processing section into it."""
    return (*loc[:2], *loc[3:]) if loc[:1] == ("processing",) and len(loc) > 2 else loc


def _problem(loc: tuple[int | str, ...], kind: str, message: str, given: object) -> Problem:
    loc, full = _section(loc), loc
    where = ".".join(map(str, loc))
    if kind not in UNKNOWN:
        return Problem(f"{message} (given: {given!r})", where)
    known = list(Config.model_fields)
    if len(loc) > 1:
        known = _keys(full)
    close = difflib.get_close_matches(str(loc[-1]), known, 1)
    what = "unknown section" if len(loc) == 1 else "unknown key"
    hint = f"Did you mean '{close[0]}'?" if close else ""
    return Problem(what, where, ", ".join(known), hint)


def _keys(loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the section at a place may have."""
    if loc[0] == "processing":
        return [f.name for f in dataclasses.fields(KINDS[str(loc[2])])]
    if loc[0] == "postprocessing":
        return [f.name for f in dataclasses.fields(Ranking)]
    return list(command_sections()[str(loc[0])].model_fields)

"""What an emitter hands to builders, runners and reports: files and a manifest.

The manifest says what the artefact is without assuming an ELF, a UART or even C: later families
(TVM modules, NPU command streams, RTL) fill the same fields and add files of their own.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgekit.errors import DataError, convert_again, damage, other_version
from edgekit.ir import DType, Quant
from edgekit.options import Optimize

MANIFEST_NAME = "manifest.json"
STORE = "edgekit"
"""Subfolder with what edgekit itself needs again: the lowered graph, the vectors, the plan."""
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Port:
    """One input or output of the artefact, and what the caller of the original model sees.

    Attributes:
        name: the original model's name for it.
        c_name: identifier used in generated code.
        dtype, shape, layout, quant: as the artefact stores it (batch axis included, 1).
        offset: byte offset in its region.
        outer_dtype, outer_shape: as the original model has it.
        perm: axes of the outer array in the artefact's order (``inner = outer.transpose(perm)``);
            None where they agree.
        half_even: rounding of ties from real numbers, see `edgekit.ir.Binding`.
        region: ``arena``, or one of the manifest's further regions.
    """

    name: str
    c_name: str
    dtype: DType
    shape: tuple[int, ...]
    layout: str
    quant: Quant | None
    offset: int
    outer_dtype: DType
    outer_shape: tuple[int, ...]
    perm: tuple[int, ...] | None = None
    half_even: bool = True
    region: str = "arena"

    @property
    def nbytes(self) -> int:
        """Bytes in the arena."""
        size = self.dtype.itemsize
        for n in self.shape:
            size *= n
        return size


@dataclass(frozen=True)
class Tensor:
    """A tensor that a step writes, where it lies, for tracing."""

    name: str
    dtype: DType
    shape: tuple[int, ...]
    offset: int
    region: str = "arena"


@dataclass(frozen=True)
class Region:
    """Memory that the caller provides beside arena and state, for a part of the tensors.

    Attributes:
        name: of the memory that it is for, as the target calls it.
        nbytes: its size.
    """

    name: str
    nbytes: int


@dataclass(frozen=True)
class Copied:
    """Constants that are copied to RAM before the first run and read there.

    Attributes:
        memory: what they are for, as the target calls it.
        nbytes: memory that the caller provides for them.
        count: constants.
        share: part of all reads of constants in a run that they answer, estimated.
        symbol: the C function that copies them.
    """

    memory: str
    nbytes: int
    count: int
    share: float
    symbol: str


@dataclass(frozen=True)
class StepInfo:
    """One step of the program: the unit of per-layer profiles and traces.

    Attributes:
        symbol: the C function that runs it (local linkage; compilers may append a suffix).
        name: the node's name; origin: names in the source model.
        op: operator name.
        macs: multiply-accumulates.
        writes: tensors it writes.
        scratch_bytes: scratch inside the arena.
        variant: kernel of the target's own instruction set that computes it; empty: portable C.
        stack_bytes: working memory that this kernel takes from the stack.
        parts: instructions of this kernel by what they are spent on, by its own count.
        refused: why there is no such kernel on a core that has some; for portable C that was asked
            for, by which option.
    """

    symbol: str
    name: str
    op: str
    macs: int
    origin: tuple[str, ...] = ()
    writes: tuple[Tensor, ...] = ()
    scratch_bytes: int = 0
    variant: str = ""
    stack_bytes: int = 0
    parts: dict[str, int] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True)
class RawInput:
    """What comes before one input: the helper that makes it from pixels or samples.

    Attributes:
        port: the helper's own input, named as the model's.
        index: of the model's input that it fills.
        symbol: the C function that does the work (local linkage).
        scratch_bytes: scratch that it needs.
        table_bytes: its constants.
        settings: as they were given, by key.
    """

    port: Port
    index: int
    symbol: str
    scratch_bytes: int
    table_bytes: int
    settings: dict[str, Any]


@dataclass(frozen=True)
class RankedOutput:
    """What comes after one output: the helper that ranks its classes.

    Attributes:
        name: of the model's output.
        symbol: the public C function.
        settings: as they were given, by key.
    """

    name: str
    symbol: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Manifest:
    """Everything that builders, runners and reports need to know about an artefact.

    Attributes:
        kind: artefact family; ``c`` for generated C.
        name: symbol prefix.
        target: name of the core it was made for.
        sources: files to compile, relative to the artefact's folder.
        headers: public headers.
        inputs, outputs: ports in calling order.
        arena_bytes, arena_align, state_bytes: memory the caller provides.
        scratch_bytes: largest scratch inside the arena.
        steps: in execution order.
        run_symbol, run_copy_symbol, init_symbol: entry points.
        weights_bytes, table_bytes: constant data, and how much of it is quantization tables.
        stream_table_bytes: how much of those lies between the weights, where kernels read both in
            one stream.
        precision: ``int8`` or ``float32``.
        raw_inputs, ranked_outputs: helpers before and after the model.
        arena_memory: memory that the arena is meant for, where it is split over several.
        regions: further pieces of the arena in slower memories, in calling order.
        optimize: what it was made for, `edgekit.options.Optimize`: flags of compilers, and which of
            several images is kept.
        copied: constants that are read from RAM; None: all are read where they are stored.
    """

    kind: str
    name: str
    target: str
    precision: str
    sources: tuple[str, ...]
    headers: tuple[str, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    arena_bytes: int
    arena_align: int
    state_bytes: int
    scratch_bytes: int
    steps: tuple[StepInfo, ...]
    run_symbol: str
    run_copy_symbol: str
    init_symbol: str
    weights_bytes: int
    table_bytes: int
    stream_table_bytes: int = 0
    raw_inputs: tuple[RawInput, ...] = ()
    ranked_outputs: tuple[RankedOutput, ...] = ()
    arena_memory: str = ""
    regions: tuple[Region, ...] = ()
    optimize: Optimize = "speed"
    copied: Copied | None = None
    schema_version: int = SCHEMA_VERSION

    @property
    def copied_bytes(self) -> int:
        """Bytes that the caller provides for copies of constants."""
        return self.copied.nbytes if self.copied else 0

    @property
    def region_bytes(self) -> int:
        """Bytes of the further regions."""
        return sum(r.nbytes for r in self.regions)

    def trace_offset(self, region: str) -> int:
        """Where a region starts in a trace: the arena comes first, then the further ones."""
        sizes = {"arena": self.arena_bytes} | {r.name: r.nbytes for r in self.regions}
        names = list(sizes)
        return sum(sizes[name] for name in names[: names.index(region)])


def preprocess_manifest(manifest: Manifest) -> Manifest:
    """The helpers before a model as an artefact of their own: pixels or samples to its inputs.

    Their scratch takes the place of the arena, so that builders and runners treat it as any other.
    """
    name = f"{manifest.name}_preprocess"
    scratch = max((r.scratch_bytes for r in manifest.raw_inputs), default=0)
    return dataclasses.replace(
        manifest,
        name=name,
        inputs=tuple(r.port for r in manifest.raw_inputs),
        outputs=tuple(manifest.inputs[r.index] for r in manifest.raw_inputs),
        arena_bytes=scratch,
        state_bytes=0,
        scratch_bytes=scratch,
        steps=_raw_steps(manifest),
        run_symbol=f"{name}_run_copy",
        run_copy_symbol=f"{name}_run_copy",
        raw_inputs=(),
        ranked_outputs=(),
        regions=(),
        copied=None,
    )


def raw_manifest(manifest: Manifest) -> Manifest:
    """Helpers and model in one call: pixels or samples to the model's outputs."""
    name = f"{manifest.name}_raw"
    inputs = list(manifest.inputs)
    for raw in manifest.raw_inputs:
        inputs[raw.index] = raw.port
    start = -(-manifest.arena_bytes // manifest.arena_align) * manifest.arena_align
    scratch = max((r.scratch_bytes for r in manifest.raw_inputs), default=0)
    return dataclasses.replace(
        manifest,
        name=name,
        inputs=tuple(inputs),
        arena_bytes=start + scratch,
        steps=(*_raw_steps(manifest), *manifest.steps),
        run_copy_symbol=f"{name}_run_copy",
        raw_inputs=(),
        ranked_outputs=(),
    )


def _raw_steps(manifest: Manifest) -> tuple[StepInfo, ...]:
    return tuple(StepInfo(r.symbol, r.port.name, "Preprocess", 0) for r in manifest.raw_inputs)


@dataclass(frozen=True)
class Artefact:
    """Files (relative path -> content) and their manifest. Pure data: nothing is on disk yet."""

    manifest: Manifest
    files: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write every file and ``manifest.json`` below ``folder`` (made if missing)."""
        for name, text in {**self.files, MANIFEST_NAME: manifest_to_json(self.manifest)}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")


def manifest_to_json(manifest: Manifest) -> str:
    """The manifest as deterministic JSON text."""
    return json.dumps(dataclasses.asdict(manifest), indent=1, default=_plain) + "\n"


def made_again(folder: Path) -> str:
    """What to do about a folder with a manifest and no report, as a hint."""
    if (folder / STORE).is_dir():
        return convert_again(folder)
    return f"combine made {folder}: take the folder of one of its models"


def load_manifest(folder: Path) -> Manifest:
    """Read ``manifest.json`` from an artefact's folder.

    Raises:
        DataError: it is missing or damaged.
    """
    path = folder / MANIFEST_NAME
    if folder.is_file():
        raise DataError(f"{folder} is a file; a converted model is a folder, the -o of convert")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        found = raw.get("schema_version") if isinstance(raw, dict) else None
        if found != SCHEMA_VERSION:
            what = other_version(found, SCHEMA_VERSION)
            raise DataError(f"{path} {what}. {convert_again(folder)}")
        raw["inputs"] = tuple(_port(p) for p in raw["inputs"])
        raw["outputs"] = tuple(_port(p) for p in raw["outputs"])
        raw["steps"] = tuple(_step(s) for s in raw["steps"])
        raw["raw_inputs"] = tuple(_raw_input(r) for r in raw["raw_inputs"])
        raw["ranked_outputs"] = tuple(RankedOutput(**r) for r in raw["ranked_outputs"])
        raw["regions"] = tuple(Region(**r) for r in raw["regions"])
        raw["copied"] = raw["copied"] and Copied(**raw["copied"])
        raw["sources"], raw["headers"] = tuple(raw["sources"]), tuple(raw["headers"])
        return Manifest(**raw)
    except FileNotFoundError:
        raise DataError(
            f"{folder} is not a converted model: it has no {MANIFEST_NAME}. "
            "Make one with: edgekit convert MODEL --target cortex-m4 -o OUT"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is {damage(error)}. {convert_again(folder)}") from error


def _plain(value: object) -> Any:
    if isinstance(value, DType):
        return value.value
    raise TypeError(f"cannot write {type(value).__name__} to JSON")


def _port(raw: dict[str, Any]) -> Port:
    quant = raw["quant"]
    raw["quant"] = quant and Quant(tuple(quant["scale"]), tuple(quant["zero_point"]), quant["axis"])
    raw["dtype"], raw["outer_dtype"] = DType(raw["dtype"]), DType(raw["outer_dtype"])
    raw["shape"], raw["outer_shape"] = tuple(raw["shape"]), tuple(raw["outer_shape"])
    raw["perm"] = None if raw["perm"] is None else tuple(raw["perm"])
    return Port(**raw)


def _raw_input(raw: dict[str, Any]) -> RawInput:
    return RawInput(**{**raw, "port": _port(raw["port"])})


def _step(raw: dict[str, Any]) -> StepInfo:
    raw["writes"] = tuple(
        Tensor(**{**t, "dtype": DType(t["dtype"]), "shape": tuple(t["shape"])})
        for t in raw["writes"]
    )
    raw["origin"] = tuple(raw["origin"])
    return StepInfo(**raw)

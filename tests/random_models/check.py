"""One random model from its file to a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c.emit import Source, emit
from edgekit.errors import EdgekitError
from edgekit.ir.ops import Dequantize, Quantize
from edgekit.options import ConvertOptions, Rounding
from edgekit.pipeline.checks import difference
from edgekit.pipeline.lowering import Lowered, lower
from edgekit.pipeline.source import read_source
from edgekit.pipeline.vectors import make_vectors
from quantize.ports import feeds, results
from quantize.reference import evaluate
from targets.load import core_names, load_core
from tests.onnx_models import run_onnxruntime
from tests.random_models.batch import Case, run_batch

SAMPLES = 4
CORES = core_names()
"""Integer models take turns: on this machine the portable equal of a core's assembly runs."""
ROUNDINGS: tuple[Rounding, ...] = ("litert", "tflm", "fast")
Arrays = dict[str, NDArray[Any]]


def inputs_of(model: Any, count: int, seed: int) -> Arrays:
    """Random inputs in [-4, 4], ``count`` samples."""
    rng = np.random.default_rng(seed)
    found = {}
    for info in model.graph.input:
        shape = [d.dim_value for d in info.type.tensor_type.shape.dim]
        found[info.name] = rng.uniform(-4, 4, [count * shape[0], *shape[1:]]).astype(np.float32)
    return found


def prepare(model: Any, name: str, integer: bool, path: Path) -> Case | str:
    """The model lowered, with inputs and the reference's answer; or why there is none."""
    import onnx

    onnx.save(model, path)
    arrays = inputs_of(model, SAMPLES, 11)
    calibration = inputs_of(model, 8, 12) if integer else None
    rounding = ROUNDINGS[sum(name.encode()) % 3] if integer else None
    precision: Any = "int8" if integer else "float32"
    core = load_core(CORES[sum(name.encode()) % len(CORES)] if integer else "host")
    options = ConvertOptions(core.name, precision=precision, rounding=rounding)
    try:
        lowered = lower(read_source(path), core, options, calibration)
        vectors = make_vectors(lowered.graph, SAMPLES, arrays)
        artefact = emit(
            lowered.program, name, core.name, Source(name, "random"), vectors, lowered.kernels
        )
    except EdgekitError as error:
        return f"refused: {error}"
    if not integer and (wrong := against_onnxruntime(lowered, path, arrays)):
        return wrong
    if integer and any(
        v.type.dtype.is_float for n in lowered.graph.nodes for v in n.outputs
        if not isinstance(n.op, Quantize | Dequantize)
    ):  # fmt: skip
        return "refused: an operator has no integer form"
    return Case(artefact, vectors)


def against_onnxruntime(lowered: Lowered, path: Path, arrays: Arrays) -> str:
    """How the reference differs from ONNX Runtime without optimisations; empty where it does
    not."""
    values = evaluate(lowered.graph, feeds(lowered.graph, arrays))
    found = results(lowered.graph, values)
    rows = [run_onnxruntime(path, {n: a[i : i + 1] for n, a in arrays.items()})
            for i in range(SAMPLES)]  # fmt: skip
    for name, got in found.items():
        want = np.concatenate([row[name] for row in rows])
        gap, limit = difference(want, got)
        if gap.max(initial=0.0) > limit:
            return f"output '{name}' of the reference differs from ONNX Runtime by {gap.max():g}"
    return ""


def verdict(model: Any, integer: bool, folder: Path) -> str:
    """What is wrong with one model; empty where nothing is."""
    folder.mkdir(parents=True, exist_ok=True)
    case = prepare(model, "g0", integer, folder / "model.onnx")
    return case if isinstance(case, str) else run_batch([case], folder / "build")["g0"]

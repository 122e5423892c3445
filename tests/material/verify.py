"""Convert a model file for this machine, run the C, and compare with the oracle."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgekit import api
from edgekit.errors import CheckFailed, DataError, EdgekitError, ModelError, UsageError
from edgekit.importers import load_model
from edgekit.importers.onnx import load_onnx
from edgekit.ir import Graph
from edgekit.options import Precision
from edgekit.pipeline.lowering import is_quantized
from tests.material.cases import Case, NoOracle
from tests.material.files import not_counted
from tests.material.onnx_cases import onnx_case
from tests.material.tflite_cases import tflite_case

MATCH, WRONG, REFUSED, UNKNOWN = "match", "wrong", "refused", "no oracle"
LINE = 160
"""Characters of a reason that are printed."""


@dataclass(frozen=True)
class Row:
    """What became of a file.

    Attributes:
        file: path below the material's folder.
        status: ``match``, ``wrong``, ``refused`` or ``no oracle``.
        detail: the oracle, or what is wrong, or the reason of the refusal.
        not_counted: why the file does not count, empty where it does.
    """

    file: str
    status: str
    detail: str
    not_counted: str = ""


def verify(path: Path, folder: Path) -> Row:
    """The row of one file; never raises, because one file must not end a run over all."""
    name = str(path.relative_to(folder))
    try:
        status, detail = _verify(path)
        return Row(name, status, detail, not_counted(path))
    except Exception as error:  # an exception that is not ours is a finding about this file
        return Row(name, WRONG, f"{type(error).__name__}: {error}".splitlines()[0])


def _verify(path: Path) -> tuple[str, str]:
    graph: Graph | None = None
    try:
        case = onnx_case(path) if path.suffix == ".onnx" else tflite_case(path)
    except NoOracle as error:
        try:
            load_model(path)
        except ModelError as refused:
            return REFUSED, _reason(refused)
        return UNKNOWN, str(error).splitlines()[0]
    attempts = [case, case.pin_parameters()] if len(case.inputs) > 1 else [case]
    refusal = ""
    for attempt in attempts:
        try:
            graph = _load(attempt)
            problem = _run(graph, attempt)
        except CheckFailed as error:
            return WRONG, str(error).splitlines()[-1]
        except (ModelError, UsageError) as error:
            refusal = refusal or _reason(error)
            continue
        pinned = ", parameters as constants" if attempt.pinned else ""
        return (WRONG, problem) if problem else (MATCH, attempt.oracle + pinned)
    return REFUSED, refusal


def _load(case: Case) -> Graph:
    onnx = case.path.suffix == ".onnx"
    return load_onnx(case.path, case.pinned) if onnx else load_model(case.path)


def _run(graph: Graph, case: Case) -> str:
    """What is wrong with the outputs of the compiled C."""
    precision: Precision | None = None if is_quantized(graph) else "float32"
    options = api.ConvertOptions("host", precision=precision, toolchain="gcc", vectors=1)
    with tempfile.TemporaryDirectory(prefix="edgekit-material-") as folder:
        deployment = api.convert(graph, Path(folder) / "out", options)
        try:
            found = deployment.run(case.inputs, on="host", carry_state=case.carry_state)
        except DataError as error:
            return _reason(error)
    return case.compare(list(found.values()))


def _reason(error: EdgekitError) -> str:
    first = str(error.problems[0]) if error.problems else str(error)
    more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
    line = first.splitlines()[0]
    return (line if len(line) <= LINE else f"{line[: LINE - 3]}...") + more

"""A node case as C: imported, lowered and written into a folder of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c.emit import Source, Vectors, emit
from edgekit.artefact import Manifest
from edgekit.importers.onnx import load_onnx
from edgekit.ir import Graph
from edgekit.options import ConvertOptions
from edgekit.passes import CANONICAL, run_passes
from edgekit.passes.dead_code import DeadCode
from edgekit.pipeline.lowering import is_quantized, lower
from edgekit.pipeline.source import ModelSource
from edgekit.schedule.ports import make_ports
from quantize.ports import feeds, results
from targets.load import load_core
from tests.conformance.cases import Arrays, Case

FIXED_ROWS = {"NonMaxSuppression": -1}
"""Operators whose number of rows depends on data in ONNX. Generated code gives as many as there can
be; those beyond ONNX's must hold this number."""


@dataclass(frozen=True)
class Emitted:
    """A case that has C.

    Attributes:
        case: the case.
        graph: its lowered graph.
        manifest: how to call the C.
        source: the C file.
    """

    case: Case
    graph: Graph
    manifest: Manifest
    source: Path

    def inputs(self) -> list[NDArray[Any]]:
        """The case's inputs as the C takes them."""
        given = {b.name: np.atleast_1d(self.case.inputs[b.name]) for b in self.graph.input_bindings}
        arrays = feeds(self.graph, given, finite=False)
        return [arrays[v.name] for v in self.graph.inputs]

    def differences(self, found: list[NDArray[Any]]) -> str:
        """What is wrong with the outputs of the C; empty where nothing is."""
        named = results(
            self.graph, {v.name: a for v, a in zip(self.graph.outputs, found, strict=True)}
        )
        shapes = {b.name: b.outer.shape for b in self.graph.output_bindings}
        for name, want in self.case.outputs.items():
            got = named[name]
            if self.case.operator in FIXED_ROWS and got.ndim == want.ndim:
                if (got[len(want) :] != FIXED_ROWS[self.case.operator]).any():
                    return f"'{name}' has more rows than {len(want)}"
                got, shapes[name] = got[: len(want)], (len(want), *shapes[name][1:])
            if shapes[name] != want.shape or got.dtype != want.dtype:
                ours = f"{got.dtype}{list(shapes[name])}"
                return f"'{name}' is {ours}, wanted {want.dtype}{list(want.shape)}"
            text = _difference(got.reshape(want.shape), want, self.case)
            if text:
                return f"'{name}': {text}"
        return ""


def emit_case(case: Case, folder: Path) -> Emitted:
    """Import, lower and write a case; its C lies in ``folder``.

    Raises:
        EdgekitError: something in it is not supported.
    """
    folder.mkdir(parents=True)
    path = folder / "model.onnx"
    path.write_bytes(case.model)
    pinned: Arrays = {n: case.inputs[n] for n in case.pinned}
    graph = load_onnx(path, pinned=pinned)
    quantized = is_quantized(run_passes(graph, (*CANONICAL, DeadCode())))
    options = ConvertOptions("host", precision="int8" if quantized else "float32")
    lowered = lower(ModelSource(graph, path.name, None, "onnx"), load_core("host"), options, None)
    inputs, outputs = make_ports(lowered.program)
    unused = Vectors(
        tuple(np.zeros((1, *p.shape), p.dtype.numpy) for p in inputs),
        tuple(np.zeros((1, *p.shape), p.dtype.numpy) for p in outputs),
    )
    artefact = emit(lowered.program, case.name, "host", Source(case.name, "not a file"), unused)
    artefact.write(folder)
    return Emitted(case, lowered.graph, artefact.manifest, folder / f"{case.name}.c")


def _difference(got: NDArray[Any], want: NDArray[Any], case: Case) -> str:
    if want.dtype.kind != "f":
        bad = int(np.count_nonzero(got != want))
        return f"{bad} of {want.size} differ" if bad else ""
    try:
        np.testing.assert_allclose(got, want, rtol=case.rtol, atol=case.atol)
    except AssertionError as error:
        lines = [
            line for line in str(error).splitlines() if "difference" in line or "x and y" in line
        ]
        return "; ".join(" ".join(line.split()) for line in lines) or "differs"
    return ""

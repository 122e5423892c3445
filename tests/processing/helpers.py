"""Helpers of a graph compiled for this machine, and what the numpy definition makes of the same."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c.processing import add_processing
from edgekit.artefact import Artefact, Port, preprocess_manifest
from edgekit.ir import DType, Graph, Quant, TensorType
from edgekit.ir.ops import Clip, Op, QRescale, Rounding
from edgekit.pipeline.helpers import raw_samples
from edgekit.processing import InputProcessing, Processing, Ranking
from profiles.runners import HOST
from quantize.processing import process
from quantize.requantize import make_requant
from targets.load import load_core
from targets.toolchains import get_toolchain
from tests.proofs.emission import STRICT, compiler, emission, run
from tests.runners.support import skip_unless

Array = NDArray[Any]
_FOLDER = tempfile.TemporaryDirectory(prefix="edgekit-tests-")
QUANT = Quant.per_tensor(0.0371, -7)


Shapes = dict[str, tuple[tuple[int, ...], DType]]


def graph(inputs: Shapes) -> Graph:
    """One output for each input; four axes are an NHWC image."""
    made = Graph("processed")
    outputs = []
    for name, (shape, dtype) in inputs.items():
        layout = "NHWC" if len(shape) == 4 else ""
        real = dtype is DType.FLOAT32
        x = made.add_input(name, TensorType(shape, dtype, layout, None if real else QUANT))
        op: Op = Clip() if real else QRescale(make_requant([0.5], Rounding.DOUBLE))
        outputs.append(made.add_node(op, [x], x.type).output)
    made.outputs = outputs
    made.bind_ports([f"{name}_out" for name in inputs])
    return made


def emit(source: Graph, inputs: Mapping[str, InputProcessing], name: str = "net") -> Artefact:
    """The graph's artefact with helpers."""
    real = any(v.type.dtype is DType.FLOAT32 for v in source.inputs)
    made = emission(source, name, None if real else "litert").artefact
    return add_processing(made, Processing(dict(inputs), {}))


def written(artefact: Artefact) -> Path:
    """A folder with its files."""
    folder = Path(tempfile.mkdtemp(dir=_FOLDER.name))
    artefact.write(folder)
    return folder


def compare(artefact: Artefact, inputs: Mapping[str, InputProcessing], tool: str = "gcc") -> None:
    """The C of every helper, compiled without a warning, gives what the numpy definition gives."""
    folder = written(artefact)
    skip_unless(get_toolchain(tool).missing(load_core("host")))
    for source in artefact.manifest.sources[1:]:
        run([*compiler(tool), *STRICT, "-O1", "-c", source, "-o", "x.o"], folder)
    part = preprocess_manifest(artefact.manifest)
    image = get_toolchain(tool).build_host_library(folder, part, folder / "p.so")
    raws = [raw_samples(p, 3) for p in part.inputs]
    found = HOST.run(image, part, raws).outputs
    for raw, port, have in zip(raws, part.outputs, found, strict=True):
        wanted = process(raw, inputs[port.name], port)
        np.testing.assert_array_equal(have.reshape(wanted.shape), wanted, err_msg=port.name)


def port(shape: tuple[int, ...], dtype: DType = DType.INT8) -> Port:
    """An input of a model."""
    quant = None if dtype is DType.FLOAT32 else QUANT
    return Port("x", "input_0", dtype, shape, "", quant, 0, dtype, shape)


__all__ = ["Ranking", "compare", "emit", "graph", "port", "written"]

"""Float ONNX models quantized by ONNX Runtime's own tool, in both of its forms: integers only, and
the same numbers as ONNX Runtime with optimisations off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit import api
from edgekit.ir import Graph
from edgekit.ir.ops import Reshape, integer
from edgekit.ir.serialize import load_graph
from tests.onnx_models import run_onnxruntime
from tests.proofs.data import mnist_task, vww_onnx_task
from tests.support import material

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

Array = NDArray[Any]
SAMPLES = 60
MODELS = ("mnist", "vww", "conv2d_small_keras")
CASES = [
    *((m, "QDQ", "QInt8") for m in MODELS),
    *((m, "QOperator", "QUInt8") for m in MODELS),
    ("mnist", "QDQ", "QUInt8"),
    ("mnist", "QOperator", "QInt8"),
]


def task(name: str) -> tuple[Path, Array, Array]:
    """A float model, samples to calibrate on, samples to compare; labelled data where there are."""
    if name == "conv2d_small_keras":
        x = np.random.default_rng(1).uniform(0, 1, (SAMPLES + 40, 8, 8, 1)).astype(np.float32)
        return material() / "hls4ml" / "onnx" / f"{name}.onnx", x[:40], x[40:]
    known = mnist_task() if name == "mnist" else vww_onnx_task()
    return known.model, known.calibration[:40], known.x[:SAMPLES]


class Reader:
    """Calibration samples as onnxruntime.quantization reads them."""

    def __init__(self, name: str, samples: Iterable[Array]) -> None:
        self._name, self._samples = name, iter(samples)

    def get_next(self) -> Mapping[str, Array] | None:
        """One sample, None at the end."""
        sample = next(self._samples, None)
        return None if sample is None else {self._name: sample[None]}


def quantize(name: str, form: str, activations: str, folder: Path) -> tuple[Path, Array]:
    """The quantized file and the samples to compare.

    Weights have 7 bits: ONNX Runtime's kernels for x86 without VNNI saturate sums of two products.
    """
    import onnx
    import onnx.version_converter
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    model, calibration, samples = task(name)
    source, path = folder / "float.onnx", folder / f"{name}.onnx"
    # Scales for each channel need operator set 13.
    onnx.save(onnx.version_converter.convert_version(onnx.load(model), 13), source)
    quantize_static(
        source, path, Reader(only_input(source), calibration), quant_format=QuantFormat[form],
        activation_type=QuantType[activations], weight_type=QuantType.QInt8, per_channel=True,
        reduce_range=True,
    )  # fmt: skip
    return path, samples


def only_input(path: Path) -> str:
    import onnx

    graph = onnx.load(path).graph
    constants = {t.name for t in graph.initializer}
    (name,) = [i.name for i in graph.input if i.name not in constants]
    return str(name)


def integers_only(graph: Graph) -> bool:
    """True where every operator computes on integers (softmax included)."""
    kinds = {type(n.op).__module__.startswith(integer.__name__) for n in graph.nodes
             if not isinstance(n.op, Reshape)}  # fmt: skip
    dtypes = {v.type.dtype for n in graph.nodes for v in n.outputs}
    return kinds == {True} and all(d.is_integer for d in dtypes)


@pytest.mark.parametrize(("name", "form", "activations"), CASES)
def test_same_numbers_as_onnxruntime(
    name: str, form: str, activations: str, tmp_path: Path
) -> None:
    path, x = quantize(name, form, activations, tmp_path)
    deployment = api.convert(path, tmp_path / "out", api.ConvertOptions("host"))
    graph = load_graph(tmp_path / "out" / "edgekit")
    assert integers_only(graph)
    (found,) = deployment.run({"x": x}, on="host").values()
    given = only_input(path)
    wanted = np.concatenate(
        [next(iter(run_onnxruntime(path, {given: row[None]}).values())) for row in x]
    )
    assert len(np.unique(wanted, axis=0)) >= 10  # the samples reach different answers
    quant = graph.outputs[0].type.quant
    assert quant is not None
    steps = np.abs(found.astype(np.float64) - wanted) / quant.scale[0]
    # QDQ computes in float32 between quantizations: a sum close to a tie may round otherwise.
    assert steps.max() < (0.01 if form == "QOperator" else 1.01)

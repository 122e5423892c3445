"""Quantization to a file, and the accuracy of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgekit.errors import UsageError
from edgekit.exporters.onnx import export_qdq
from edgekit.ir import Graph
from edgekit.npz import LABELS
from edgekit.passes import CANONICAL, TO_NHWC, run_passes
from edgekit.passes.dead_code import DeadCode
from edgekit.pipeline.evaluation import by_name, score
from edgekit.pipeline.lowering import is_quantized, nhwc_int8, own_rounding
from edgekit.pipeline.reporting import ERROR_SAMPLES
from edgekit.pipeline.source import read_source
from edgekit.report.model import LayerError
from edgekit.report.results import Evaluation, QuantizeSummary
from quantize.layer_errors import quantization_error
from quantize.ports import feeds, results
from quantize.ptq import quantize_graph
from quantize.reference import evaluate
from quantize.schemes import dequantize_array

Arrays = Mapping[str, NDArray[Any]]


def quantize_model(
    model: Path | str | Graph,
    calibration: Arrays,
    out: Path,
    observer: str = "minmax",
    percentile: float = 99.99,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    signature: str = "",
) -> QuantizeSummary:
    """Quantize a float model and write it as QDQ ONNX.

    Raises:
        UsageError: the model is already quantized.
        ModelError, DataError: model or calibration refused.
    """
    source = read_source(model, shapes, signature)
    graph = run_passes(source.graph, CANONICAL)
    if is_quantized(graph):
        raise UsageError(f"'{source.file}' is already int8; convert it as it is")
    quantized = quantize_graph(graph, calibration, observer=observer, percentile=percentile)
    integer = run_passes(quantized, nhwc_int8("fast"))
    export_qdq(quantized, out)
    samples = len(next(iter(calibration.values())))
    some = {k: a[:ERROR_SAMPLES] for k, a in calibration.items()}
    layers = tuple(
        LayerError(e.name, e.sqnr_db, e.max_abs, e.mean_abs)
        for e in quantization_error(graph, integer, some)
    )
    return QuantizeSummary(str(out), samples, observer, layers)


def evaluate_model(path: Path | str, data: Arrays, on: str) -> Evaluation:
    """Accuracy of a model file in its own arithmetic (int8 by its runtime's rounding).

    Raises:
        UsageError: ``on`` is not ``reference``; only converted models run elsewhere.
        ModelError, DataError: model or data refused.
    """
    if on != "reference":
        raise UsageError(
            f"a model file can be evaluated on the reference only, not on '{on}'. Convert it "
            "first: edgekit convert MODEL --target T -o OUT; edgekit evaluate OUT --on " + on
        )
    source = read_source(path)
    graph = run_passes(source.graph, (*CANONICAL, DeadCode()))
    is_int8 = is_quantized(graph)
    graph = run_passes(graph, nhwc_int8(own_rounding(source)) if is_int8 else TO_NHWC)
    inputs = {k: v for k, v in data.items() if k != LABELS}
    outputs = results(graph, evaluate(graph, feeds(graph, inputs)))
    real_out = {
        b.name: _real(outputs[b.name], v)
        for b, v in zip(graph.output_bindings, graph.outputs, strict=True)
    }
    given = by_name(inputs, [b.name for b in graph.input_bindings])
    real_in = {
        b.name: _real(given[b.name], v)
        for b, v in zip(graph.input_bindings, graph.inputs, strict=True)
    }
    subject = "int8 model" if is_int8 else "float model"
    return score(real_out, real_in, data.get(LABELS), subject, on)


def _real(array: NDArray[Any], value: Any) -> NDArray[Any]:
    quant = value.type.quant
    return array if array.dtype.kind == "f" or quant is None else dequantize_array(array, quant)

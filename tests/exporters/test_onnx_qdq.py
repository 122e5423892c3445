"""QDQ export: ONNX Runtime loads it, and importing it again gives the same integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.exporters.onnx import export_qdq
from edgekit.importers import load_model
from edgekit.importers.onnx import load_onnx
from edgekit.ir import Graph
from edgekit.passes import CANONICAL, TO_NHWC, run_passes
from quantize.lower import LowerInteger
from quantize.ptq import quantize_graph
from tests.onnx_models import (
    Arrays,
    ints,
    noise,
    onnx_model,
    operators,
    run_graph,
    run_onnxruntime,
    save,
)
from tests.support import material

SAMPLES: Arrays = {"x": noise(20, 2, 6, 6, seed=9)}
W = noise(4, 2, 3, 3, seed=1, scale=0.3)

BODIES = {
    "layers": "h = Conv<pads=[1,1,1,1], strides=[2,1]>(x, w, b) r = Relu(h)"
    " p = MaxPool<kernel_shape=[2,2]>(r) f = Flatten(p) g = Gemm(f, d) y = Softmax(g)",
    "residual": "h = Conv<pads=[1,1,1,1], group=2>(x, g2) a = Add(h, x) y = Relu(a)",
    "means": "m = AveragePool<kernel_shape=[3,3], pads=[1,1,1,1]>(x)"
    " y = ReduceMean<axes=[2,3], keepdims=0>(m)",
    "moves": "q = Pad(x, pads, k) t = Transpose<perm=[0,2,3,1]>(q) s = Sub(t, c)"
    " y = Concat<axis=3>(t, s)",
    "clip": "q = Clip(x, lo, hi) r = Reshape(q, z) y = Add(r, v)",
    "pool_clamp": "p = MaxPool<kernel_shape=[2,2]>(x) y = Clip(p, lo, hi)",
}
CONSTANTS = {
    "w": W, "b": noise(4), "d": noise(40, 3, scale=0.3), "g2": noise(2, 1, 3, 3),
    "pads": ints([0, 0, 1, 0, 0, 0, 0, 0]), "k": np.float32(0.5), "c": noise(1, 1, 1, 2),
    "lo": np.float32(-0.5), "hi": np.float32(0.75), "z": ints([0, -1]), "v": noise(1, 72),
}  # fmt: skip


def quantized(folder: Path, body: str) -> Graph:
    """A text model, canonical and quantized."""
    graph = run_passes(load_onnx(save(onnx_model(body, **CONSTANTS), folder)), CANONICAL)
    return quantize_graph(graph, SAMPLES)


def integers(graph: Graph, arrays: Arrays) -> Arrays:
    """What the integer form computes."""
    return run_graph(run_passes(graph, (*TO_NHWC, LowerInteger("litert"))), arrays)


def parameters(graph: Graph) -> list[object]:
    """Operators with the quantization of all they read and write."""
    return [
        (n.op.name, [v.type.quant for v in n.inputs if v is not None], n.output.type.quant)
        for n in graph.nodes
    ]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_round_trip_keeps_parameters_and_integers(body: str, tmp_path: Path) -> None:
    graph = quantized(tmp_path, body)
    path = tmp_path / "q.onnx"
    export_qdq(graph, path)
    again = run_passes(load_onnx(path), CANONICAL)
    assert parameters(again) == parameters(graph)
    one = {"x": SAMPLES["x"][:1]}
    np.testing.assert_array_equal(integers(again, one)["y"], integers(graph, one)["y"])


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_onnxruntime_agrees_to_one_step(body: str, tmp_path: Path) -> None:
    graph = quantized(tmp_path, body)
    path = tmp_path / "q.onnx"
    export_qdq(graph, path)
    quant = graph.outputs[0].type.quant
    assert quant is not None
    found = integers(graph, SAMPLES)["y"]
    wanted = [run_onnxruntime(path, {"x": SAMPLES["x"][i : i + 1]})["y"] for i in range(20)]
    steps = np.abs(found - np.concatenate(wanted)) / quant.scale[0]
    # ties are rounded to even there and away from zero here, in every pool and layer
    assert steps.max() <= 2.01
    assert (steps > 0.5).mean() < 0.3


def test_model_in_nhwc_is_written_with_transposes(tmp_path: Path) -> None:
    graph = run_passes(quantized(tmp_path, BODIES["layers"]), TO_NHWC)
    assert graph.input_bindings[0].perm is not None
    export_qdq(graph, tmp_path / "q.onnx")
    again = run_passes(load_onnx(tmp_path / "q.onnx"), CANONICAL)
    assert again.input_bindings[0].outer.shape == (1, 2, 6, 6), "the source model's layout"
    one = {"x": SAMPLES["x"][:1]}
    np.testing.assert_array_equal(integers(again, one)["y"], integers(graph, one)["y"])


def test_bytes_are_deterministic(tmp_path: Path) -> None:
    for name in ("a", "b"):
        export_qdq(quantized(tmp_path, BODIES["layers"]), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_refusal_names_the_operator_and_writes_nothing(tmp_path: Path) -> None:
    graph = run_passes(quantized(tmp_path, BODIES["layers"]), (*TO_NHWC, LowerInteger("litert")))
    with pytest.raises(ModelError, match="QConv2D"):
        export_qdq(graph, tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()
    assert operators(graph)[0] == "QConv2D"


def test_int8_tflite_as_qdq(tmp_path: Path) -> None:
    """A TFLite model keeps its int8 ports and its integers."""
    source = material() / "mlperf_tiny" / "models" / "pretrainedResnet_quant.tflite"
    graph = run_passes(load_model(source), CANONICAL)
    path = tmp_path / "resnet.onnx"
    export_qdq(graph, path)
    rng = np.random.default_rng(1)
    name = graph.input_bindings[0].name
    x = rng.integers(-128, 128, (2, 32, 32, 3)).astype(np.int8)
    again = run_passes(load_onnx(path), CANONICAL)
    first, second = integers(graph, {name: x}), integers(again, {name: x})
    for output in first:
        np.testing.assert_array_equal(first[output], second[output])
    wanted = run_onnxruntime(path, {name: x[:1]})
    for output, array in wanted.items():
        difference = np.abs(first[output][:1].astype(int) - array.astype(int))
        assert difference.max() <= 8, "each layer within one step"

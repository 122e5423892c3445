"""Operators that move elements keep the quantization of what they move: float models quantized by
calibration, against ONNX Runtime in float."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit import api
from edgekit.importers.onnx import load_onnx
from edgekit.passes import CANONICAL, TO_NHWC, run_passes
from quantize.lower import LowerInteger
from quantize.ptq import quantize_graph
from tests.onnx_models import noise, onnx_model, run_onnxruntime, save

HEAD = "h = Conv<pads=[1,1,1,1]>(x, w)"
BODIES = [
    f"{HEAD} a, b = Split<axis=1>(h) y = Concat<axis=2>(b, a)",
    f'{HEAD} y = Resize<mode="nearest">(h, _, s)',
    f"{HEAD} t = Tile(h, r) y = Slice(t, o, e, i, p)",
    f'{HEAD} y = Pad<mode="reflect">(h, q)',
    f"{HEAD} d = DepthToSpace<blocksize=2>(h) y = Gather<axis=3>(d, g)",
]


def ints(*numbers: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array(numbers, np.int64)


def path_of(body: str, folder: Path) -> Path:
    model = onnx_model(
        body, "float[1,2,6,6] x", opset=13, w=noise(4, 2, 3, 3),
        s=np.array([1, 1, 2, 2], np.float32), r=ints(1, 1, 2, 1), o=ints(-1), e=ints(-99),
        i=ints(2), p=ints(-2), q=ints(0, 0, 1, 1, 0, 0, 1, 2), g=ints(0, -1, 3),
    )  # fmt: skip
    used = {n for node in model.graph.node for n in node.input}
    kept = [t for t in model.graph.initializer if t.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    return save(model, folder)


@pytest.mark.parametrize("body", BODIES)
def test_one_scale_from_end_to_end(body: str, tmp_path: Path) -> None:
    path = path_of(body, tmp_path)
    canonical = run_passes(load_onnx(path), CANONICAL)
    samples = noise(32, 2, 6, 6, seed=3)
    quantized = run_passes(quantize_graph(canonical, {"x": samples}), TO_NHWC)
    lowered = run_passes(quantized, [LowerInteger()])
    scales = {v.type.quant for n in lowered.nodes for v in n.outputs}
    assert len(scales) == 1


def test_generated_code_is_near_the_float_model(tmp_path: Path) -> None:
    path = path_of(BODIES[2], tmp_path)
    samples = noise(16, 2, 6, 6, seed=3)
    options = api.ConvertOptions("host", precision="int8")
    deployment = api.convert(path, tmp_path / "out", options, calibration={"x": samples})
    found = deployment.run({"x": samples[:1]}, on="host")["y"]
    want = run_onnxruntime(path, {"x": samples[:1]})["y"]
    assert np.abs(found - want).max() < 0.03 * np.abs(want).max()
